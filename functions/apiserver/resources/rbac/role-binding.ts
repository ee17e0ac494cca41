import type { V1RoleBinding } from '../../../../lib/schema/generated/types.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import { bindingErrors, defaultBinding, roleRefChangeErrors } from './binding-rules.js';
import { defineKind } from '../kind.js';
import { bindingColumns } from './binding.js';

export const roleBinding = defineKind<V1RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  definition: 'io.k8s.api.rbac.v1.RoleBinding',
  allowCreateOnUpdate: true,
  inert: true,
  validateName: isPathSegmentName,
  defaults: (object) => defaultBinding(object),
  validate: (object) => bindingErrors(object, { isNamespaced: true }),
  validateUpdate: (object, old) => roleRefChangeErrors(object, old),
  columns: [...bindingColumns('roleBinding')],
});
