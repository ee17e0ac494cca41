import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../clock/clock.js';
import type { BackupSource } from '../backup/ports.js';
import { isStoreError, StoreError } from '../errors.js';
import { checkOperations, closedError, keyFits } from '../operations.js';
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
import { CollectionState, readCollections } from './collection-state.js';
import { Compactor } from './compactor.js';
import { StoreDatabase } from './database.js';
import { DirectoryLock } from './directory-lock.js';
import { unreadableError } from './errors.js';
import { decodeCollection, decodeObject, objectKey } from './encoding.js';
import { Lister } from './lister.js';
import { LogReader } from './log-reader.js';
import { WriteBatch } from './write-batch.js';

/** How long an event stays in the log by default. */
const RETENTION_DEFAULT_MS = 10 * 60 * 1_000;

/** How many events the log of a collection keeps by default. */
const RETENTION_EVENTS_DEFAULT = 50_000;

/** What a caller is told to wait when the disk refused a commit. */
const RETRY_AFTER_MS = 1_000;

export interface EmbeddedStoreOptions {
  /** The data folder; created when it is missing. */
  directory: string;
  clock: Clock;
  /** Events older than this leave the log. Default: 10 minutes. */
  retentionMs?: number;
  /** Events beyond so many leave the log of their collection. Default: 50,000. */
  retentionEventsMax?: number;
}

