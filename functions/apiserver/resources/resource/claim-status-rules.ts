import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from '../../../../lib/api/field-errors.js';
import { deepEqual } from '../../../../lib/api/equality.js';
import type {
  ResourceV1ResourceClaim,
  V1AllocationResult,
  V1ResourceClaimConsumerReference,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { validateNodeSelector } from '../shared/pod-spec/scheduling.js';
import { csiDriverNameErrors } from '../storage/csi-driver-name.js';
import { claimRequestNames, requestReferenceErrors } from './claim-rules.js';
import { bindingErrors } from './device-attributes.js';
import { opaqueErrors } from './device-rules.js';
import { poolNameErrors } from './slice-rules.js';

const RESERVATIONS_MAX = 256;
const RESULTS_MAX = 32;
const CONFIGS_MAX = 64;
const CONDITIONS_MAX = 8;
const DATA_BYTES_MAX = 10 * 1024;
const SOURCES = ['FromClaim', 'FromClass'];

/** Who reserves the claim, and what was allocated for it: once, and for what it asks. */
export function claimStatusErrors(claim: ResourceV1ResourceClaim, old: ResourceV1ResourceClaim): FieldError[] {
  const { reservedFor = [], allocation, devices = [] } = claim.status ?? {};
  const before = old.status?.allocation;
  const errors = reservationErrors(reservedFor);
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceId));
  for (const [index, device] of devices.entries()) {
    const path = `status.devices[${index}]`;
    errors.push(
      ...csiDriverNameErrors(`${path}.driver`, device.driver),
      ...poolNameErrors(device.pool, `${path}.pool`),
    );
    errors.push(...formatErrors(`${path}.device`, device.device, isDns1123Label));
    if (!allocated.has(deviceId(device))) {
      errors.push(invalid(path, deviceId(device), 'must be an allocated device in the claim'));
    }
    const count = device.conditions?.length ?? 0;
    if (count > CONDITIONS_MAX) errors.push(tooMany(`${path}.conditions`, count, CONDITIONS_MAX));
    const size = device.data === undefined ? 0 : Buffer.byteLength(JSON.stringify(device.data));
    if (size > DATA_BYTES_MAX) errors.push(tooLong(`${path}.data`, DATA_BYTES_MAX));
    if (devices.findIndex((other) => deviceId(other) === deviceId(device)) < index) {
      errors.push(duplicate(path, deviceId(device)));
    }
  }
  if (reservedFor.length > 0 && allocation === undefined) {
    errors.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'));
  } else if (claim.metadata?.deletionTimestamp !== undefined && addsReservation(reservedFor, old)) {
    const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
    errors.push(forbidden('status.reservedFor', why));
  }
  if (allocation === undefined) return errors;
  if (before !== undefined) return [...errors, ...immutableErrors('status.allocation', allocation, before)];
  return [...errors, ...allocationErrors(claim, allocation)];
}

function deviceId({
  driver,
  pool,
  device,
  shareID,
}: {
  driver: string;
  pool: string;
  device: string;
  shareID?: string;
}) {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');
}

function addsReservation(
  reservedFor: readonly V1ResourceClaimConsumerReference[],
  old: ResourceV1ResourceClaim,
): boolean {
  const before = old.status?.reservedFor ?? [];
  return reservedFor.some((one) => !before.some((other) => deepEqual(one, other)));
}

function reservationErrors(reservedFor: readonly V1ResourceClaimConsumerReference[]): FieldError[] {
  const path = 'status.reservedFor';
  if (reservedFor.length > RESERVATIONS_MAX) return [tooMany(path, reservedFor.length, RESERVATIONS_MAX)];
  return reservedFor.flatMap((one, index) => [
    ...(['resource', 'name', 'uid'] as const).flatMap((field) =>
      one[field] ? [] : [required(`${path}[${index}].${field}`)],
    ),
    ...(reservedFor.findIndex(({ uid }) => uid === one.uid) < index ? [duplicate(`${path}[${index}]`, one.uid)] : []),
  ]);
}

function allocationErrors(claim: ResourceV1ResourceClaim, allocation: V1AllocationResult): FieldError[] {
  const names = claimRequestNames(claim.spec?.devices?.requests ?? []);
  const { results = [], config = [] } = allocation.devices ?? {};
  const path = 'status.allocation';
  const errors: FieldError[] = [];
  if (results.length > RESULTS_MAX) errors.push(tooMany(`${path}.devices.results`, results.length, RESULTS_MAX));
  for (const [index, result] of results.slice(0, RESULTS_MAX).entries()) {
    const at = `${path}.devices.results[${index}]`;
    errors.push(
      ...requestReferenceErrors(result.request, names, `${at}.request`),
      ...csiDriverNameErrors(`${at}.driver`, result.driver),
      ...poolNameErrors(result.pool, `${at}.pool`),
      ...formatErrors(`${at}.device`, result.device, isDns1123Label),
      ...bindingErrors(result.bindingConditions ?? [], result.bindingFailureConditions ?? [], at),
    );
  }
  if (config.length > CONFIGS_MAX) errors.push(tooMany(`${path}.devices.config`, config.length, CONFIGS_MAX));
  for (const [index, { source, requests = [], opaque }] of config.slice(0, CONFIGS_MAX).entries()) {
    const at = `${path}.devices.config[${index}]`;
    if (!source) errors.push(required(`${at}.source`));
    else if (!SOURCES.includes(source)) errors.push(notSupported(`${at}.source`, source, SOURCES));
    for (const [place, request] of requests.entries()) {
      errors.push(...requestReferenceErrors(request, names, `${at}.requests[${place}]`));
    }
    errors.push(...opaqueErrors(opaque, `${at}.opaque`));
  }
  if (allocation.nodeSelector !== undefined) {
    errors.push(...validateNodeSelector(allocation.nodeSelector, `${path}.nodeSelector`));
  }
  return errors;
}
