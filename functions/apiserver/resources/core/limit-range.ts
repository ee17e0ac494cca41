import type { V1LimitRange } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const limitRange = defineKind<V1LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.LimitRange',
  allowCreateOnUpdate: true,
  inert: true,
});
