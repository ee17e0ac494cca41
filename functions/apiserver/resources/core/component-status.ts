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
});
