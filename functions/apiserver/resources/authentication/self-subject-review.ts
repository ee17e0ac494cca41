import type { V1SelfSubjectReview } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const selfSubjectReview = defineKind<V1SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  namespaced: false,
  definition: 'io.k8s.api.authentication.v1.SelfSubjectReview',
  verbs: ['create'],
});
