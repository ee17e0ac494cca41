import type { V1Role } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { CREATED_AT } from '../shared/columns.js';

export const role = defineKind<V1Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  definition: 'io.k8s.api.rbac.v1.Role',
  allowCreateOnUpdate: true,
  columns: [CREATED_AT],
});
