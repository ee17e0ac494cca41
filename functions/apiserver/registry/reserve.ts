import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Reserved } from '../admission/plugin.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { Resource } from './catalog.js';
import type { Registry } from './context.js';

/** A write that has passed admission. `object` undefined: a delete; `old` undefined: a create. */
export interface ReservedWrite {
  readonly namespace: string;
  readonly subresource: string;
  readonly object: KubernetesObject | undefined;
  readonly old: KubernetesObject | undefined;
  readonly dryRun: boolean;
}

/**
 * Runs a store write inside what it is charged for and what it must reserve elsewhere. Both are committed when `write` gives bytes and
 * given back when it gives none or throws; when the store cannot tell whether the write was applied they are left for their controllers.
 */
export async function reserve(
  registry: Registry,
  resource: Resource,
  change: ReservedWrite,
  write: () => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  const { charges } = registry;
  const reservation = registry.reservations[resource.collection];
  const held: Reserved[] = [];
  const abort = async (): Promise<void> => {
    for (const one of held.toReversed()) await one.abort();
  };
  let written: Uint8Array | undefined;
  try {
    if (charges !== undefined)
      held.push(await charges.begin({ ...change, kind: resource.definition }, registry.policies));
    if (reservation !== undefined) held.push(await reservation.begin(change.object, change.old, change.dryRun));
    written = await write();
  } catch (error) {
    if (!isStoreError(error, 'unknown')) await abort();
    throw error;
  }
  if (written === undefined) await abort();
  else for (const one of held) await one.commit();
  return written;
}
