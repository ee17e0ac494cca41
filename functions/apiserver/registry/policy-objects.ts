import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { isStoreError } from '../../../lib/store/errors.js';
import { compareKeys } from '../../../lib/store/keys.js';
import { POLICY_COLLECTIONS, POLICY_EPOCH } from '../../../lib/store/policy-epoch.js';
import { FIRST_REVISION, type Store, type StoredObject } from '../../../lib/store/store.js';
import type { PolicyReader } from '../admission/plugin.js';
import { keyOf, splitKey, type Catalog } from './catalog.js';
import { POLICY_AGE_MAX_MS, POLICY_SINGLE_OBJECTS_MAX } from './limits.js';
import type { StoredObjects } from './objects.js';

interface Known {
  readonly revision: number;
  readonly object: KubernetesObject;
}

/** A collection as it was at a revision. */
interface Snapshot {
  readonly objects: readonly KubernetesObject[];
  /** The same by key, so that what has not changed is not parsed again. */
  readonly byKey: ReadonlyMap<string, Known>;
  /** Filled when first asked for. */
  readonly byNamespace: Map<string, readonly KubernetesObject[]>;
  readonly revision: number;
}

interface Kept {
  /** Counts this server's own writes: a snapshot from before one is out of date at once. */
  writes: number;
  snapshot: Snapshot | undefined;
  /** The snapshot is what is in force as long as these are: the store's epoch, read before it, and the writes. */
  holds: Validity | undefined;
  loading: { readonly validity: Validity; readonly promise: Promise<Snapshot> } | undefined;
  /** Objects that were asked for by name: there may be many more than anybody asks for. */
  readonly single: Map<string, { readonly object: KubernetesObject; readonly holds: Validity }>;
}

interface Validity {
  readonly epoch: number;
  readonly writes: number;
}

/**
 * What every request depends on, in memory. At most once in POLICY_AGE_MAX_MS the store is asked whether any collection of policy has moved,
 * which is one small read for all of them together; of those that are asked for then, what has changed is read from their logs. What is
 * written through this server acts at once.
 */
export class PolicyObjects implements PolicyReader {
  readonly #store: Store;
  readonly #objects: StoredObjects;
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #epoch: { readonly value: number; readonly readMs: number } | undefined;
  #readingEpoch: Promise<number> | undefined;

  constructor(parts: { store: Store; objects: StoredObjects; catalog: Catalog; clock: Clock }) {
    this.#store = parts.store;
    this.#objects = parts.objects;
    this.#catalog = parts.catalog;
    this.#clock = parts.clock;
  }

