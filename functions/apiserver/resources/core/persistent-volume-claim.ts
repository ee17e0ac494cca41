import type { V1PersistentVolumeClaim } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const persistentVolumeClaim = defineKind<V1PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  hasStatus: true,
  inert: true,
});
