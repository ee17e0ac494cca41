import type { V1Pod } from '../../../../../lib/schema/generated/types.js';
import { defineKind } from '../../kind.js';
import { CONNECT_VERBS, PROXY_SUBRESOURCE } from '../../shared/subresources.js';

export const pod = defineKind<V1Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Pod',
  hasStatus: true,
  hasGeneration: true,
  subresources: [
    { name: 'attach', verbs: CONNECT_VERBS },
    {
      name: 'binding',
      verbs: ['create'],
      bodyKind: { group: '', version: 'v1', kind: 'Binding', definition: 'io.k8s.api.core.v1.Binding' },
    },
    { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'] },
    {
      name: 'eviction',
      verbs: ['create'],
      bodyKind: { group: 'policy', version: 'v1', kind: 'Eviction', definition: 'io.k8s.api.policy.v1.Eviction' },
    },
    { name: 'exec', verbs: CONNECT_VERBS },
    { name: 'log', verbs: ['get'] },
    { name: 'portforward', verbs: CONNECT_VERBS },
    PROXY_SUBRESOURCE,
    { name: 'resize', verbs: ['get', 'patch', 'update'] },
  ],
});
