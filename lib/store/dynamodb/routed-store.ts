import type { BackupSource } from '../backup/ports.js';
import type { Changes, ListOptions, ListResult, Store, StoredObject, WriteOperation } from '../store.js';

/** The store port over several stores: named collections have their own, all others share one. */
export class RoutedStore implements Store, BackupSource {
  readonly #main: Store & BackupSource;
  readonly #routes: ReadonlyMap<string, Store>;

  constructor(main: Store & BackupSource, routes: ReadonlyMap<string, Store>) {
    this.#main = main;
    this.#routes = routes;
  }

  get(collection: string, key: string): Promise<StoredObject | undefined> {
    return this.#of(collection).get(collection, key);
  }

  list(collection: string, options?: ListOptions): Promise<ListResult> {
    return this.#of(collection).list(collection, options);
  }

  revision(collection: string): Promise<number> {
    return this.#of(collection).revision(collection);
  }

  write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    return this.#of(collection).write(collection, operations);
  }

  changes(collection: string, after: number, limit?: number): Promise<Changes> {
    return this.#of(collection).changes(collection, after, limit);
  }

  watch(collection: string, after: number, signal: AbortSignal): AsyncIterable<Changes> {
    return this.#of(collection).watch(collection, after, signal);
  }

  /** Of the routed ones those that hold an object now. */
  async collections(): Promise<string[]> {
    const names = await this.#main.collections();
    for (const [collection, store] of this.#routes)
      if ((await store.list(collection, { limit: 1 })).items.length > 0) names.push(collection);
    return names;
  }

  /** Routed collections are in it as they are when they are read. */
  async cut(): Promise<ReadonlyMap<string, number>> {
    const cut = new Map(await this.#main.cut());
    for (const [collection, store] of this.#routes)
      if ((await store.list(collection, { limit: 1 })).items.length > 0)
        cut.set(collection, await store.revision(collection));
    return cut;
  }

  async close(): Promise<void> {
    await Promise.all([this.#main.close(), ...[...this.#routes.values()].map((store) => store.close())]);
  }

  #of(collection: string): Store {
    return this.#routes.get(collection) ?? this.#main;
  }
}
