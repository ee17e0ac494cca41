import type { V1PersistentVolume } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const persistentVolume = defineKind<V1PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.PersistentVolume',
  hasStatus: true,
  inert: true,
});
