import type { Catalog, Resource } from './catalog.js';
import { encodeObject } from './encode.js';
import { parseStored } from './objects.js';
import { withMeta, type WithMeta } from './metadata.js';
import { SCHEMA_NUMBER, schemaNumberOf } from './encode.js';
import type {
  ChangeEvent,
  Changes,
  ListOptions,
  ListResult,
  Store,
  StoredObject,
  WriteOperation,
} from '../../../lib/store/store.js';

export interface StoreHooks {
  /** Brings an object of an older schema to today's. */
  upgrade(resource: Resource, object: WithMeta): void;
  /** Told after every write, also one of which it is not known whether it was applied. */
  wrote?(collection: string): void;
}

/**
 * The store as the registry sees it: objects written under an older schema come out with the defaults of today's. Checking costs one
 * byte per object; nothing is written back before somebody writes the object.
 */
export class UpToDateStore implements Store {
  readonly #store: Store;
  readonly #resources: ReadonlyMap<string, Resource>;
  readonly #hooks: StoreHooks;

  constructor(store: Store, catalog: Catalog, hooks: StoreHooks) {
    this.#store = store;
    this.#resources = new Map(
      catalog
        .all()
        .filter((one) => one.alternate === undefined)
        .map((one) => [one.collection, one]),
    );
    this.#hooks = hooks;
  }

  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    const stored = await this.#store.get(collection, key);
    return stored === undefined ? undefined : this.#current(collection, stored);
  }

  async list(collection: string, options?: ListOptions): Promise<ListResult> {
    const result = await this.#store.list(collection, options);
    if (!result.items.some(({ body }) => isOld(body))) return result;
    return { ...result, items: result.items.map((stored) => this.#current(collection, stored)) };
  }

  revision(collection: string): Promise<number> {
    return this.#store.revision(collection);
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    try {
      return await this.#store.write(collection, operations);
    } finally {
      this.#hooks.wrote?.(collection);
    }
  }

  async changes(collection: string, after: number, limit?: number): Promise<Changes> {
    return this.#currentChanges(collection, await this.#store.changes(collection, after, limit));
  }

  async *watch(collection: string, after: number, signal: AbortSignal): AsyncGenerator<Changes, void, undefined> {
    for await (const changes of this.#store.watch(collection, after, signal))
      yield this.#currentChanges(collection, changes);
  }

  collections(): Promise<string[]> {
    return this.#store.collections();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #currentChanges(collection: string, changes: Changes): Changes {
    if (!changes.events.some(({ body, previous }) => isOld(body) || (previous !== undefined && isOld(previous))))
      return changes;
    return { ...changes, events: changes.events.map((event) => this.#currentEvent(collection, event)) };
  }

  #currentEvent(collection: string, event: ChangeEvent): ChangeEvent {
    const { previous } = event;
    return {
      ...event,
      body: this.#currentBody(collection, event.body),
      ...(previous === undefined ? {} : { previous: this.#currentBody(collection, previous) }),
    };
  }

  #current(collection: string, stored: StoredObject): StoredObject {
    return isOld(stored.body) ? { ...stored, body: this.#currentBody(collection, stored.body) } : stored;
  }

  #currentBody(collection: string, body: Uint8Array): Uint8Array {
    const resource = this.#resources.get(collection);
    if (resource === undefined || !isOld(body)) return body;
    const object = withMeta(parseStored(body));
    this.#hooks.upgrade(resource, object);
    return encodeObject(object).body(Number(object.metadata.resourceVersion));
  }
}

function isOld(body: Uint8Array): boolean {
  return schemaNumberOf(body) < SCHEMA_NUMBER;
}
