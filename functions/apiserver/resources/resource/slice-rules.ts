import { duplicate, invalid, required, tooLong, tooMany, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1CounterSet,
  V1Device,
  V1ResourcePool,
  V1ResourceSliceSpec,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from '../shared/formats.js';
import { validateNodeSelector } from '../shared/pod-spec/scheduling.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { countersErrors, deviceFactErrors } from './device-attributes.js';
import { csiDriverNameErrors } from '../storage/csi-driver-name.js';

const POOL_NAME_BYTES_MAX = 253;
const DEVICES_MAX = 128;
const ADVANCED_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;
const ONE_PER_DEVICE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const NOT_PER_DEVICE =
  '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const EXACTLY_ONE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

/** Devices that a driver offers on a node or on several. */
export function resourceSliceErrors(spec: V1ResourceSliceSpec, old?: V1ResourceSliceSpec): FieldError[] {
  return [
    ...csiDriverNameErrors('spec.driver', spec.driver),
    ...poolErrors(spec.pool),
    ...nodeErrors(spec),
    ...placementErrors(spec),
    ...(spec.sharedCounters !== undefined && spec.devices !== undefined
      ? [invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')]
      : []),
    ...deviceErrors(spec, old),
    ...counterSetErrors(spec.sharedCounters ?? []),
  ];
}

function poolErrors({ name, resourceSliceCount, generation }: V1ResourcePool): FieldError[] {
  return [
    ...poolNameErrors(name, 'spec.pool.name'),
    ...(resourceSliceCount > 0
      ? []
      : [invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero')]),
    ...(generation < 0 ? [invalid('spec.pool.generation', generation, 'must be greater than or equal to zero')] : []),
  ];
}

export function poolNameErrors(name: string | undefined, field: string): FieldError[] {
  if (!name) return [required(field)];
  return [
    ...(Buffer.byteLength(name) > POOL_NAME_BYTES_MAX ? [tooLong(field, POOL_NAME_BYTES_MAX)] : []),
    ...name.split('/').flatMap((part) => formatErrors(field, part, isDns1123Subdomain)),
  ];
}

function nodeErrors({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: V1ResourceSliceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (nodeName === '') {
    errors.push(invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'));
  } else if (nodeName !== undefined) {
    errors.push(...formatErrors('spec.nodeName', nodeName, isDns1123Subdomain));
  }
  if (nodeSelector !== undefined) {
    errors.push(...validateNodeSelector(nodeSelector, 'spec.nodeSelector'));
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term'));
    }
  }
  for (const [field, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === false) errors.push(invalid(`spec.${field}`, false, 'must be either unset or set to true'));
  }
  return errors;
}

function placementErrors(spec: V1ResourceSliceSpec): FieldError[] {
  const set = [
    ...(spec.nodeName ? ['`nodeName`'] : []),
    ...(spec.nodeSelector === undefined ? [] : ['`nodeSelector`']),
    ...(spec.allNodes === true ? ['`allNodes`'] : []),
    ...(spec.perDeviceNodeSelection === true ? ['`perDeviceNodeSelection`'] : []),
  ];
  if (set.length === 0) return [required('spec', EXACTLY_ONE)];
  return set.length === 1
    ? []
    : [invalid('spec', `{${set.join(', ')}}`, `${EXACTLY_ONE}, but multiple fields are set`)];
}

/** Taints, counters and lists make devices larger: of those fewer fit. */
function devicesMax(devices: readonly V1Device[]): number {
  const isLarge = ({ taints = [], consumesCounters = [], attributes = {} }: V1Device): boolean =>
    taints.length > 0 ||
    consumesCounters.length > 0 ||
    Object.values(attributes).some(
      ({ bools, ints, strings, versions }) => (bools ?? ints ?? strings ?? versions) !== undefined,
    );
  return devices.some(isLarge) ? ADVANCED_DEVICES_MAX : DEVICES_MAX;
}

function deviceErrors(spec: V1ResourceSliceSpec, old: V1ResourceSliceSpec | undefined): FieldError[] {
  const { devices = [] } = spec;
  const path = 'spec.devices';
  const seen = new Set<string>();
  const max = devicesMax(devices);
  if (devices.length > max) return [tooMany(path, devices.length, max)];
  return devices.flatMap((device, index) => {
    const { name } = device;
    const at = `${path}[${index}]`;
    const errors = requiredFormatErrors(`${at}.name`, name, isDns1123Label);
    const before = old?.devices?.find((other) => other.name === name);
    errors.push(...deviceFactErrors(device, before, at), ...deviceNodeErrors(device, spec, at));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    return errors;
  });
}

/** Where a device is, when each says it for itself. */
function deviceNodeErrors(device: V1Device, spec: V1ResourceSliceSpec, path: string): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  if (spec.perDeviceNodeSelection !== true) {
    return nodeName === undefined && nodeSelector === undefined && allNodes === undefined
      ? []
      : [invalid(path, null, NOT_PER_DEVICE)];
  }
  const errors: FieldError[] = [];
  if (nodeName === '') errors.push(invalid(`${path}.nodeName`, nodeName, 'must not be empty'));
  else if (nodeName !== undefined) errors.push(...formatErrors(`${path}.nodeName`, nodeName, isDns1123Subdomain));
  if (nodeSelector !== undefined) errors.push(...validateNodeSelector(nodeSelector, `${path}.nodeSelector`));
  if (allNodes === false) errors.push(invalid(`${path}.allNodes`, false, 'must be either unset or set to true'));
  const set = [
    ...(nodeName ? ['`nodeName`'] : []),
    ...(nodeSelector === undefined ? [] : ['`nodeSelector`']),
    ...(allNodes === true ? ['`allNodes`'] : []),
  ];
  if (set.length === 0) errors.push(required(path, ONE_PER_DEVICE));
  else if (set.length > 1) errors.push(invalid(path, `{${set.join(', ')}}`, ONE_PER_DEVICE));
  return errors;
}

function counterSetErrors(sets: readonly V1CounterSet[]): FieldError[] {
  const path = 'spec.sharedCounters';
  if (sets.length > COUNTER_SETS_MAX) return [tooMany(path, sets.length, COUNTER_SETS_MAX)];
  return sets.flatMap(({ name, counters }, index) => [
    ...requiredFormatErrors(`${path}[${index}].name`, name, isDns1123Label),
    ...countersErrors(counters ?? {}, `${path}[${index}].counters`),
    ...(sets.findIndex((other) => other.name === name) < index ? [duplicate(`${path}[${index}]`, name)] : []),
  ]);
}
