import type { V1Binding } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const binding = defineKind<V1Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  singular: 'binding',
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Binding',
  verbs: ['create'],
});
