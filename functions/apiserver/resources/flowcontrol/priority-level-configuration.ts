import type { V1PriorityLevelConfiguration } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const priorityLevelConfiguration = defineKind<V1PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  definition: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  hasStatus: true,
  hasGeneration: true,
  inert: true,
  columns: [
    {
      name: 'Type',
      type: 'string',
      description: 'Whether the level is limited or exempt.',
      cell: (object) => object.spec?.type ?? '',
    },
    {
      name: 'NominalConcurrencyShares',
      type: 'string',
      description: 'Its share of the seats.',
      cell: (object) => object.spec?.limited?.nominalConcurrencyShares ?? '<none>',
    },
    {
      name: 'Queues',
      type: 'string',
      description: 'Number of queues.',
      cell: (object) => object.spec?.limited?.limitResponse?.queuing?.queues ?? '<none>',
    },
    {
      name: 'HandSize',
      type: 'string',
      description: 'Queues a flow is spread over.',
      cell: (object) => object.spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>',
    },
    {
      name: 'QueueLengthLimit',
      type: 'string',
      description: 'Requests that may wait in a queue.',
      cell: (object) => object.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>',
    },
    AGE,
  ],
});
