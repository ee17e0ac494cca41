import {
  duplicate,
  invalid,
  notSupported,
  required,
  tooMany,
  type FieldError,
} from '../../../../lib/api/field-errors.js';
import type {
  V1DeviceClaim,
  V1DeviceConstraint,
  V1DeviceRequest,
  V1DeviceSelector,
  V1DeviceToleration,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from '../shared/formats.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { fullyQualifiedNameErrors, tolerationErrors } from './device-attributes.js';
import { opaqueErrors, selectorErrors } from './device-rules.js';

const LIST_MAX = 32;
const ALTERNATIVES_MAX = 8;
const NOT_A_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
/** Kubernetes' own words, also for a constraint that has neither. */
const NO_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
const EXACTLY_ONE = 'exactly one of `exactly` or `firstAvailable` is required';

/** What a request says whichever of its forms it has. */
interface Wanted {
  deviceClassName: string;
  selectors?: V1DeviceSelector[];
  tolerations?: V1DeviceToleration[];
  allocationMode?: string;
  count?: number;
}

export function defaultDeviceClaim(claim: V1DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable = [] } of claim?.requests ?? []) {
    for (const wanted of exactly === undefined ? firstAvailable : [exactly, ...firstAvailable]) {
      wanted.allocationMode ||= 'ExactCount';
      if (wanted.allocationMode === 'ExactCount') wanted.count ||= 1;
    }
  }
}

export function deviceClaimErrors(claim: V1DeviceClaim | undefined, path: string): FieldError[] {
  const { requests = [], constraints = [], config = [] } = claim ?? {};
  const names = claimRequestNames(requests);
  return [
    ...listErrors(requests, LIST_MAX, `${path}.requests`),
    ...requests.flatMap((request, index) => requestErrors(request, `${path}.requests[${index}]`)),
    ...repeatedNameErrors(requests, `${path}.requests`),
    ...listErrors(constraints, LIST_MAX, `${path}.constraints`),
    ...constraints.flatMap((one, index) => constraintErrors(one, names, `${path}.constraints[${index}]`)),
    ...listErrors(config, LIST_MAX, `${path}.config`),
    ...config.flatMap(({ requests: of = [], opaque }, index) => [
      ...referenceErrors(of, names, `${path}.config[${index}].requests`),
      ...opaqueErrors(opaque, `${path}.config[${index}].opaque`),
    ]),
  ];
}

/** Requests by their names, and alternatives of one as `request/alternative`. */
export function claimRequestNames(requests: readonly V1DeviceRequest[]): ReadonlySet<string> {
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((one) => `${name}/${one.name}`)]),
  );
}

function listErrors(items: readonly unknown[], max: number, path: string): FieldError[] {
  return items.length > max ? [tooMany(path, items.length, max)] : [];
}

function repeatedNameErrors(items: readonly { name: string }[], path: string): FieldError[] {
  return items.flatMap(({ name }, index) =>
    items.findIndex((other) => other.name === name) < index ? [duplicate(`${path}[${index}]`, name)] : [],
  );
}

function requestErrors({ name, exactly, firstAvailable = [] }: V1DeviceRequest, path: string): FieldError[] {
  const errors = requiredFormatErrors(`${path}.name`, name, isDns1123Label);
  if (exactly !== undefined && firstAvailable.length > 0) {
    return [...errors, invalid(path, null, `${EXACTLY_ONE}, but multiple fields are set`)];
  }
  if (exactly !== undefined) return [...errors, ...wantedErrors(exactly, `${path}.exactly`)];
  if (firstAvailable.length === 0) return [...errors, required(path, EXACTLY_ONE)];
  return [
    ...errors,
    ...listErrors(firstAvailable, ALTERNATIVES_MAX, `${path}.firstAvailable`),
    ...firstAvailable.flatMap((one, index) => [
      ...requiredFormatErrors(`${path}.firstAvailable[${index}].name`, one.name, isDns1123Label),
      ...wantedErrors(one, `${path}.firstAvailable[${index}]`),
    ]),
    ...repeatedNameErrors(firstAvailable, `${path}.firstAvailable`),
  ];
}

function wantedErrors(wanted: Wanted, path: string): FieldError[] {
  const { deviceClassName, selectors = [], tolerations = [], allocationMode = '', count = 0 } = wanted;
  return [
    ...requiredFormatErrors(`${path}.deviceClassName`, deviceClassName, isDns1123Subdomain),
    ...selectorErrors(selectors, `${path}.selectors`),
    ...allocationErrors(allocationMode, count, path),
    ...tolerationErrors(tolerations, `${path}.tolerations`),
  ];
}

function allocationErrors(mode: string, count: number, path: string): FieldError[] {
  switch (mode) {
    case 'All':
      return count === 0 ? [] : [invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'")];
    case 'ExactCount':
      return count > 0 ? [] : [invalid(`${path}.count`, count, 'must be greater than zero')];
    default:
      return [notSupported(`${path}.allocationMode`, mode, ['All', 'ExactCount'])];
  }
}

function constraintErrors(
  { requests = [], matchAttribute, distinctAttribute }: V1DeviceConstraint,
  names: ReadonlySet<string>,
  path: string,
): FieldError[] {
  const errors = referenceErrors(requests, names, `${path}.requests`);
  if (matchAttribute !== undefined) {
    return [...errors, ...fullyQualifiedNameErrors(matchAttribute, `${path}.matchAttribute`)];
  }
  if (distinctAttribute !== undefined) {
    return [...errors, ...fullyQualifiedNameErrors(distinctAttribute, `${path}.distinctAttribute`)];
  }
  return [...errors, required(path, NO_ATTRIBUTE)];
}

function referenceErrors(references: readonly string[], names: ReadonlySet<string>, path: string): FieldError[] {
  return [
    ...listErrors(references, LIST_MAX, path),
    ...references.flatMap((reference, index) => [
      ...requestReferenceErrors(reference, names, `${path}[${index}]`),
      ...(references.indexOf(reference) < index ? [duplicate(`${path}[${index}]`, reference)] : []),
    ]),
  ];
}

/** The name of a request of the claim, or of one of its alternatives. */
export function requestReferenceErrors(reference: string, names: ReadonlySet<string>, path: string): FieldError[] {
  const segments = reference.split('/');
  if (segments.length > 2) return [invalid(path, reference, NOT_A_REQUEST)];
  return [
    ...segments.flatMap((segment) => formatErrors(path, segment, isDns1123Label)),
    ...(names.has(reference) ? [] : [invalid(path, reference, NOT_A_REQUEST)]),
  ];
}
