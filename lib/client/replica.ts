import { isApiError } from '../api/errors.js';
import type { KubernetesObject } from '../api/meta.js';
import { sleep, type Clock } from '../clock/clock.js';
import { keyOf, type Client } from './client.js';
import { collectionName, type Resource } from './resource.js';
import type { WatchEvent } from './watch-stream.js';

/** What a replica reads with; a `Client` is one. */
export type ReplicaSource = Pick<Client, 'list' | 'revision' | 'watch' | 'changes'>;

/**
 * How a replica learns of changes: by an open watch; when it is asked, for processes that sleep between two questions; or when its doorbell
 * rings, and now and then. The last two need our own API server.
 */
export type Follow = 'watch' | 'asked' | Rings;

/** Tells when to look again. */
export interface Rings {
  /** A function that resolves when the collection may have changed since its last call, or when it is time to look anyway. It rejects never. */
  follow(collection: string): (signal: AbortSignal) => Promise<void>;
}

/** An object of a view: shared by all readers, so it must not be changed (`structuredClone` it first). */
export type Shared<T> = T;

/** Values of an object that a view can be asked by: `(pod) => [pod.spec?.nodeName ?? '']`. One constant function per index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** The collection as of a moment not before it was asked for. */
export interface View<T extends KubernetesObject> {
  readonly resourceVersion: string;
  get(namespace: string | undefined, name: string): Shared<T> | undefined;
  /** All objects, or those of one namespace, in no particular order. */
  list(namespace?: string): Shared<T>[];
  /** Objects with an owner reference to this uid. */
  ownedBy(uid: string): Shared<T>[];
  /** Objects for which `index` gives `value`; the index is built on first use and kept up to date from then on. */
  by(index: IndexFunction<T>, value: string): Shared<T>[];
}

/** How long a broken watch rests before it is opened again. */
const RETRY_DELAY_MS = 1000;

/** Objects in one page of the first read. */
const PAGE_SIZE = 2000;

const ownerUids: IndexFunction<KubernetesObject> = (object) =>
  object.metadata?.ownerReferences?.map((owner) => owner.uid) ?? [];
const namespaceOf: IndexFunction<KubernetesObject> = (object) => [object.metadata?.namespace ?? ''];

/**
 * An in-memory copy of a collection, kept current by one watch. Reading it is exact: `view` asks the server for the
 * collection's present revision and answers once the copy has reached it, so every write acknowledged before the call is in it.
 */
export class Replica<T extends KubernetesObject> {
  readonly #source: ReplicaSource;
  readonly #resource: Resource<T>;
  readonly #clock: Clock;
  readonly #fieldSelector: string | undefined;
  readonly #stop = new AbortController();
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<IndexFunction<T>, Map<string, Map<string, T>>>();
  readonly #waiters: { revision: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #listeners: ((event: WatchEvent<T>) => void)[] = [];
  #revision = 0;
  #isRunning = false;
  #wasRunning = false;
  #asking: Promise<void> | undefined;
  #askingNext: Promise<number> | undefined;
  readonly #view: View<T>;
  readonly #follow: Follow;

  /**
   * With a field selector the copy holds only what it selects, and only its events can be followed: `view` cannot know when such a copy is
   * current.
   */
  constructor(
    source: ReplicaSource,
    resource: Resource<T>,
    clock: Clock,
    fieldSelector?: string,
    follow: Follow = 'watch',
  ) {
    this.#fieldSelector = fieldSelector;
    this.#follow = follow;
    this.#source = source;
    this.#resource = resource;
    this.#clock = clock;
    this.#indexes.set(namespaceOf, new Map());
    this.#indexes.set(ownerUids, new Map());
    this.#view = {
      get: (namespace, name) => this.#objects.get(namespace ? `${namespace}/${name}` : name),
      list: (namespace) =>
        namespace === undefined ? [...this.#objects.values()] : this.#lookUp(namespaceOf, namespace),
      ownedBy: (uid) => this.#lookUp(ownerUids, uid),
      by: (index, value) => this.#lookUp(index, value),
      resourceVersion: '',
    };
  }

