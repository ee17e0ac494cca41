import type { V1ClusterRoleBinding } from '../../../../lib/schema/generated/types.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import { bindingErrors, defaultBinding, roleRefChangeErrors } from './binding-rules.js';
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
  inert: true,
  validateName: isPathSegmentName,
  defaults: (object) => defaultBinding(object),
  validate: (object) => bindingErrors(object, { isNamespaced: false }),
  validateUpdate: (object, old) => roleRefChangeErrors(object, old),
  columns: [...bindingColumns('clusterRoleBinding')],
});
