import { createHash } from 'node:crypto';

/** The domain of services' names. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** What tells clusters apart on a machine that is in several: their certificate authority. */
export function clusterId(ca: string): string {
  return createHash('sha256').update(ca.trim()).digest('hex').slice(0, 16);
}
