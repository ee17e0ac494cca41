import type { CoreV1Event } from '../../../lib/schema/generated/types.js';
import { isStoreError } from '../../../lib/store/errors.js';
import { WRITE_OPERATIONS_MAX, type StoredObject, type WriteOperation } from '../../../lib/store/store.js';
import type { Resource } from './catalog.js';
import type { Registry } from './context.js';
import { withRevision } from './encode.js';
import { LIST_CHUNK_OBJECTS } from './limits.js';
import { parseStored } from './objects.js';

/** How long an event is kept after it was last seen, as in Kubernetes (--event-ttl). */
export const EVENT_TTL_MS = 60 * 60 * 1_000;

/** Deletes the events that nobody has seen for EVENT_TTL_MS. Returns how many. To be run every few minutes. */
export async function expireEvents(registry: Registry): Promise<number> {
  const resource = registry.catalog.stored('', 'events');
  if (resource === undefined) return 0;
  const beforeMs = registry.clock.now() - EVENT_TTL_MS;
  let expired = 0;
  let page = await registry.store.list(resource.collection, { limit: LIST_CHUNK_OBJECTS });
  for (;;) {
    const old = page.items.filter(({ body }) => lastSeenMs(parseStored(body) as CoreV1Event) < beforeMs);
    for (let first = 0; first < old.length; first += WRITE_OPERATIONS_MAX) {
      expired += await deleteAll(registry, resource, old.slice(first, first + WRITE_OPERATIONS_MAX));
    }
    if (page.continue === undefined) return expired;
    // The present is read on: what was deleted on the way does not matter, and no old snapshot is needed.
    const revision = await registry.store.revision(resource.collection);
    const { afterKey } = page.continue;
    page = await registry.store.list(resource.collection, {
      limit: LIST_CHUNK_OBJECTS,
      continue: { revision, afterKey },
    });
  }
}

/** Deletes these states. One that was written to meanwhile is seen again, and stays. */
async function deleteAll(registry: Registry, resource: Resource, events: readonly StoredObject[]): Promise<number> {
  try {
    await registry.store.write(resource.collection, events.map(deletion));
    return events.length;
  } catch (error) {
    if (!isStoreError(error, 'conflict')) throw error;
    const changed = new Set(error.keys);
    const rest = events.filter(({ key }) => !changed.has(key));
    return rest.length === 0 || rest.length === events.length ? 0 : deleteAll(registry, resource, rest);
  }
}

function deletion({ key, revision, body }: StoredObject): WriteOperation {
  return { key, expect: revision, delete: true, body: (next) => withRevision(body, next) };
}

function lastSeenMs(event: CoreV1Event): number {
  const times = [
    event.metadata?.creationTimestamp,
    event.eventTime,
    event.firstTimestamp,
    event.lastTimestamp,
    event.series?.lastObservedTime,
  ];
  return Math.max(0, ...times.map((time) => (time ? Date.parse(String(time)) : 0)).filter(Number.isFinite));
}
