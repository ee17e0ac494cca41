import type { KubernetesObject } from '../../../lib/api/meta.js';
import type {
  ChangeEvent,
  Changes,
  ListOptions,
  ListResult,
  Store,
  StoredObject,
  WriteOperation,
} from '../../../lib/store/store.js';
import { encodeObject } from '../registry/encode.js';
import { parseStored } from '../registry/objects.js';
import { CONVERTED_CACHE_MAX_BYTES, KNOWN_CURRENT_MAX } from './limits.js';

/** A custom resource as one version shows it: where its objects are, and what brings them to this version and back. */
export interface VersionedCollection {
  /** The store's collection, of all versions. */
  readonly collection: string;
  /** Objects as this version shows them: converted, pruned and with defaults; the same object where nothing had to be done. */
  read(objects: readonly KubernetesObject[]): Promise<KubernetesObject[]>;
  /** Objects of this version as they are stored. */
  store(objects: readonly KubernetesObject[]): Promise<KubernetesObject[]>;
  /** Whether this is the version that is stored. */
  readonly isStorage: boolean;
  readonly storageApiVersion: string;
  /** Another object for every state of the definition: what was found out under an earlier one does not hold any more. */
  readonly epoch: object;
}

interface Known {
  epoch: object;
  /** Revisions of keys that are stored as they are shown. */
  current: Map<string, number>;
  converted: Map<string, { revision: number; body: Uint8Array }>;
}

/**
 * The store, with further collections in it: custom resources as each of their versions shows them (`example.com/crontabs@v1`). The bytes
 * that are stored are of the version that was the storage version when they were written.
 */
export class CustomStore implements Store {
  readonly #store: Store;
  readonly #find: (collection: string) => VersionedCollection | undefined;
  readonly #wrote: (collection: string) => void;
  readonly #known = new Map<string, Known>();
  #convertedBytes = 0;

