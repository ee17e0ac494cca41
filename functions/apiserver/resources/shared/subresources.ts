import type { SubresourceDefinition, Verb } from '../kind.js';

/** Of a subresource that upgrades the connection (exec, attach, portforward). */
export const CONNECT_VERBS: readonly Verb[] = ['create', 'get'];

/** The API server forwards any method to the object behind it. */
export const PROXY_SUBRESOURCE: SubresourceDefinition = {
  name: 'proxy',
  verbs: ['create', 'delete', 'get', 'patch', 'update'],
};
