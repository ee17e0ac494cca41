import type { Clock } from '../../clock/clock.js';
import type { Random } from '../../random.js';
import { InFlight } from '../../work/in-flight.js';
import type { BackupSource } from '../backup/ports.js';
import { StoreError } from '../errors.js';
import { checkOperations, closedError } from '../operations.js';
import { FIRST_REVISION } from '../store.js';
import type { Changes, ListOptions, ListResult, Store, StoredObject, WriteOperation } from '../store.js';
import { Wakeups } from '../watch.js';
import { unavailableError } from './attempts.js';
import type { Attempts } from './attempts.js';
import { assertAboveFloor, StoreContext } from './context.js';
import { headKey, namesPartition, objectKey, readHead, readObject } from './items.js';
import type { Slot } from './items.js';
import { KeyQueues } from './key-queues.js';
import {
  CHANGES_SLOTS_MAX,
  CUT_DEADLINE_MS,
  CUT_LISTS_MAX,
  GRACE_MS,
  OBJECT_KEY_MAX_BYTES,
  RETENTION_DEFAULT_MS,
  TRANSACTION_ITEMS_MAX,
  WATCH_POLL_FIRST_MS,
  WATCH_POLL_MAX_MS,
} from './limits.js';
import { Lister } from './lister.js';
import { LogReader } from './log-reader.js';
import type { Table } from './table.js';
import { Writer } from './writer.js';

const BODY_ATTEMPTS_MAX = 5;
const CLUSTER_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export interface DynamoDbStoreOptions {
  table: Table;
  clock: Clock;
  random: Random;
  /** Name of the cluster, a DNS label: several share one table. */
  cluster: string;
  /** How long events are readable. Default: 30 minutes. */
  retentionMs?: number;
  /** How rarely an idle watch looks at the head, one read unit each time. Default: 1 second. */
  watchPollMaxMs?: number;
}

/**
 * The store port on DynamoDB: any number of processes without a connection between them write and read one table. The protocol is that of
 * the design notes; writer.ts, lister.ts and log-reader.ts are its parts.
 */
export class DynamoDbStore implements Store, BackupSource {
  readonly #context: StoreContext;
  readonly #writer: Writer;
  readonly #queues = new KeyQueues();
  readonly #wakeups = new Wakeups();
  readonly #watchPollMaxMs: number;
  readonly #running = new Set<Promise<unknown>>();
  readonly #idlers = new Set<() => void>();
  readonly #closing = new AbortController();

  constructor(options: DynamoDbStoreOptions) {
    if (!CLUSTER_NAME.test(options.cluster))
      throw new Error(`the cluster name '${options.cluster}' is not a DNS label: use a-z, 0-9 and '-'`);
    this.#context = new StoreContext({ ...options, retentionMs: options.retentionMs ?? RETENTION_DEFAULT_MS });
    this.#writer = new Writer(this.#context);
    this.#watchPollMaxMs = options.watchPollMaxMs ?? WATCH_POLL_MAX_MS;
  }

