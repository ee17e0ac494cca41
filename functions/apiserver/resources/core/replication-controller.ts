import type { V1ReplicationController } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const replicationController = defineKind<V1ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ReplicationController',
  hasStatus: true,
  hasGeneration: true,
  defaultPropagation: 'Orphan',
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
});
