import type { V1APIService } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const apiService = defineKind<V1APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  namespaced: false,
  definition: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  categories: ['api-extensions'],
  hasStatus: true,
  allowUnconditionalUpdate: false,
  inert: true,
  columns: [
    {
      name: 'Service',
      type: 'string',
      description: 'The reference to the service that hosts this API endpoint.',
      cell: (object) =>
        object.spec?.service == null ? 'Local' : `${object.spec.service.namespace}/${object.spec.service.name}`,
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Whether this service is available.',
      cell: (object) => availability(object),
    },
    AGE,
  ],
});

function availability(object: V1APIService): string {
  const condition = object.status?.conditions?.find((one) => one.type === 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status !== 'True' && condition.reason
    ? `${condition.status} (${condition.reason})`
    : condition.status;
}