  async list<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace?: string,
  ): Promise<readonly T[]> {
    const collection = this.#collectionOf(kind);
    if (collection === undefined) return [];
    const snapshot = await this.#current(collection);
    if (namespace === undefined) return snapshot.objects as readonly T[];
    let found = snapshot.byNamespace.get(namespace);
    if (found === undefined) {
      found = [...snapshot.byKey]
        .filter(([key]) => splitKey(key).namespace === namespace)
        .map(([, { object }]) => object);
      snapshot.byNamespace.set(namespace, found);
    }
    return found as readonly T[];
  }

  async get<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    const collection = this.#collectionOf(kind);
    if (collection === undefined) return undefined;
    const kept = this.#keptOf(collection);
    const validity = { epoch: await this.#currentEpoch(), writes: kept.writes };
    const key = keyOf(namespace, name);
    const known = kept.single.get(key);
    if (known !== undefined && isSame(known.holds, validity)) return known.object as T;
    const object = await this.#find(collection, key);
    // What is not there may be made a moment from now, by another server: that is asked for each time.
    if (object === undefined) kept.single.delete(key);
    else {
      if (kept.single.size >= POLICY_SINGLE_OBJECTS_MAX) kept.single.clear();
      kept.single.set(key, { object, holds: validity });
    }
    return object as T | undefined;
  }

  /** By a list of one, which waits for writes that have moved the epoch and are not there yet; the store's `get` does not. */
  async #find(collection: string, key: string): Promise<KubernetesObject | undefined> {
    const { items } = await this.#store.list(collection, { prefix: key, limit: 1 });
    const [found] = items;
    return found?.key === key ? this.#objects.parse(collection, found) : undefined;
  }

  /** Something of this collection has been written, or may have been. */
  wrote(collection: string): void {
    const kept = this.#kept.get(collection);
    if (kept !== undefined) kept.writes++;
  }

  #collectionOf(kind: { group: string; plural: string }): string | undefined {
    const collection = this.#catalog.stored(kind.group, kind.plural)?.collection;
    if (collection !== undefined && !POLICY_COLLECTIONS.has(collection))
      throw new Error(
        `${collection} is read as policy, but writes to it do not move the epoch: see POLICY_COLLECTIONS`,
      );
    return collection;
  }

  #keptOf(collection: string): Kept {
    let kept = this.#kept.get(collection);
    if (kept === undefined) {
      kept = { writes: 0, snapshot: undefined, holds: undefined, loading: undefined, single: new Map() };
      this.#kept.set(collection, kept);
    }
    return kept;
  }

  async #current(collection: string): Promise<Snapshot> {
    const kept = this.#keptOf(collection);
    const epoch = await this.#currentEpoch();
    const validity = { epoch, writes: kept.writes };
    const { snapshot, holds, loading } = kept;
    if (snapshot !== undefined && isSame(holds, validity)) return snapshot;
    if (loading !== undefined && isSame(loading.validity, validity)) return loading.promise;
    const started = { validity, promise: this.#load(collection, kept, validity) };
    kept.loading = started;
    try {
      return await started.promise;
    } finally {
      if (kept.loading === started) kept.loading = undefined;
    }
  }

  /** One reading for all who ask at the same time; as old as its beginning. */
  async #currentEpoch(): Promise<number> {
    if (this.#epoch !== undefined && this.#clock.now() - this.#epoch.readMs < POLICY_AGE_MAX_MS)
      return this.#epoch.value;
    this.#readingEpoch ??= this.#readEpoch();
    return this.#readingEpoch;
  }

  async #readEpoch(): Promise<number> {
    const readMs = this.#clock.now();
    try {
      const value = await this.#store.revision(POLICY_EPOCH);
      this.#epoch = { value, readMs };
      return value;
    } finally {
      this.#readingEpoch = undefined;
    }
  }

  async #load(collection: string, kept: Kept, validity: Validity): Promise<Snapshot> {
    const found = await this.#read(collection, kept.snapshot);
    // A slower reading must not take the place of a later one.
    if (kept.snapshot !== undefined && kept.snapshot.revision > found.revision) return kept.snapshot;
    kept.snapshot = found;
    kept.holds = validity;
    return found;
  }

  async #read(collection: string, before: Snapshot | undefined): Promise<Snapshot> {
    if (before === undefined) {
      // Most kinds of policy have no object in most clusters.
      const revision = await this.#store.revision(collection);
      if (revision < FIRST_REVISION) return snapshotOf(new Map(), revision);
      return this.#readAll(collection, undefined);
    }
    try {
      return await this.#follow(collection, before);
    } catch (error) {
      if (!isStoreError(error, 'compacted')) throw error;
      return this.#readAll(collection, before);
    }
  }

  async #follow(collection: string, before: Snapshot): Promise<Snapshot> {
    let { revision } = before;
    let byKey: Map<string, Known> | undefined;
    for (;;) {
      const changes = await this.#store.changes(collection, revision);
      for (const { type, key, revision: at, body } of changes.events) {
        byKey ??= new Map(before.byKey);
        if (type === 'deleted') byKey.delete(key);
        else byKey.set(key, this.#parse(collection, { key, revision: at, body }));
      }
      const isAtEnd = changes.events.length === 0;
      revision = Math.max(revision, changes.revision);
      if (isAtEnd) break;
    }
    if (byKey === undefined) return { ...before, revision };
    return snapshotOf(new Map([...byKey].toSorted(([left], [right]) => compareKeys(left, right))), revision);
  }

  async #readAll(collection: string, before: Snapshot | undefined): Promise<Snapshot> {
    const { items, revision } = await this.#store.list(collection);
    const byKey = new Map(
      items.map((stored) => {
        const known = before?.byKey.get(stored.key);
        return [stored.key, known?.revision === stored.revision ? known : this.#parse(collection, stored)];
      }),
    );
    return snapshotOf(byKey, revision);
  }

  #parse(collection: string, stored: StoredObject): Known {
    return { revision: stored.revision, object: this.#objects.parse(collection, stored) };
  }
}

function snapshotOf(byKey: ReadonlyMap<string, Known>, revision: number): Snapshot {
  return { objects: [...byKey.values()].map(({ object }) => object), byKey, byNamespace: new Map(), revision };
}

function isSame(left: Validity | undefined, right: Validity): boolean {
  return left?.epoch === right.epoch && left.writes === right.writes;
}
