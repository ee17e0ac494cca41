import type { KubernetesObject } from '../../../lib/api/meta.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { Resource } from './catalog.js';
import type { Registry } from './context.js';

/**
 * Runs a store write inside what it must reserve elsewhere. The reservation is committed when `write` gives bytes and released
 * when it gives none or throws; when the store cannot tell whether the write was applied it is left for the repair controller.
 */
export async function reserve(
  registry: Registry,
  resource: Resource,
  change: { object: KubernetesObject | undefined; old: KubernetesObject | undefined; dryRun: boolean },
  write: () => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  const reservation = registry.reservations[resource.collection];
  if (reservation === undefined) return write();
  const reserved = await reservation.begin(change.object, change.old, change.dryRun);
  let written: Uint8Array | undefined;
  try {
    written = await write();
  } catch (error) {
    if (!isStoreError(error, 'unknown')) await reserved.abort();
    throw error;
  }
  if (written === undefined) await reserved.abort();
  else await reserved.commit();
  return written;
}
