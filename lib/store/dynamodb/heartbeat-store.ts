import type { Clock } from '../../clock/clock.js';
import { randomUuid } from '../../random.js';
import type { Random } from '../../random.js';
import { StoreError } from '../errors.js';
import { checkOperations, closedError, compactedError, conflictError, makeBody } from '../operations.js';
import { FIRST_REVISION } from '../store.js';
import type { ChangeEvent, Changes, ListOptions, ListResult, Store, StoredObject, WriteOperation } from '../store.js';
import { isPassing, refusedError, unavailableError } from './attempts.js';
import { packBody, unpackBody } from './body.js';
import { StoreContext } from './context.js';
import { objectKey, ttlSeconds } from './items.js';
import {
  HEARTBEAT_SKEW_MS,
  HEARTBEAT_TOMBSTONE_MS,
  HEARTBEAT_WATCH_POLL_MS,
  INLINE_BODY_MAX_BYTES,
  RESOLVE_DEADLINE_MS,
  WRITE_DEADLINE_MS,
} from './limits.js';
import { ObjectScan } from './object-scan.js';
import { isTableError } from './table.js';
import type { Condition, Item, Table, Update, Value } from './table.js';

export interface HeartbeatStoreOptions {
  /** A table without a stream. */
  table: Table;
  clock: Clock;
  random: Random;
  cluster: string;
  /** How often a watch looks. Default: 5 seconds. */
  watchPollMs?: number;
}

/**
 * The store port for objects that are renewed all the time and watched rarely: Leases. A write is one conditional UpdateItem and nothing
 * beside it: no counter, no log, no transaction. In return
 * - revisions are times: milliseconds of the writer's clock, and always above the one replaced. They grow for each object; two
 *   objects may have the same;
 * - `changes` and `watch` are coarse: they tell the newest state of each object that changed, not every state it was in, and only when
 *   HEARTBEAT_SKEW_MS have passed, so that writers whose clocks differ by less are told in order and never missed; one whose requests
 *   timed out for longer than that is told with the next renewal;
 * - a list shows the present, and its revision lags behind by the same time: a watch from there may tell what the list had already;
 * - several objects are written in one transaction, as elsewhere, but seen by lists one by one.
 */