  /** `wrote` is told of the store's own collection after each write through a version of it. */
  constructor(
    store: Store,
    find: (collection: string) => VersionedCollection | undefined,
    wrote: (collection: string) => void,
  ) {
    this.#store = store;
    this.#find = find;
    this.#wrote = wrote;
  }

  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    const version = this.#versionOf(collection);
    if (version === undefined) return this.#store.get(collection, key);
    const stored = await this.#store.get(version.collection, key);
    if (stored === undefined) return undefined;
    const [object] = await this.#readAll(collection, version, [stored]);
    return object;
  }

  async list(collection: string, options?: ListOptions): Promise<ListResult> {
    const version = this.#versionOf(collection);
    if (version === undefined) return this.#store.list(collection, options);
    const result = await this.#store.list(version.collection, options);
    return { ...result, items: await this.#readAll(collection, version, result.items) };
  }

  revision(collection: string): Promise<number> {
    return this.#store.revision(this.#versionOf(collection)?.collection ?? collection);
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    const version = this.#versionOf(collection);
    if (version === undefined) return this.#store.write(collection, operations);
    try {
      const stored = version.isStorage ? operations : await this.#toStorage(version, operations);
      return await this.#store.write(version.collection, stored);
    } finally {
      this.#wrote(version.collection);
    }
  }

  async changes(collection: string, after: number, limit?: number): Promise<Changes> {
    const version = this.#versionOf(collection);
    if (version === undefined) return this.#store.changes(collection, after, limit);
    return this.#readChanges(collection, version, await this.#store.changes(version.collection, after, limit));
  }

  /** As the definition was at its beginning. */
  async *watch(collection: string, after: number, signal: AbortSignal): AsyncGenerator<Changes, void, undefined> {
    const version = this.#versionOf(collection);
    if (version === undefined) {
      yield* this.#store.watch(collection, after, signal);
      return;
    }
    for await (const changes of this.#store.watch(version.collection, after, signal))
      yield await this.#readChanges(collection, version, changes);
  }

  collections(): Promise<string[]> {
    return this.#store.collections();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Of a definition that has gone, the bytes as they are. */
  #versionOf(collection: string): VersionedCollection | undefined {
    const at = collection.indexOf('@');
    if (at < 0) return undefined;
    return this.#find(collection) ?? goneVersion(collection.slice(0, at));
  }

  async #toStorage(version: VersionedCollection, operations: readonly WriteOperation[]): Promise<WriteOperation[]> {
    const objects = await version.store(operations.map(({ body }) => parseStored(body(0))));
    return operations.map((operation, index) => ({ ...operation, body: encodeObject(objects[index] ?? {}).body }));
  }

  async #readAll(
    collection: string,
    version: VersionedCollection,
    items: readonly StoredObject[],
  ): Promise<StoredObject[]> {
    const known = this.#knownOf(collection, version);
    const open: { index: number; object: KubernetesObject }[] = [];
    const found = items.map((stored, index) => {
      if (known.current.get(stored.key) === stored.revision) return stored;
      const kept = known.converted.get(stored.key);
      if (kept?.revision === stored.revision) return this.#shown(version, stored, kept.body);
      open.push({ index, object: parseStored(stored.body) });
      return stored;
    });
    if (open.length === 0) return found;
    const shown = await version.read(open.map(({ object }) => object));
    for (const [position, { index, object }] of open.entries()) {
      const stored = items[index];
      const made = shown[position];
      if (stored === undefined || made === undefined) continue;
      if (made === object) {
        if (known.current.size >= KNOWN_CURRENT_MAX) known.current.clear();
        known.current.set(stored.key, stored.revision);
      } else {
        const body = encodeObject(made).body(stored.revision);
        this.#keep(known, stored, body);
        found[index] = this.#shown(version, stored, body);
      }
    }
    return found;
  }

  /** An object that is stored in an earlier storage version is written again even when nothing else changes. */
  #shown(version: VersionedCollection, stored: StoredObject, body: Uint8Array): StoredObject {
    const isStale = parseApiVersion(stored.body) !== version.storageApiVersion;
    return { ...stored, body, ...(isStale ? { isStale } : {}) };
  }

  #keep(known: Known, { key, revision }: StoredObject, body: Uint8Array): void {
    if (this.#convertedBytes > CONVERTED_CACHE_MAX_BYTES) {
      for (const one of this.#known.values()) one.converted.clear();
      this.#convertedBytes = 0;
    }
    known.converted.set(key, { revision, body });
    this.#convertedBytes += body.byteLength;
  }

  #knownOf(collection: string, { epoch }: VersionedCollection): Known {
    let known = this.#known.get(collection);
    if (known === undefined || known.epoch !== epoch)
      this.#known.set(collection, (known = { epoch, current: new Map(), converted: new Map() }));
    return known;
  }

  async #readChanges(collection: string, version: VersionedCollection, changes: Changes): Promise<Changes> {
    if (changes.events.length === 0) return changes;
    const bodies = await this.#readAll(
      collection,
      version,
      changes.events.map(({ key, revision, body }) => ({ key, revision, body })),
    );
    const events: ChangeEvent[] = [];
    for (const [index, event] of changes.events.entries()) {
      const body = bodies[index]?.body ?? event.body;
      const { previous } = event;
      events.push(
        previous === undefined
          ? { ...event, body }
          : { ...event, body, previous: await this.#readEarlier(version, previous) },
      );
    }
    return { ...changes, events };
  }

  async #readEarlier(version: VersionedCollection, body: Uint8Array): Promise<Uint8Array> {
    const object = parseStored(body);
    const [shown = object] = await version.read([object]);
    return shown === object ? body : encodeObject(shown).body(Number(object.metadata?.resourceVersion ?? 0));
  }
}

/** Where the version stands in stored bytes: `{ "kind":"K","apiVersion":"V",…`. */
function parseApiVersion(body: Uint8Array): string {
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 1_000)).toString('utf8');
  return /"apiVersion":"([^"]*)"/.exec(head)?.[1] ?? '';
}

const NO_EPOCH = {};

function goneVersion(collection: string): VersionedCollection {
  const same = async (objects: readonly KubernetesObject[]): Promise<KubernetesObject[]> => [...objects];
  return { collection, read: same, store: same, isStorage: true, storageApiVersion: '', epoch: NO_EPOCH };
}
