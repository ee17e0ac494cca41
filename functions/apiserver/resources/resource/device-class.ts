import type { V1DeviceClass } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const deviceClass = defineKind<V1DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  namespaced: false,
  definition: 'io.k8s.api.resource.v1.DeviceClass',
  hasGeneration: true,
  inert: true,
  columns: [AGE],
});
