import type { V1ComponentStatus } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const componentStatus = defineKind<V1ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  shortNames: ['cs'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.ComponentStatus',
  verbs: ['get', 'list'],
  columns: [
    {
      name: 'Status',
      type: 'string',
      description: 'Status of the component conditions',
      cell: (object) => {
        const healthy = healthOf(object);
        return healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
      },
    },
    {
      name: 'Message',
      type: 'string',
      description: 'Message of the component conditions',
      cell: (object) => healthOf(object)?.message ?? '',
    },
    {
      name: 'Error',
      type: 'string',
      description: 'Error of the component conditions',
      cell: (object) => healthOf(object)?.error ?? '',
    },
  ],
});

function healthOf(object: V1ComponentStatus) {
  return (object.conditions ?? []).find((condition) => condition.type === 'Healthy');
}
