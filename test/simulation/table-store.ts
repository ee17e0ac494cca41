import { sleep } from '../../lib/clock/clock.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Random } from '../../lib/random.js';
import { openDynamoDbStore } from '../../lib/store/dynamodb/open.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import type { Item } from '../../lib/store/dynamodb/table.js';
import { isStoreError, StoreError } from '../../lib/store/errors.js';
import { FIRST_REVISION } from '../../lib/store/store.js';
import type {
  ChangeEvent,
  ChangeFeed,
  Changes,
  ListOptions,
  ListResult,
  Store,
  StoredObject,
  WriteOperation,
} from '../../lib/store/store.js';
import { NO_FAULTS, TableConnection, type Faults } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import type { Weather } from './faults/weather.js';

const CLUSTER = 'world';

/** What happens to requests on their way to the table in a storm. */
const TABLE_FAULTS: Faults = {
  throttled: 0.01,
  conflict: 0.01,
  lost: 0.003,
  late: 0.003,
  answerLost: 0.003,
  doubled: 0.005,
  partial: 0.02,
};

const LATENCY_MAX_MS = 4;
const LATE_MAX_MS = 3_000;
const TIMEOUT_MS = 1_500;
/** Until then nothing is on its way any more that was sent before. */
const AFTERMATH_MS = 10_000;

type Listener = (collection: string, events: readonly ChangeEvent[]) => void;

/** The tables of a world, and what their stream tells. */
export class WorldTables {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #retentionMs: number;
  readonly objects: TableDouble;
  readonly heartbeats: TableDouble;
  /** Looks at the tables without any faults, and takes no time. */
  readonly observer: Store & ChangeFeed;
  readonly #positions = new Map<string, { revision: number; isReading: boolean; isStale: boolean }>();
  readonly #reader: DynamoDbStore;
  #listeners: Listener[] = [];
  #isClosed = false;

  constructor(options: { clock: Clock; random: Random; weather: Weather; retentionMs: number }) {
    const { clock, random } = options;
    this.#clock = clock;
    this.#random = random;
    this.#weather = options.weather;
    this.#retentionMs = options.retentionMs;
    this.objects = new TableDouble({ clock });
    this.heartbeats = new TableDouble({ clock });
    const table = new TableConnection({ double: this.objects });
    // It reads each change right after it was made, however short the log is kept for others.
    this.#reader = new DynamoDbStore({ table, clock, random, cluster: CLUSTER });
    const heartbeatTable = new TableConnection({ double: this.heartbeats });
    const store = openDynamoDbStore({ table, heartbeatTable, clock, random, cluster: CLUSTER });
    this.observer = withFeed(store, this);
    this.objects.onCommit = (items) => this.#onCommit(items);
  }

  /** The store as one process has it, until it dies. */
  connect(): ProcessStore {
    const network = {
      clock: this.#clock,
      random: this.#random,
      latencyMaxMs: LATENCY_MAX_MS,
      lateMaxMs: LATE_MAX_MS,
      timeoutMs: TIMEOUT_MS,
    };
    const faults = this.#faults();
    const connections = [this.objects, this.heartbeats].map(
      (double) => new TableConnection({ double, network, faults }),
    );
    const [table, heartbeatTable] = connections as [TableConnection, TableConnection];
    const store = openDynamoDbStore({
      table,
      heartbeatTable,
      clock: this.#clock,
      random: this.#random,
      cluster: CLUSTER,
      retentionMs: this.#retentionMs,
    });
    return new ProcessStore(withFeed(store, this), () => connections.forEach((connection) => connection.kill()));
  }

  subscribe(listener: Listener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => (this.#listeners = this.#listeners.filter((one) => one !== listener));
  }

  /** Nothing is on its way any more when this resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await sleep(this.#clock, AFTERMATH_MS);
    await Promise.all([this.observer.close(), this.#reader.close()]);
  }

  /** None in calm weather. */
  #faults(): Faults {
    const weather = this.#weather;
    const faults = { ...NO_FAULTS };
    for (const name of Object.keys(faults) as (keyof Faults)[])
      Object.defineProperty(faults, name, { get: () => (weather.isStormy ? TABLE_FAULTS[name] : 0) });
    return faults;
  }

