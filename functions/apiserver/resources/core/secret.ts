import type { V1Secret } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const secret = defineKind<V1Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Secret',
});
