import { addQuantities, parseQuantity, quantityToString, ZERO_QUANTITY } from '../../../../lib/api/quantity.js';
import type { PodMetrics, ResourceUsage } from '../../../../lib/api/resource-metrics.js';
import { defineKind } from '../kind.js';

export const podMetrics = defineKind<PodMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  singular: '',
  namespaced: true,
  definition: 'io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics',
  verbs: ['get', 'list'],
  computed: true,
  columns: [
    { name: 'cpu', type: 'string', description: 'CPU in use', cell: (object) => sum(object, 'cpu') },
    { name: 'memory', type: 'string', description: 'Memory in use', cell: (object) => sum(object, 'memory') },
    { name: 'Window', type: 'string', description: 'The time measured over', cell: ({ window }) => window },
  ],
});

function sum({ containers }: PodMetrics, resource: keyof ResourceUsage): string {
  const all = containers.map(({ usage }) => parseQuantity(usage[resource]));
  return quantityToString(all.reduce(addQuantities, ZERO_QUANTITY));
}