export class HeartbeatStore implements Store {
  readonly #context: StoreContext;
  readonly #watchPollMs: number;
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(options: HeartbeatStoreOptions) {
    this.#context = new StoreContext({ ...options, retentionMs: HEARTBEAT_TOMBSTONE_MS });
    this.#watchPollMs = options.watchPollMs ?? HEARTBEAT_WATCH_POLL_MS;
  }

  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    this.#assertOpen();
    const item = await this.#read(collection, key);
    return item === undefined || item['gone'] === true ? undefined : toObject(key, item);
  }

  async list(collection: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    const limit = options.limit ?? 0;
    const from = options.continue;
    const revision = from?.revision ?? this.#position();
    if (revision > this.#position() || revision < this.#oldest())
      throw compactedError(collection, { revision, compacted: this.#oldest() });
    const range = { prefix: options.prefix ?? '', afterKey: from?.afterKey };
    const scan = new ObjectScan(this.#context, collection, range);
    await scan.read(limit === 0 ? 0 : limit + 1, this.#context.attempts());
    const items = scan.records.flatMap(({ isLive, key, item }) => (isLive ? [toObject(key, item)] : []));
    if (limit === 0 || items.length <= limit) return { items, revision };
    const page = items.slice(0, limit);
    return { items: page, revision, continue: { revision, afterKey: page.at(-1)?.key ?? '' } };
  }

  /** Reached by `changes` a moment after every write acknowledged before the call. */
  async revision(): Promise<number> {
    this.#assertOpen();
    return this.#position();
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    this.#assertOpen();
    checkOperations(operations);
    if (operations.length === 0) return [];
    const writing = this.#write(collection, operations);
    this.#running.add(writing);
    try {
      return await writing;
    } finally {
      this.#running.delete(writing);
    }
  }

  async changes(collection: string, after: number, limit = 0): Promise<Changes> {
    this.#assertOpen();
    return this.#changes(collection, after, limit, new Map());
  }

  async *watch(collection: string, after: number, signal: AbortSignal): AsyncGenerator<Changes, void, undefined> {
    const known = new Map<string, Uint8Array>();
    let position = after;
    while (!signal.aborted) {
      this.#assertOpen();
      const changes = await this.#changes(collection, position, 0, known);
      if (changes.revision > position) {
        position = changes.revision;
        // Without events too: who waits for a revision learns that it has been reached.
        yield changes;
      }
      await this.#context.sleep(this.#watchPollMs, AbortSignal.any([signal, this.#closing.signal]));
    }
  }

  /** The table does not keep names of collections: whoever routes to it knows them. */
  async collections(): Promise<string[]> {
    this.#assertOpen();
    return [];
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }

  async #read(collection: string, key: string): Promise<Item | undefined> {
    const itemKey = objectKey(this.#context.partition(collection), key);
    return this.#context.attempts().repeat(() => this.#context.table.getItem(itemKey));
  }

  /**
   * The same request again after a time-out: its revision and name make it the same write, whose condition holds at most once. `unknown` when
   * the deadline comes before an answer, or when others have written since.
   */
  async #write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    const { clock, random } = this.#context;
    const attempts = this.#context.attempts(WRITE_DEADLINE_MS + RESOLVE_DEADLINE_MS);
    const name = randomUuid(random);
    let above = 0;
    let isUncertain = false;
    let revisions: number[] = [];
    for (;;) {
      // What may have been sent already keeps its revision.
      if (!isUncertain) revisions = operations.map(({ expect }) => nextRevision(expect, clock.now(), above));
      try {
        await this.#send(collection, operations, revisions, name);
        return revisions;
      } catch (error) {
        if (isTableError(error, 'too-large')) throw tooLargeError(operations);
        if (isTableError(error, 'refused')) throw refusedError(error);
        if (!isTableError(error)) throw error;
        if (!isPassing(error)) {
          const verdict = await this.#judge(collection, operations, revisions, name);
          if (verdict.isMine) return revisions;
          // A create on its way may still find a younger tombstone.
          const mayCome = operations.some(({ expect }) => expect === 'absent');
          if (isUncertain && (verdict.isOverwritten || mayCome)) throw unknownError(collection, error);
          if (verdict.failed.length > 0) throw conflictError(collection, verdict.failed);
          // The tombstone of a writer whose clock is ahead.
          above = verdict.above;
          isUncertain = false;
        } else if (error.code === 'timed-out') isUncertain = true;
        if (!(await attempts.pause())) throw isUncertain ? unknownError(collection, error) : unavailableError(error);
      }
    }
  }

  async #send(
    collection: string,
    operations: readonly WriteOperation[],
    revisions: readonly number[],
    name: string,
  ): Promise<void> {
    const { table, clock } = this.#context;
    const partition = this.#context.partition(collection);
    const updates = operations.map((operation, index) => {
      const revision = revisions[index] as number;
      return {
        key: objectKey(partition, operation.key),
        update: updateOf(operation, { revision, name, nowMs: clock.now() }),
        condition: conditionOf(operation, revision),
      };
    });
    const [only] = updates;
    if (only !== undefined && updates.length === 1) await table.updateItem(only.key, only.update, only.condition);
    else await table.transactWrite(updates, name);
  }

  /** After a failed condition: whether it was a copy of this write that came first, or what others did. */
  async #judge(
    collection: string,
    operations: readonly WriteOperation[],
    revisions: readonly number[],
    name: string,
  ): Promise<{ isMine: boolean; isOverwritten: boolean; failed: string[]; above: number }> {
    const keys = operations.map(({ key }) => objectKey(this.#context.partition(collection), key));
    const items = await this.#context.attempts().repeat(() => this.#context.table.transactGet(keys));
    const failed = operations.filter(({ expect }, index) => !meets(items[index], expect)).map(({ key }) => key);
    return {
      // The name of the write that was replaced tells when somebody has written over this one.
      isMine: items.some((item) => item?.['op'] === name || item?.['wasOp'] === name),
      isOverwritten: items.some((item, index) => Number(item?.['rev'] ?? 0) > (revisions[index] as number)),
      failed,
      above: Math.max(0, ...items.map((item) => Number(item?.['rev'] ?? 0))),
    };
  }

  /** `known`: the bodies that this watch has told, for what the next ones replace. */
  async #changes(collection: string, after: number, limit: number, known: Map<string, Uint8Array>): Promise<Changes> {
    const revision = this.#position();
    if (after >= revision) return { events: [], revision };
    if (after < this.#oldest()) throw compactedError(collection, { revision: after, compacted: this.#oldest() });
    const scan = new ObjectScan(this.#context, collection, { prefix: '' });
    await scan.read(0, this.#context.attempts());
    const changed = scan.records
      .filter((record) => record.revision > after && record.revision <= revision)
      .sort((a, b) => a.revision - b.revision);
    const events = changed.flatMap(({ key, item, isLive, revision: at }): ChangeEvent[] => {
      const body = unpackBody(item);
      const isNew = Number(item['born']) > after;
      // Made and deleted since: nobody who asks from `after` has seen it.
      if (isNew && !isLive) return [];
      const previous = known.get(key) ?? body;
      const base = { revision: at, key, body } as const;
      return [isNew ? { ...base, type: 'created' } : { ...base, type: isLive ? 'updated' : 'deleted', previous }];
    });
    const told = limit > 0 && events.length > limit ? cut(events, limit) : events;
    for (const event of told) known.set(event.key, event.body);
    return { events: told, revision: told.length < events.length ? (told.at(-1)?.revision ?? after) : revision };
  }

  /** Every write up to here has been made, as long as clocks differ by less than HEARTBEAT_SKEW_MS. */
  #position(): number {
    return Math.floor(this.#context.clock.now()) - HEARTBEAT_SKEW_MS;
  }

  /** Deletions older than this may have been forgotten. */
  #oldest(): number {
    return this.#context.clock.now() - HEARTBEAT_TOMBSTONE_MS;
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }
}

/** Events of one revision stay together: a position between them would lose the rest. */
function cut(events: readonly ChangeEvent[], limit: number): ChangeEvent[] {
  const last = events[limit - 1]?.revision;
  return events.filter((event, index) => index < limit || event.revision === last);
}

function nextRevision(expected: number | 'absent', nowMs: number, above: number): number {
  return Math.max(FIRST_REVISION, Math.floor(nowMs), above + 1, expected === 'absent' ? 0 : expected + 1);
}

function meets(item: Item | undefined, expected: number | 'absent'): boolean {
  const isLive = item !== undefined && item['gone'] !== true;
  return expected === 'absent' ? !isLive : isLive && item['rev'] === expected;
}

function conditionOf(operation: WriteOperation, revision: number): Condition {
  const { expect } = operation;
  if (expect !== 'absent')
    return {
      kind: 'all',
      of: [
        { kind: 'equals', name: 'rev', value: expect },
        { kind: 'missing', name: 'gone' },
      ],
    };
  const overTombstone: Condition = {
    kind: 'all',
    of: [
      { kind: 'present', name: 'gone' },
      { kind: 'below', name: 'rev', value: revision },
    ],
  };
  return { kind: 'any', of: [{ kind: 'absent' }, overTombstone] };
}

function updateOf(operation: WriteOperation, now: { revision: number; name: string; nowMs: number }): Update {
  const { revision, name, nowMs } = now;
  const { attributes, chunks } = packBody(makeBody(operation, revision));
  if (chunks.length > 0) throw tooLargeError([operation]);
  const isNew = operation.expect === 'absent';
  const set: Record<string, Value> = { rev: revision, op: name, ...attributes };
  if (isNew) set['born'] = revision;
  if (operation.delete === true) {
    set['gone'] = true;
    set['ttl'] = ttlSeconds(nowMs + 2 * HEARTBEAT_TOMBSTONE_MS);
  }
  const remove = [
    'b' in attributes ? 'z' : 'b',
    ...(operation.delete === true ? [] : ['gone', 'ttl']),
    ...(isNew ? ['wasOp'] : []),
  ];
  return isNew ? { set, remove } : { set, remove, copy: { wasOp: 'op' } };
}

function toObject(key: string, item: Item): StoredObject {
  return { key, revision: Number(item['rev']), body: unpackBody(item) };
}

function tooLargeError(operations: readonly WriteOperation[]): StoreError {
  const keys = operations.map(({ key }) => key);
  return new StoreError(
    'too-large',
    `${keys.join(', ')}: above ${INLINE_BODY_MAX_BYTES} bytes, which is what a lease may hold, or too many at once`,
    { keys },
  );
}

function unknownError(collection: string, cause: unknown): StoreError {
  return new StoreError(
    'unknown',
    `DynamoDB did not answer in time; whether the write to ${collection} was applied is not known: read the object to see`,
    { cause },
  );
}
