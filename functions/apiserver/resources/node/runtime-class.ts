import type { V1RuntimeClass } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const runtimeClass = defineKind<V1RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  definition: 'io.k8s.api.node.v1.RuntimeClass',
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  inert: true,
  columns: [
    {
      name: 'Handler',
      type: 'string',
      description: 'The runtime configuration it stands for.',
      cell: (object) => object.handler,
    },
    AGE,
  ],
});
