import type { V1TokenReview } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const tokenReview = defineKind<V1TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  singular: 'tokenreview',
  namespaced: false,
  definition: 'io.k8s.api.authentication.v1.TokenReview',
  verbs: ['create'],
});
