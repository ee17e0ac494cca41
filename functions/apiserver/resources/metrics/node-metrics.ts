import type { NodeMetrics } from '../../../../lib/api/resource-metrics.js';
import { defineKind } from '../kind.js';

export const nodeMetrics = defineKind<NodeMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: '',
  namespaced: false,
  definition: 'io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics',
  verbs: ['get', 'list'],
  computed: true,
  columns: [
    { name: 'cpu', type: 'string', description: 'CPU in use', cell: ({ usage }) => usage.cpu },
    { name: 'memory', type: 'string', description: 'Memory in use', cell: ({ usage }) => usage.memory },
    { name: 'Window', type: 'string', description: 'The time measured over', cell: ({ window }) => window },
  ],
});