  /** Whether it has stopped because the version it read is not served any more, and another is asked for. */
  isOfOtherVersion({ version }: Pick<Resource<T>, 'version'>): boolean {
    return !this.#isRunning && this.#revision === 0 && this.#wasRunning && version !== this.#resource.version;
  }

  /** The collection, with every write acknowledged before this call in it. */
  async view(): Promise<View<T>> {
    if (this.#fieldSelector !== undefined) throw new Error('a replica with a field selector has no view');
    this.start();
    await this.#reach(await this.#askRevision());
    return { ...this.#view, resourceVersion: String(this.#revision) };
  }

  /** Begins to follow the collection; `view` does so by itself. One that looks when asked follows nothing. */
  start(): void {
    if (this.#isRunning || this.#follow === 'asked') return;
    this.#isRunning = true;
    this.#wasRunning = true;
    void this.#run(this.#follow);
  }

  /** Whether the collection has been read. */
  get isSynced(): boolean {
    return this.#revision > 0;
  }

  /** Resolves once the collection has been read for the first time. */
  async synced(): Promise<void> {
    this.start();
    if (this.#follow === 'asked' && this.#revision === 0) await this.#askRevision();
    return this.#reach(1);
  }

  /**
   * The collection as of some moment after this replica was first read, and never older than any view given before. For hints, where what is
   * missed now brings its own event later.
   */
  async recentView(): Promise<View<T>> {
    if (this.#revision === 0) return this.view();
    return { ...this.#view, resourceVersion: String(this.#revision) };
  }

  /** Calls `listener` for each change from now on, after the copy has taken it in. Returns a function that ends this. */
  onEvent(listener: (event: WatchEvent<T>) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => (this.#listeners = this.#listeners.filter((one) => one !== listener));
  }

  /** Ends the watch. Waiting and later `view` calls reject. */
  close(): void {
    this.#stop.abort();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the replica is closed'));
  }

  /** The collection's revision now. Who asks while an earlier question is under way shares the next one with all who do. */
  #askRevision(): Promise<number> {
    if (this.#asking !== undefined) return (this.#askingNext ??= this.#asking.then(() => this.#ask()));
    return this.#ask();
  }

  #ask(): Promise<number> {
    this.#askingNext = undefined;
    const answer = this.#follow === 'asked' ? this.#lookNow() : this.#source.revision(this.#resource).then(Number);
    const asking: Promise<void> = answer.then(
      () => undefined,
      () => undefined,
    );
    this.#asking = asking.then(() => {
      if (this.#askingNext === undefined) this.#asking = undefined;
    });
    return answer;
  }

  #reach(revision: number): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.reject(new Error('the replica is closed'));
    if (this.#revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  async #run(follow: Exclude<Follow, 'asked'>): Promise<void> {
    const { signal } = this.#stop;
    const ring = follow === 'watch' ? undefined : follow.follow(collectionName(this.#resource));
    while (!signal.aborted) {
      try {
        if (this.#revision === 0) await this.#readAll();
        if (ring === undefined) {
          for await (const event of this.#source.watch(this.#resource, this.#query())) this.#take(event);
        } else {
          await ring(signal);
          await this.#catchUp();
        }
      } catch (error) {
        if (this.#startsAgainAfter(error)) continue;
        if (isApiError(error, 'NotFound')) return this.#forget();
        await sleep(this.#clock, RETRY_DELAY_MS, signal);
      }
    }
  }

  /** The resource is not served any more: its objects are gone, and whoever asks again begins anew. */
  #forget(): void {
    this.#isRunning = false;
    this.#revision = 0;
    for (const [key, object] of this.#objects) {
      this.#store(key, undefined);
      this.#announce({ type: 'DELETED', object });
    }
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the resource is not served any more'));
  }

  /** Looks at the present, and says at which revision. */
  async #lookNow(): Promise<number> {
    if (this.#stop.signal.aborted) throw new Error('the replica is closed');
    try {
      if (this.#revision > 0) await this.#catchUp();
    } catch (error) {
      if (!this.#startsAgainAfter(error)) throw error;
    }
    if (this.#revision === 0) await this.#readAll();
    return this.#revision;
  }

  async #catchUp(): Promise<void> {
    for await (const event of this.#source.changes(this.#resource, this.#query())) this.#take(event);
  }

  #query(): { resourceVersion: string; fieldSelector: string | undefined; signal: AbortSignal } {
    return { resourceVersion: String(this.#revision), fieldSelector: this.#fieldSelector, signal: this.#stop.signal };
  }

  /** Whether the log no longer reaches back to where this copy is: then all is read anew. */
  #startsAgainAfter(error: unknown): boolean {
    if (!isApiError(error, 'Expired') && !isApiError(error, 'Gone')) return false;
    this.#revision = 0;
    return true;
  }

  async #readAll(): Promise<void> {
    const present = new Map<string, T>();
    let page = await this.#source.list(this.#resource, { limit: PAGE_SIZE, fieldSelector: this.#fieldSelector });
    for (;;) {
      for (const object of page.items) present.set(keyOf(object), object);
      if (page.continue === undefined) break;
      page = await this.#source.list(this.#resource, {
        limit: PAGE_SIZE,
        continue: page.continue,
        fieldSelector: this.#fieldSelector,
      });
    }
    for (const [key, old] of this.#objects) {
      // Another object of the same name is not a later state of this one: those who count by uid have to see it go.
      if (present.get(key)?.metadata?.uid === old.metadata?.uid) continue;
      this.#store(key, undefined);
      this.#announce({ type: 'DELETED', object: old });
    }
    for (const [key, object] of present) {
      const old = this.#objects.get(key);
      if (old?.metadata?.resourceVersion === object.metadata?.resourceVersion) continue;
      this.#store(key, object);
      this.#announce({ type: old === undefined ? 'ADDED' : 'MODIFIED', object });
    }
    this.#advance(Number(page.resourceVersion));
  }

  #take(event: WatchEvent<T>): void {
    if (event.type !== 'BOOKMARK') {
      this.#store(keyOf(event.object), event.type === 'DELETED' ? undefined : event.object);
      this.#announce(event);
    }
    this.#advance(Number(event.object.metadata?.resourceVersion));
  }

  #announce(event: WatchEvent<T>): void {
    for (const listener of this.#listeners) listener(event);
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (let index = this.#waiters.length - 1; index >= 0; index--) {
      const waiter = this.#waiters[index];
      if (waiter === undefined || waiter.revision > this.#revision) continue;
      this.#waiters.splice(index, 1);
      waiter.resolve();
    }
  }

  #store(key: string, object: T | undefined): void {
    const old = this.#objects.get(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    for (const [index, entries] of this.#indexes) {
      const values = object === undefined ? NO_VALUES : index(object);
      if (old !== undefined) {
        for (const value of index(old)) if (!values.includes(value)) removeEntry(entries, value, key);
      }
      if (object !== undefined) for (const value of values) addEntry(entries, value, key, object);
    }
  }

  #lookUp(index: IndexFunction<T>, value: string): T[] {
    let entries = this.#indexes.get(index);
    if (entries === undefined) {
      entries = new Map();
      for (const [key, object] of this.#objects) {
        for (const one of index(object)) addEntry(entries, one, key, object);
      }
      this.#indexes.set(index, entries);
    }
    const found = entries.get(value);
    return found === undefined ? [] : [...found.values()];
  }
}

const NO_VALUES: readonly string[] = [];

function addEntry<T>(entries: Map<string, Map<string, T>>, value: string, key: string, object: T): void {
  let bucket = entries.get(value);
  if (bucket === undefined) entries.set(value, (bucket = new Map()));
  bucket.set(key, object);
}

function removeEntry<T>(entries: Map<string, Map<string, T>>, value: string, key: string): void {
  const bucket = entries.get(value);
  bucket?.delete(key);
  if (bucket?.size === 0) entries.delete(value);
}
