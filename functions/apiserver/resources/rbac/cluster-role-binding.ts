import type { V1ClusterRoleBinding } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { bindingColumns } from './binding.js';

export const clusterRoleBinding = defineKind<V1ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  definition: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
  allowCreateOnUpdate: true,
  columns: [...bindingColumns('clusterRoleBinding')],
});
