import type { V1SelfSubjectRulesReview } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const selfSubjectRulesReview = defineKind<V1SelfSubjectRulesReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
  namespaced: false,
  definition: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  verbs: ['create'],
});