interface QueuedWrite {
  readonly collection: string;
  readonly operations: readonly WriteOperation[];
  readonly resolve: (revisions: number[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Opens or creates a data folder. Throws DataFolderError: `locked`, `format` or `unreadable`. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { directory } = options;
  try {
    // For its owner only. A folder that exists keeps its mode.
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const lock = await DirectoryLock.acquire(directory);
    try {
      return new EmbeddedStore(options, await StoreDatabase.open(directory), lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw unreadableError(directory, error);
  }
}

/**
 * The store port over LMDB, for one process on one machine.
 *
 * Writes queue up while a commit is under way and are then committed together (group commit). One batch at a time: it is checked
 * against the snapshot, which holds everything before it, then written and flushed, and only then does the snapshot
 * move on, do watchers wake up and do the calls resolve, in this order and within one turn. So no one ever sees what the
 * disk could still lose, and everyone sees it who hears of it. A failed expectation is reported with the batch too: it may rest on a
 * write of the same batch.
 */
export class EmbeddedStore implements Store, ChangeFeed, BackupSource {
  readonly #clock: Clock;
  readonly #database: StoreDatabase;
  readonly #lock: DirectoryLock;
  readonly #states = new Map<string, CollectionState>();
  readonly #log: LogReader;
  readonly #lister: Lister;
  readonly #compactor: Compactor;
  readonly #wakeups = new Wakeups();
  readonly #listeners = new Set<(collection: string, events: readonly ChangeEvent[]) => void>();
  #queue: QueuedWrite[] = [];
  #committing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Set when the disk failed so that memory and file may differ; only a restart tells. */
  #broken: StoreError | undefined;

  /** Use `openEmbeddedStore`. */
  constructor(options: EmbeddedStoreOptions, database: StoreDatabase, lock: DirectoryLock) {
    this.#clock = options.clock;
    this.#database = database;
    this.#lock = lock;
    for (const state of readCollections(database)) this.#states.set(state.name, state);
    this.#log = new LogReader(database);
    this.#lister = new Lister(database, this.#log);
    this.#compactor = new Compactor({
      clock: options.clock,
      log: this.#log,
      states: this.#states,
      retentionMs: options.retentionMs ?? RETENTION_DEFAULT_MS,
      retentionEventsMax: options.retentionEventsMax ?? RETENTION_EVENTS_DEFAULT,
      wake: () => {
        this.#database.dropDeadReaders();
        this.#startCommitting();
      },
    });
  }

  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    this.#assertUsable();
    const state = this.#states.get(collection);
    if (state === undefined || !keyFits(key)) return undefined;
    const bytes = this.#database.get(this.#database.objects, objectKey(state.record.id, key));
    return bytes === undefined ? undefined : decodeObject(key, bytes);
  }

  async list(collection: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertUsable();
    const state = this.#states.get(collection) ?? emptyState(collection);
    if (!keyFits(options.prefix ?? '')) return { items: [], revision: state.record.revision };
    return this.#lister.list(state, options);
  }

  async revision(collection: string): Promise<number> {
    this.#assertUsable();
    if (collection === POLICY_EPOCH) return epochOf((one) => this.#revisionOf(one));
    return this.#revisionOf(collection);
  }

  #revisionOf(collection: string): number {
    return (this.#states.get(collection) ?? emptyState(collection)).record.revision;
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    this.#assertUsable();
    checkOperations(operations);
    if (operations.length === 0) return [];
    return new Promise((resolve, reject) => {
      this.#queue.push({ collection, operations, resolve, reject });
      this.#startCommitting();
    });
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
    this.#assertUsable();
    return [...this.#states.keys()];
  }

  /** All collections as of one commit. */
  async cut(): Promise<ReadonlyMap<string, number>> {
    this.#assertUsable();
    return new Map([...this.#states].map(([name, { record }]) => [name, record.revision]));
  }

  /** Waits for the writes that were called before. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  subscribe(listener: (collection: string, events: readonly ChangeEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changes(collection: string, after: number, limit: number): Changes {
    this.#assertUsable();
    return this.#log.changes(this.#states.get(collection) ?? emptyState(collection), after, limit);
  }

  #startCommitting(): void {
    this.#committing ??= this.#commitAll();
  }

  async #commitAll(): Promise<void> {
    // Writes called in the same turn come along.
    await Promise.resolve();
    while (this.#queue.length > 0 || this.#compactor.isDue()) await this.#commitBatch();
    // In the turn that saw the queue empty, so that no write falls between.
    this.#committing = undefined;
  }

  async #commitBatch(): Promise<void> {
    const batch = new WriteBatch(this.#database, this.#states, this.#clock.now());
    const outcomes = this.#addQueued(batch);
    try {
      this.#compactor.addTo(batch);
      if (!batch.isEmpty) await this.#database.commit(() => batch.fill());
    } catch (cause) {
      const error = this.#commitFailed(batch, cause);
      for (const { fail } of outcomes) fail(error);
      return;
    }
    if (!batch.isEmpty) this.#publish(batch);
    for (const { settle } of outcomes) settle();
  }

  /** Moves queued writes into the batch until it is full. */
  #addQueued(batch: WriteBatch): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const write of this.#queue) {
      if (batch.isFull) break;
      outcomes.push(settleLater(batch, write));
    }
    this.#queue.splice(0, outcomes.length);
    return outcomes;
  }

  #publish(batch: WriteBatch): void {
    this.#database.refresh();
    for (const { state, record, events } of batch.changes.values()) {
      state.record = record;
      for (const event of events) state.tail.push(event);
      state.tail.dropBefore(record.compacted + 1);
      this.#states.set(state.name, state);
    }
    this.#compactor.published();
    for (const { state, events } of batch.changes.values()) {
      if (events.length === 0) continue;
      const published = events.map(({ event }) => event);
      for (const listener of this.#listeners) listener(state.name, published);
      this.#wakeups.wake(state.name);
    }
  }

  /** Whether the batch is in the file now decides between `unavailable` and `unknown`. */
  #commitFailed(batch: WriteBatch, cause: unknown): StoreError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (!this.#isInFile(batch))
      return new StoreError(
        'unavailable',
        `the data folder could not be written: ${reason}. Check the free space of its disk`,
        { cause, retryAfterMs: RETRY_AFTER_MS },
      );
    this.#broken = new StoreError(
      'unavailable',
      `writing to the data folder failed: ${reason}. Check its disk and start again`,
      { cause },
    );
    this.#queue.splice(0).forEach(({ reject }) => reject(this.#broken));
    this.#wakeups.wakeAll();
    return new StoreError('unknown', `writing to the data folder failed: ${reason}`, { cause });
  }

  #isInFile(batch: WriteBatch): boolean {
    this.#database.refresh();
    const { collections } = this.#database;
    for (const { state, record } of batch.changes.values()) {
      const bytes = this.#database.get(collections, Buffer.from(state.name));
      if (bytes === undefined) continue;
      const stored = decodeCollection(bytes);
      if (stored.revision === record.revision && stored.compacted === record.compacted) return true;
    }
    return false;
  }

  async #close(): Promise<void> {
    this.#compactor.stop();
    await this.#committing;
    this.#wakeups.wakeAll();
    await this.#database.close();
    await this.#lock.release();
  }

  #assertUsable(): void {
    if (this.#closing !== undefined) throw closedError();
    if (this.#broken !== undefined) throw this.#broken;
  }
}

function emptyState(name: string): CollectionState {
  const record = { id: 0, revision: FIRST_REVISION - 1, compacted: 0, objects: 0 };
  return new CollectionState(name, record);
}

/** How a write ends: with its batch on disk, or with a batch that failed. */
interface Outcome {
  readonly settle: () => void;
  readonly fail: (error: StoreError) => void;
}

/** Adds a write to the batch now; its caller is told when the batch is over. */
function settleLater(batch: WriteBatch, write: QueuedWrite): Outcome {
  try {
    const revisions = batch.add(write.collection, write.operations);
    return { settle: () => write.resolve(revisions), fail: write.reject };
  } catch (error) {
    // A conflict may rest on a write that failed with the batch, so that it is none.
    const reject = (): void => write.reject(error);
    return { settle: reject, fail: isStoreError(error, 'conflict') ? write.reject : reject };
  }
}
