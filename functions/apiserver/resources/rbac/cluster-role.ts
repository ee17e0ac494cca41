import type { V1ClusterRole } from '../../../../lib/schema/generated/types.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import { policyRuleErrors } from './policy-rule.js';
import { aggregationErrors } from './aggregation.js';
import { defineKind } from '../kind.js';
import { CREATED_AT } from '../shared/columns.js';

export const clusterRole = defineKind<V1ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  definition: 'io.k8s.api.rbac.v1.ClusterRole',
  allowCreateOnUpdate: true,
  inert: true,
  validateName: isPathSegmentName,
  validate: (object) => [
    ...policyRuleErrors(object.rules, { isNamespaced: false }),
    ...aggregationErrors(object.aggregationRule),
  ],
  columns: [CREATED_AT],
});
