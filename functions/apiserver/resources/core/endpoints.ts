import type { V1Endpoints } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const endpoints = defineKind<V1Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Endpoints',
  allowCreateOnUpdate: true,
});
