import type { V1CSINode } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const csiNode = defineKind<V1CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.CSINode',
  allowUnconditionalUpdate: false,
  inert: true,
  columns: [
    {
      name: 'Drivers',
      type: 'integer',
      description: 'Drivers indicates the number of CSI drivers registered on the node',
      cell: (object) => object.spec?.drivers.length ?? 0,
    },
    AGE,
  ],
});
