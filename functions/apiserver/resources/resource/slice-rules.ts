import { duplicate, invalid, required, tooLong, tooMany, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1Device, V1ResourcePool, V1ResourceSliceSpec } from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from '../shared/formats.js';
import { validateNodeSelector } from '../shared/pod-spec/scheduling.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { csiDriverNameErrors } from '../storage/csi-driver-name.js';

const POOL_NAME_BYTES_MAX = 253;
const DEVICES_MAX = 128;
const EXACTLY_ONE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

/** Devices that a driver offers on a node or on several. */
export function resourceSliceErrors(spec: V1ResourceSliceSpec): FieldError[] {
  return [
    ...csiDriverNameErrors('spec.driver', spec.driver),
    ...poolErrors(spec.pool),
    ...nodeErrors(spec),
    ...placementErrors(spec),
    ...(spec.sharedCounters !== undefined && spec.devices !== undefined
      ? [invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')]
      : []),
    ...deviceErrors(spec.devices ?? []),
  ];
}

function poolErrors({ name, resourceSliceCount, generation }: V1ResourcePool): FieldError[] {
  const field = 'spec.pool.name';
  return [
    ...(name ? [] : [required(field)]),
    ...(Buffer.byteLength(name ?? '') > POOL_NAME_BYTES_MAX ? [tooLong(field, POOL_NAME_BYTES_MAX)] : []),
    ...(name ? name.split('/').flatMap((part) => formatErrors(field, part, isDns1123Subdomain)) : []),
    ...(resourceSliceCount > 0
      ? []
      : [invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero')]),
    ...(generation < 0 ? [invalid('spec.pool.generation', generation, 'must be greater than or equal to zero')] : []),
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

function deviceErrors(devices: readonly V1Device[]): FieldError[] {
  const path = 'spec.devices';
  const seen = new Set<string>();
  return [
    ...(devices.length > DEVICES_MAX ? [tooMany(path, devices.length, DEVICES_MAX)] : []),
    ...devices.flatMap(({ name }, index) => {
      const errors = requiredFormatErrors(`${path}[${index}].name`, name, isDns1123Label);
      if (seen.has(name)) errors.push(duplicate(`${path}[${index}]`, name));
      seen.add(name);
      return errors;
    }),
  ];
}
