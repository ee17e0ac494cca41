import type { V1Service } from '../../../../../lib/schema/generated/types.js';
import { defineKind } from '../../kind.js';
import { PROXY_SUBRESOURCE } from '../../shared/subresources.js';

export const service = defineKind<V1Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Service',
  hasStatus: true,
  allowCreateOnUpdate: true,
  subresources: [PROXY_SUBRESOURCE],
});