  #onCommit(items: readonly Item[]): void {
    for (const { pk } of items) {
      const at = pk.lastIndexOf('/log/');
      if (at < 0) continue;
      const collection = pk.slice(CLUSTER.length + 1, at);
      let position = this.#positions.get(collection);
      if (position === undefined) {
        position = { revision: FIRST_REVISION - 1, isReading: false, isStale: false };
        this.#positions.set(collection, position);
      }
      position.isStale = true;
      if (!position.isReading) void this.#follow(collection, position);
    }
  }

  /** Tells events in order of their revisions, which is not the order of commits. */
  async #follow(
    collection: string,
    position: { revision: number; isReading: boolean; isStale: boolean },
  ): Promise<void> {
    position.isReading = true;
    while (position.isStale && !this.#isClosed) {
      position.isStale = false;
      const { events, revision } = await this.#changes(collection, position.revision);
      position.revision = revision;
      if (events.length > 0) for (const listener of this.#listeners) listener(collection, events);
    }
    position.isReading = false;
  }

  /** When the very first writes of a collection were lost, nothing proves that what is missing there never was: what is there is new, then. */
  async #changes(collection: string, after: number): Promise<Changes> {
    try {
      return await this.#reader.changes(collection, after);
    } catch (error) {
      if (!isStoreError(error, 'compacted') || after >= FIRST_REVISION) throw error;
      const { items, revision } = await this.#reader.list(collection);
      return { events: items.map((item) => ({ ...item, type: 'created' })), revision };
    }
  }
}

function withFeed(store: Store, tables: Pick<WorldTables, 'subscribe'>): Store & ChangeFeed {
  return {
    get: (collection, key) => store.get(collection, key),
    list: (collection, options) => store.list(collection, options),
    revision: (collection) => store.revision(collection),
    write: (collection, operations) => store.write(collection, operations),
    changes: (collection, after, limit) => store.changes(collection, after, limit),
    watch: (collection, after, signal) => store.watch(collection, after, signal),
    collections: () => store.collections(),
    close: () => store.close(),
    subscribe: (listener) => tables.subscribe(listener),
  };
}

/** A store whose process can die: none of its requests is answered any more, and what they were in the middle of stays as it is. */
export class ProcessStore implements Store, ChangeFeed {
  readonly #inner: Store & ChangeFeed;
  readonly #disconnect: () => void;
  readonly #underWay = new Set<(error: StoreError) => void>();
  #isDead = false;

  constructor(inner: Store & ChangeFeed, disconnect: () => void) {
    this.#inner = inner;
    this.#disconnect = disconnect;
  }

  kill(): void {
    this.#isDead = true;
    this.#disconnect();
    for (const fail of this.#underWay) fail(dead());
    // Its watches end, its timers with them.
    void this.#inner.close();
  }

  get(collection: string, key: string): Promise<StoredObject | undefined> {
    return this.#call(() => this.#inner.get(collection, key));
  }

  list(collection: string, options?: ListOptions): Promise<ListResult> {
    return this.#call(() => this.#inner.list(collection, options));
  }

  revision(collection: string): Promise<number> {
    return this.#call(() => this.#inner.revision(collection));
  }

  write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    return this.#call(() => this.#inner.write(collection, operations));
  }

  changes(collection: string, after: number, limit?: number): Promise<Changes> {
    return this.#call(() => this.#inner.changes(collection, after, limit));
  }

  watch(collection: string, after: number, signal: AbortSignal): AsyncIterable<Changes> {
    return this.#inner.watch(collection, after, signal);
  }

  collections(): Promise<string[]> {
    return this.#call(() => this.#inner.collections());
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  subscribe(listener: Listener): () => void {
    return this.#inner.subscribe(listener);
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw dead();
    let fail: (error: StoreError) => void = () => undefined;
    const death = new Promise<never>((_resolve, reject) => (fail = reject));
    this.#underWay.add(fail);
    try {
      return await Promise.race([call(), death]);
    } finally {
      this.#underWay.delete(fail);
    }
  }
}

function dead(): StoreError {
  return new StoreError('unavailable', 'this process has died');
}
