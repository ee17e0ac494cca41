import type { V1Namespace } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const namespace = defineKind<V1Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.Namespace',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  hasStatus: true,
  subresources: [{ name: 'finalize', verbs: ['update'] }],
});
