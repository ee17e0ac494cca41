import type { Clock } from '../../clock/clock.js';
import type { BackupSource, Restorer } from '../backup/ports.js';
import { checkOperations, closedError } from '../operations.js';
import { epochOf, POLICY_EPOCH } from '../policy-epoch.js';
import { FIRST_REVISION } from '../store.js';
import type {
  ChangeEvent,
  ChangeFeed,
  Changes,
  ListOptions,
  ListResult,
  Store,
  StoredObject,
  WriteOperation,
} from '../store.js';
import { Wakeups, watchLog } from '../watch.js';
import { MemoryCollection } from './memory-collection.js';

/** How long an event stays in the log by default. */
const RETENTION_DEFAULT_MS = 10 * 60 * 1_000;

/** How many events the log of a collection keeps by default; bodies stay in memory as long. */
const RETENTION_EVENTS_DEFAULT = 20_000;

/** Logs are trimmed by at most so many intervals per retention time. */
const COMPACTIONS_PER_RETENTION = 20;

export interface MemoryStoreOptions {
  clock: Clock;
  /** Events older than this leave the log. Default: 10 minutes. */
  retentionMs?: number;
  /** Events beyond so many leave the log of their collection. Default: 20,000. */
  retentionEventsMax?: number;
}

/**
 * The store port in plain JavaScript, for `--memory` and the simulation. Nothing outlives the process. It sets no
 * timers: old events are dropped at the occasion of writes.
 */
export class MemoryStore implements Store, ChangeFeed, BackupSource {
  readonly #wakeups = new Wakeups();
  readonly #clock: Clock;
  readonly #retentionMs: number;
  readonly #retentionEventsMax: number;
  readonly #collections = new Map<string, MemoryCollection>();
  readonly #listeners = new Set<(collection: string, events: readonly ChangeEvent[]) => void>();
  #nextCompactionMs: number;
  #closed = false;

  constructor(options: MemoryStoreOptions) {
    this.#clock = options.clock;
    this.#retentionMs = options.retentionMs ?? RETENTION_DEFAULT_MS;
    this.#retentionEventsMax = options.retentionEventsMax ?? RETENTION_EVENTS_DEFAULT;
    this.#nextCompactionMs = this.#clock.now() + this.#retentionMs;
  }

  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    this.#assertOpen();
    return this.#collections.get(collection)?.get(key);
  }

  async list(collection: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    return (this.#collections.get(collection) ?? new MemoryCollection(collection)).list(options);
  }

  async revision(collection: string): Promise<number> {
    this.#assertOpen();
    if (collection === POLICY_EPOCH) return epochOf((one) => this.#revisionOf(one));
    return this.#revisionOf(collection);
  }

  #revisionOf(collection: string): number {
    return this.#collections.get(collection)?.revision ?? FIRST_REVISION - 1;
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    this.#assertOpen();
    checkOperations(operations);
    if (operations.length === 0) return [];
    const target = this.#collections.get(collection) ?? new MemoryCollection(collection);
    const nowMs = this.#clock.now();
    const events = target.write(operations, nowMs);
    this.#collections.set(collection, target);
    this.#compact(target, nowMs);
    for (const listener of this.#listeners) listener(collection, events);
    this.#wakeups.wake(collection);
    return events.map(({ revision }) => revision);
  }

  async changes(collection: string, after: number, limit = 0): Promise<Changes> {
    return this.#changes(collection, after, limit);
  }

  watch(collection: string, after: number, signal: AbortSignal): AsyncIterable<Changes> {
    const log = {
      changes: (name: string, position: number) => this.#changes(name, position, 0),
      wakeups: this.#wakeups,
    };
    return watchLog(log, collection, after, signal);
  }

  async collections(): Promise<string[]> {
    this.#assertOpen();
    return [...this.#collections.keys()];
  }

  /** All collections at one moment. */
  async cut(): Promise<ReadonlyMap<string, number>> {
    this.#assertOpen();
    return new Map([...this.#collections].map(([name, { revision }]) => [name, revision]));
  }

  /** For a store that nobody uses yet: watchers would not hear of it. */
  restorer(): Restorer {
    return {
      begin: async () => this.#collections.clear(),
      collection: async (name, revision) => void this.#collections.set(name, new MemoryCollection(name, revision)),
      put: async (name, objects) => this.#collections.get(name)?.restore(objects),
      finish: async () => undefined,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#collections.clear();
    this.#wakeups.wakeAll();
  }

  subscribe(listener: (collection: string, events: readonly ChangeEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changes(collection: string, after: number, limit: number): Changes {
    this.#assertOpen();
    const log = this.#collections.get(collection);
    return log === undefined ? { events: [], revision: FIRST_REVISION - 1 } : log.changes(after, limit);
  }

  /** The written log at once, since its count grew; all of them by age from time to time. */
  #compact(written: MemoryCollection, nowMs: number): void {
    const beforeMs = nowMs - this.#retentionMs;
    written.compact(beforeMs, this.#retentionEventsMax);
    if (nowMs < this.#nextCompactionMs) return;
    this.#nextCompactionMs = nowMs + this.#retentionMs / COMPACTIONS_PER_RETENTION;
    for (const collection of this.#collections.values()) collection.compact(beforeMs, this.#retentionEventsMax);
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }
}
