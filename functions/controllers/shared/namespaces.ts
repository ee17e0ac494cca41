import type { V1Namespace } from '../../../lib/schema/generated/types.js';

/** New objects may be created in it. */
export function isActive(namespace: V1Namespace): boolean {
  return namespace.status?.phase !== 'Terminating' && namespace.metadata?.deletionTimestamp === undefined;
}
