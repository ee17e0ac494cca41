import type { V1SelfSubjectAccessReview } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const selfSubjectAccessReview = defineKind<V1SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  namespaced: false,
  definition: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  verbs: ['create'],
});
