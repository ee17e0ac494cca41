import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import type { Store } from '../../../lib/store/store.js';
import type { PolicyReader } from '../admission/plugin.js';
import type { Catalog } from './catalog.js';
import { POLICY_AGE_MAX_MS } from './limits.js';
import type { StoredObjects } from './objects.js';

interface Snapshot {
  readonly objects: readonly KubernetesObject[];
  /** The same by key, so that what has not changed is not parsed again. */
  readonly byKey: ReadonlyMap<string, { readonly revision: number; readonly object: KubernetesObject }>;
  readonly revision: number;
  readonly epoch: number;
  /** When the reading that found it current began. */
  checkedMs: number;
}

interface Kept {
  /** Counts this server's own writes: a snapshot from before one is out of date at once. */
  epoch: number;
  snapshot: Snapshot | undefined;
  loading: { readonly epoch: number; readonly promise: Promise<readonly KubernetesObject[]> } | undefined;
}

/**
 * Whole collections of policy in memory. At most once in POLICY_AGE_MAX_MS the store is asked for the collection's revision, which is
 * one small read, and only when it has moved for its objects. What is written through this server acts at once.
 */
export class PolicyObjects implements PolicyReader {
  readonly #store: Store;
  readonly #objects: StoredObjects;
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: { store: Store; objects: StoredObjects; catalog: Catalog; clock: Clock }) {
    this.#store = parts.store;
    this.#objects = parts.objects;
    this.#catalog = parts.catalog;
    this.#clock = parts.clock;
  }

  async list<T extends KubernetesObject>(kind: { group: string; plural: string }): Promise<readonly T[]> {
    const resource = this.#catalog.stored(kind.group, kind.plural);
    if (resource === undefined) return [];
    const { collection } = resource;
    let kept = this.#kept.get(collection);
    if (kept === undefined) this.#kept.set(collection, (kept = { epoch: 0, snapshot: undefined, loading: undefined }));
    const { snapshot, loading } = kept;
    if (snapshot !== undefined && this.#isFresh(kept, snapshot)) return snapshot.objects as readonly T[];
    if (loading !== undefined && loading.epoch === kept.epoch) return loading.promise as Promise<readonly T[]>;
    const promise = this.#load(collection, kept);
    const started = { epoch: kept.epoch, promise };
    kept.loading = started;
    try {
      return (await promise) as readonly T[];
    } finally {
      if (kept.loading === started) kept.loading = undefined;
    }
  }

  /** Something of this collection has been written, or may have been. */
  wrote(collection: string): void {
    const kept = this.#kept.get(collection);
    if (kept !== undefined) kept.epoch++;
  }

  #isFresh(kept: Kept, snapshot: Snapshot): boolean {
    return snapshot.epoch === kept.epoch && this.#clock.now() - snapshot.checkedMs < POLICY_AGE_MAX_MS;
  }

  async #load(collection: string, kept: Kept): Promise<readonly KubernetesObject[]> {
    const { epoch, snapshot } = kept;
    const checkedMs = this.#clock.now();
    const revision = await this.#store.revision(collection);
    if (snapshot !== undefined && snapshot.revision === revision) {
      kept.snapshot = { ...snapshot, epoch, checkedMs };
      return snapshot.objects;
    }
    const list = await this.#store.list(collection);
    const byKey = new Map(
      list.items.map((stored) => {
        const known = snapshot?.byKey.get(stored.key);
        const { key, revision: at } = stored;
        return [
          key,
          known?.revision === at ? known : { revision: at, object: this.#objects.parse(collection, stored) },
        ];
      }),
    );
    const objects = [...byKey.values()].map(({ object }) => object);
    // A slower reading must not take the place of a later one.
    if (kept.snapshot === undefined || kept.snapshot.revision <= list.revision) {
      kept.snapshot = { objects, byKey, revision: list.revision, epoch, checkedMs };
    }
    return objects;
  }
}
