import type { V1ServiceCIDR } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const serviceCidr = defineKind<V1ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  definition: 'io.k8s.api.networking.v1.ServiceCIDR',
  hasStatus: true,
  columns: [
    {
      name: 'CIDRs',
      type: 'string',
      description: 'Address ranges of Services.',
      cell: (object) => object.spec?.cidrs?.join(',') ?? '',
    },
    AGE,
  ],
});
