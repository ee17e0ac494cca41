import type { V1Role } from '../../../../lib/schema/generated/types.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import { policyRuleErrors } from './policy-rule.js';
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
  inert: true,
  validateName: isPathSegmentName,
  validate: (object) => policyRuleErrors(object.rules, { isNamespaced: true }),
  columns: [CREATED_AT],
});