  /** One TransactGetItems (txGet): a plain read may show the old object after somebody has seen the new one. */
  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    this.#assertOpen();
    if (!fits(key)) return undefined;
    const attempts = this.#context.attempts();
    const keys = [objectKey(this.#context.partition(collection), key)];
    for (let attempt = 0; attempt < BODY_ATTEMPTS_MAX; attempt++) {
      const [item] = await attempts.repeat(() => this.#context.table.transactGet(keys));
      if (item === undefined) return undefined;
      const { isLive, revision } = readObject(item);
      if (!isLive) return undefined;
      const body = await this.#context.readBody(collection, item, revision, attempts);
      if (body !== undefined) return { key, revision, body };
    }
    throw unavailableError(undefined);
  }

  async list(collection: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    if (!fits(options.prefix ?? '')) return { items: [], revision: await this.revision(collection) };
    return new Lister(this.#context, collection).list(options);
  }

  /** The last revision handed out: every write acknowledged before is below it, and `changes` and `watch` reach it. */
  async revision(collection: string): Promise<number> {
    this.#assertOpen();
    return (await this.#context.readHead(collection, this.#context.attempts())).next;
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    this.#assertOpen();
    checkOperations(operations);
    const long = operations.filter(({ key }) => !fits(key)).map(({ key }) => key);
    if (long.length > 0)
      throw new StoreError('too-large', `keys hold at most ${OBJECT_KEY_MAX_BYTES} bytes: use shorter names`, {
        keys: long,
      });
    if (operations.length === 0) return [];
    const keys = operations.map(({ key }) => `${collection}\0${key}`);
    const writing = this.#queues.run(keys, () => this.#writer.write(collection, operations));
    this.#running.add(writing);
    try {
      const revisions = await writing;
      this.#wakeups.wake(collection);
      return revisions;
    } finally {
      this.#running.delete(writing);
    }
  }

  /** headBound: follows the log to what has been handed out when it is called, not only to what it happens to see. */
  async changes(collection: string, after: number, limit = 0): Promise<Changes> {
    this.#assertOpen();
    const attempts = this.#context.attempts();
    const head = await this.#context.readHead(collection, attempts);
    if (after >= head.next) return { events: [], revision: head.next };
    assertAboveFloor(collection, after, head);
    const from = Math.max(after, FIRST_REVISION - 1);
    const to = Math.min(head.next, from + (limit > 0 ? limit : CHANGES_SLOTS_MAX));
    const log = new LogReader(this.#context, collection);
    const settled = this.#context.settledRevision(head);
    const slots = await log.close({ after: from, to, settled, onLoss: 'refuse', attempts });
    return { events: await log.toEvents(slots, attempts), revision: to };
  }

  /** Polls the head, the more rarely the longer nothing happens; writes of this process wake it. */
  async *watch(collection: string, after: number, signal: AbortSignal): AsyncGenerator<Changes, void, undefined> {
    const log = new LogReader(this.#context, collection);
    let position = Math.max(after, FIRST_REVISION - 1);
    let pollMs = WATCH_POLL_FIRST_MS;
    while (!signal.aborted) {
      this.#assertOpen();
      const idle = this.#idle(collection, signal);
      try {
        const changes = await this.#follow(log, collection, position, idle.signal);
        if (changes !== undefined) {
          position = changes.revision;
          pollMs = WATCH_POLL_FIRST_MS;
          if (!signal.aborted) yield changes;
          continue;
        }
        await this.#context.sleep(pollMs, idle.woken);
        pollMs = Math.min(pollMs * 2, this.#watchPollMaxMs);
      } finally {
        idle.end();
      }
    }
  }

  async collections(): Promise<string[]> {
    this.#assertOpen();
    const attempts = this.#context.attempts();
    const names: string[] = [];
    let after: string | undefined;
    do {
      const query = { partition: namesPartition(this.#context.cluster), ...(after === undefined ? {} : { after }) };
      const page = await attempts.repeat(() => this.#context.table.query(query));
      names.push(...page.items.map(({ sk }) => sk));
      after = page.next;
    } while (after !== undefined);
    return names;
  }

  /**
   * The revisions that were handed out at one moment. Who has seen a write takes a revision later than that write did, so the cut is causally
   * closed. It is told once what it holds has been written, and is visible, or never will be.
   */
  async cut(): Promise<ReadonlyMap<string, number>> {
    this.#assertOpen();
    const attempts = this.#context.attempts(CUT_DEADLINE_MS);
    let names = await this.collections();
    let revisions: number[] = [];
    let isSettled = names.length === 0;
    while (!isSettled) {
      const found = await this.#revisionsAt(names, attempts);
      const namesAfter = await this.collections();
      // More than one read can tell at one moment: nothing was handed out between two that say the same.
      const isOneMoment =
        names.length <= TRANSACTION_ITEMS_MAX || found.every((one, index) => one === revisions[index]);
      isSettled = isOneMoment && namesAfter.length === names.length;
      revisions = found;
      names = namesAfter;
      if (!isSettled && names.length > TRANSACTION_ITEMS_MAX && !(await attempts.pause()))
        throw unavailableError(undefined);
    }
    const cut = new Map(names.map((name, index) => [name, revisions[index] as number]));
    const closing = new InFlight(CUT_LISTS_MAX);
    for (const name of names) await closing.start(async () => void (await this.list(name, { limit: 1 })));
    await closing.drain();
    // Pages do not wait for transactions, whose items become visible one by one; none that is in the cut lasts longer.
    if (names.length > 0) await this.#context.sleep(GRACE_MS, this.#closing.signal);
    return cut;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const stop of this.#idlers) stop();
    this.#wakeups.wakeAll();
    await Promise.allSettled(this.#running);
  }

  /** The heads of the collections; those of at most TRANSACTION_ITEMS_MAX at one moment. */
  async #revisionsAt(names: readonly string[], attempts: Attempts): Promise<number[]> {
    const revisions: number[] = [];
    for (let at = 0; at < names.length; at += TRANSACTION_ITEMS_MAX) {
      const keys = names.slice(at, at + TRANSACTION_ITEMS_MAX).map((name) => headKey(this.#context.partition(name)));
      const items = await attempts.repeat(() => this.#context.table.transactGet(keys));
      revisions.push(...items.map((item) => readHead(item).next));
    }
    return revisions;
  }

  /**
   * What follows a position, or undefined when nothing does. It compares with the head (resume): everything above the position may have
   * expired. What is there is told at once; only a gap right after the position is waited for.
   */
  async #follow(log: LogReader, collection: string, after: number, signal: AbortSignal): Promise<Changes | undefined> {
    const attempts = this.#context.attempts();
    const head = await this.#context.readHead(collection, attempts);
    if (head.next <= after) return undefined;
    assertAboveFloor(collection, after, head);
    const to = Math.min(head.next, after + CHANGES_SLOTS_MAX);
    const settled = this.#context.settledRevision(head);
    const options = { after, to, settled, onLoss: 'refuse', attempts, signal } as const;
    let slots: Slot[] = await log.readContiguous(options);
    if (slots.length === 0) slots = await log.close(options);
    const last = slots.at(-1);
    if (last === undefined) return undefined;
    return { events: await log.toEvents(slots, attempts), revision: last.revision };
  }

  /** Signals of one round of a watch: `woken` ends its rest, at a write too; `signal` also its waiting for gaps. */
  #idle(collection: string, signal: AbortSignal): { signal: AbortSignal; woken: AbortSignal; end: () => void } {
    const ending = new AbortController();
    const woken = new AbortController();
    const stop = (): void => {
      ending.abort();
      woken.abort();
    };
    const forget = this.#wakeups.wait(collection, () => woken.abort());
    signal.addEventListener('abort', stop);
    this.#idlers.add(stop);
    const end = (): void => {
      forget();
      signal.removeEventListener('abort', stop);
      this.#idlers.delete(stop);
    };
    return { signal: ending.signal, woken: woken.signal, end };
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }
}

function fits(key: string): boolean {
  return Buffer.byteLength(key) <= OBJECT_KEY_MAX_BYTES;
}
