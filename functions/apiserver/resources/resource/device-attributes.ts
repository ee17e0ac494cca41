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
import { isCIdentifier, isLabelValue } from '../../../../lib/api/names.js';
import type {
  V1Device,
  V1DeviceAttribute,
  V1DeviceCapacity,
  V1DeviceTaint,
  V1DeviceToleration,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isQualifiedName } from '../shared/formats.js';
import { csiDriverNameErrors } from '../storage/csi-driver-name.js';

const ID_BYTES_MAX = 32;
const VALUE_BYTES_MAX = 64;
const ATTRIBUTES_AND_CAPACITIES_MAX = 32;
const ATTRIBUTE_VALUES_MAX = 48;
const TAINTS_MAX = 16;
const BINDING_CONDITIONS_MAX = 4;
const COUNTER_CONSUMPTIONS_MAX = 2;
const COUNTERS_MAX = 32;
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];
const OPERATORS = ['Equal', 'Exists'];
const PRE_RELEASE = String.raw`(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const BUILD = '[0-9a-zA-Z-]+';
const SEMVER = new RegExp(
  String.raw`^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-${PRE_RELEASE}(?:\.${PRE_RELEASE})*)?(?:\+${BUILD}(?:\.${BUILD})*)?$`,
);
const ONE_VALUE = 'exactly one value must be specified';

/** `domain/name`, or a name alone. */
export function qualifiedNameErrors(name: string, path: string): FieldError[] {
  const parts = name.split('/');
  if (parts.length === 1) return identifierErrors(name, path);
  if (parts.length > 2) return [];
  const [domain = '', id = ''] = parts;
  return [
    ...(domain === '' ? [invalid(path, '', 'the domain must not be empty')] : csiDriverNameErrors(path, domain)),
    ...(id === '' ? [invalid(path, '', 'the name must not be empty')] : identifierErrors(id, path)),
  ];
}

export function fullyQualifiedNameErrors(name: string, path: string): FieldError[] {
  const why = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...qualifiedNameErrors(name, path), ...(name.includes('/') ? [] : [invalid(path, name, why)])];
}

function identifierErrors(id: string, path: string): FieldError[] {
  const long = Buffer.byteLength(id) > ID_BYTES_MAX ? [tooLong(path, ID_BYTES_MAX)] : [];
  return [...long, ...formatErrors(path, id, isCIdentifier)];
}

/** What a device has and asks for, beside its name and its node. */
export function deviceFactErrors(device: V1Device, old: V1Device | undefined, path: string): FieldError[] {
  const { attributes = {}, capacity = {}, taints = [] } = device;
  const sum = Object.keys(attributes).length + Object.keys(capacity).length;
  const values = Object.values(attributes)
    .map((one) => listsOf(one).reduce((count, { items }) => count + items.length, 0) || 1)
    .reduce((count, more) => count + more, 0);
  const sameTaints = old !== undefined && JSON.stringify(old.taints ?? []) === JSON.stringify(taints);
  return [
    ...(sum > ATTRIBUTES_AND_CAPACITIES_MAX
      ? [
          invalid(
            path,
            sum,
            `the total number of attributes and capacities must not exceed ${ATTRIBUTES_AND_CAPACITIES_MAX}`,
          ),
        ]
      : []),
    ...(values > ATTRIBUTE_VALUES_MAX
      ? [invalid(path, values, `the total number of attribute values must not exceed ${ATTRIBUTE_VALUES_MAX}`)]
      : []),
    ...Object.entries(attributes).flatMap(([name, attribute]) => [
      ...qualifiedNameErrors(name, `${path}.attributes`),
      ...attributeErrors(attribute, `${path}.attributes[${name}]`),
    ]),
    ...Object.entries(capacity).flatMap(([name, one]) => [
      ...qualifiedNameErrors(name, `${path}.capacity`),
      ...capacityErrors(one, device.allowMultipleAllocations === true, `${path}.capacity[${name}]`),
    ]),
    ...(sameTaints ? [] : taintErrors(taints, `${path}.taints`)),
    ...consumptionErrors(device.consumesCounters ?? [], `${path}.consumesCounters`),
    ...bindingErrors(device.bindingConditions ?? [], device.bindingFailureConditions ?? [], path),
  ];
}

function listsOf(attribute: V1DeviceAttribute): { field: string; items: readonly unknown[] }[] {
  return (['bools', 'ints', 'strings', 'versions'] as const).flatMap((field) => {
    const items = attribute[field];
    return items === undefined ? [] : [{ field, items }];
  });
}

function attributeErrors(attribute: V1DeviceAttribute, path: string): FieldError[] {
  const { string, version, strings = [], versions = [] } = attribute;
  const given = Object.values(attribute).filter((value) => value !== undefined).length;
  return [
    ...(string === undefined ? [] : valueErrors(string, `${path}.string`)),
    ...(version === undefined ? [] : versionErrors(version, `${path}.version`)),
    ...listsOf(attribute).flatMap(({ field, items }) =>
      items.length === 0 ? [invalid(`${path}.${field}`, items, 'must not be empty if specified')] : [],
    ),
    ...strings.flatMap((one, index) => valueErrors(one, `${path}.strings[${index}]`)),
    ...versions.flatMap((one, index) => versionErrors(one, `${path}.versions[${index}]`)),
    ...(given === 1 ? [] : [invalid(path, given === 0 ? '' : attribute, ONE_VALUE)]),
  ];
}

function valueErrors(value: string, path: string): FieldError[] {
  return Buffer.byteLength(value) > VALUE_BYTES_MAX ? [tooLong(path, VALUE_BYTES_MAX)] : [];
}

function versionErrors(version: string, path: string): FieldError[] {
  const why = 'must be a string compatible with semver.org spec 2.0.0';
  return [...(SEMVER.test(version) ? [] : [invalid(path, version, why)]), ...valueErrors(version, path)];
}

function capacityErrors({ requestPolicy }: V1DeviceCapacity, isShared: boolean, path: string): FieldError[] {
  if (requestPolicy === undefined) return [];
  const at = `${path}.requestPolicy`;
  if (!isShared) return [forbidden(at, 'allowMultipleAllocations must be true')];
  const { validValues = [], validRange, default: preset } = requestPolicy;
  if (validValues.length > 0 && validRange !== undefined) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return [forbidden(at, why)];
  }
  const given = validValues.length > 0 ? 'validValues' : validRange === undefined ? undefined : 'validRange';
  if (given === undefined) return [];
  if (preset === undefined) return [required(`${at}.default`, `required when ${given} is defined`)];
  return validRange !== undefined && validRange.min === undefined
    ? [required(`${at}.validRange.min`, 'required when validRange is defined')]
    : [];
}

function taintErrors(taints: readonly V1DeviceTaint[], path: string): FieldError[] {
  if (taints.length > TAINTS_MAX) return [tooMany(path, taints.length, TAINTS_MAX)];
  return taints.flatMap(({ key, value = '', effect }, index) => [
    ...formatErrors(`${path}[${index}].key`, key, isQualifiedName),
    ...(value === '' ? [] : formatErrors(`${path}[${index}].value`, value, isLabelValue)),
    ...(effect ? effectErrors(effect, `${path}[${index}].effect`) : [required(`${path}[${index}].effect`)]),
  ]);
}

export function tolerationErrors(tolerations: readonly V1DeviceToleration[], path: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect = '' }, index) => [
    ...(key === '' ? [] : formatErrors(`${path}[${index}].key`, key, isQualifiedName)),
    ...operatorErrors(operator, value, `${path}[${index}]`),
    ...(effect === '' ? [] : effectErrors(effect, `${path}[${index}].effect`)),
  ]);
}

function operatorErrors(operator: string, value: string, path: string): FieldError[] {
  switch (operator) {
    case 'Exists':
      return value === '' ? [] : [invalid(`${path}.value`, value, 'must be empty for operator `Exists`')];
    case 'Equal':
      return formatErrors(`${path}.value`, value, isLabelValue);
    case '':
      return [required(`${path}.operator`)];
    default:
      return [notSupported(`${path}.operator`, operator, OPERATORS)];
  }
}

function effectErrors(effect: string, path: string): FieldError[] {
  return EFFECTS.includes(effect) ? [] : [notSupported(path, effect, EFFECTS)];
}

function consumptionErrors(
  consumptions: readonly { counterSet?: string; counters?: Record<string, unknown> }[],
  path: string,
): FieldError[] {
  if (consumptions.length > COUNTER_CONSUMPTIONS_MAX)
    return [tooMany(path, consumptions.length, COUNTER_CONSUMPTIONS_MAX)];
  return consumptions.flatMap(({ counterSet = '', counters }, index) => [
    ...(counterSet === ''
      ? [required(`${path}[${index}].counterSet`)]
      : formatErrors(`${path}[${index}].counterSet`, counterSet, isDns1123Label)),
    ...countersErrors(counters ?? {}, `${path}[${index}].counters`),
    ...(consumptions.findIndex((other) => other.counterSet === counterSet) < index
      ? [duplicate(`${path}[${index}]`, counterSet)]
      : []),
  ]);
}

/** Counters by name, of a set or of what a device takes of one. */
export function countersErrors(counters: Record<string, unknown>, path: string): FieldError[] {
  const names = Object.keys(counters);
  if (names.length === 0) return [required(path)];
  if (names.length > COUNTERS_MAX) return [tooMany(path, names.length, COUNTERS_MAX)];
  return names.flatMap((name) => formatErrors(path, name, isDns1123Label));
}

/** Conditions that must hold, or must not, before a pod is bound to the device's node. */
export function bindingErrors(wanted: readonly string[], failed: readonly string[], path: string): FieldError[] {
  const [at, failedAt] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  const overlap = 'bindingFailureConditions must not overlap with bindingConditions';
  return [
    ...conditionNameErrors(wanted, at),
    ...conditionNameErrors(failed, failedAt),
    ...failed.flatMap((name, index) =>
      wanted.includes(name) ? [invalid(`${failedAt}[${index}]`, name, overlap)] : [],
    ),
    ...(wanted.length === 0 && failed.length > 0
      ? [invalid(at, wanted, 'bindingConditions are required to use bindingFailureConditions')]
      : []),
    ...(failed.length === 0 && wanted.length > 0
      ? [invalid(failedAt, failed, 'bindingFailureConditions are required to use bindingConditions')]
      : []),
  ];
}

function conditionNameErrors(names: readonly string[], path: string): FieldError[] {
  if (names.length > BINDING_CONDITIONS_MAX) return [tooMany(path, names.length, BINDING_CONDITIONS_MAX)];
  return names.flatMap((name, index) => [
    ...formatErrors(`${path}[${index}]`, name, isQualifiedName),
    ...(names.indexOf(name) < index ? [duplicate(`${path}[${index}]`, name)] : []),
  ]);
}
