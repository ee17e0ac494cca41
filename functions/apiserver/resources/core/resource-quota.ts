import type { V1ResourceQuota } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const resourceQuota = defineKind<V1ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ResourceQuota',
  hasStatus: true,
  inert: true,
});
