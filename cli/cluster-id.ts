import { createHash } from 'node:crypto';

/** The domain of services' names. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** What tells clusters apart on a machine that is in several: their certificate authority, or the URL of those that have a public one. */
export function clusterId(identity: string): string {
  return createHash('sha256').update(identity.trim()).digest('hex').slice(0, 16);
}
