import type { V1SubjectAccessReview } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const subjectAccessReview = defineKind<V1SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  singular: 'subjectaccessreview',
  namespaced: false,
  definition: 'io.k8s.api.authorization.v1.SubjectAccessReview',
  verbs: ['create'],
});
