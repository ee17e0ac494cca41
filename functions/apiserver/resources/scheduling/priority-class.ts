import type { V1PriorityClass } from '../../../../lib/schema/generated/types.js';
import { forbidden, type FieldError } from '../../../../lib/api/field-errors.js';

import { immutableErrors } from '../shared/immutable.js';
import { oneOfErrors } from '../shared/one-of.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const USER_VALUE_MAX = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';
const SYSTEM_VALUES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export const priorityClass = defineKind<V1PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  namespaced: false,
  definition: 'io.k8s.api.scheduling.v1.PriorityClass',
  shortNames: ['pc'],
  hasGeneration: true,
  defaults(object) {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validate: (object) => [
    ...valueErrors(object),
    ...oneOfErrors('preemptionPolicy', object.preemptionPolicy ?? '', ['PreemptLowerPriority', 'Never']),
  ],
  validateUpdate: (object, old) => [
    ...((object.value ?? 0) === (old.value ?? 0) ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...immutableErrors('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
  ],
  columns: [
    {
      name: 'Value',
      type: 'integer',
      description: 'Priority of pods of this class.',
      cell: (object) => object.value ?? 0,
    },
    {
      name: 'Global-Default',
      type: 'boolean',
      description: 'Whether pods without a class get this one.',
      cell: (object) => object.globalDefault ?? false,
    },
    AGE,
    {
      name: 'PreemptionPolicy',
      type: 'string',
      description: 'Whether pods of this class may displace others.',
      cell: (object) => object.preemptionPolicy ?? '',
    },
  ],
});

function valueErrors(object: V1PriorityClass): FieldError[] {
  const name = object.metadata?.name ?? '';
  if (name.startsWith(SYSTEM_PREFIX)) {
    const fault = systemClassFault(name, object);
    return fault === undefined
      ? []
      : [
          forbidden(
            'metadata.name',
            `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${fault}`,
          ),
        ];
  }
  return (object.value ?? 0) > USER_VALUE_MAX
    ? [forbidden('value', `maximum allowed value of a user defined priority is ${USER_VALUE_MAX}`)]
    : [];
}

function systemClassFault(name: string, object: V1PriorityClass): string | undefined {
  const value = SYSTEM_VALUES[name];
  if (value === undefined) return `${name} is not a known system priority class`;
  if (object.value !== value) return `value of ${name} PriorityClass must be ${value}`;
  return object.globalDefault === true ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
