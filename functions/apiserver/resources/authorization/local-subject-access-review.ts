import type { V1LocalSubjectAccessReview } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const localSubjectAccessReview = defineKind<V1LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  singular: 'localsubjectaccessreview',
  namespaced: true,
  definition: 'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  verbs: ['create'],
});
