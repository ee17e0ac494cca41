import type { V1PriorityClass } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

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
