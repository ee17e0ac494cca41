import type { V1ConfigMap } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const configMap = defineKind<V1ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ConfigMap',
});
