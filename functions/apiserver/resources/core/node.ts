import type { V1Node } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { PROXY_SUBRESOURCE } from '../shared/subresources.js';

export const node = defineKind<V1Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.Node',
  hasStatus: true,
  subresources: [PROXY_SUBRESOURCE],
});
