import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock/clock.js';
import {
  BATCH_GET_ITEMS_MAX,
  ITEM_SIZE_MAX_BYTES,
  TRANSACTION_ITEMS_MAX,
  TRANSACTION_SIZE_MAX_BYTES,
} from '../../lib/store/dynamodb/limits.js';
import { TableError } from '../../lib/store/dynamodb/table.js';
import type {
  CancelReason,
  Condition,
  Item,
  ItemKey,
  QueryPage,
  TableQuery,
  TransactionWrite,
  Update,
  Value,
} from '../../lib/store/dynamodb/table.js';
import { compareKeys } from '../../lib/store/keys.js';
import { SortedMap } from '../../lib/store/memory/sorted-map.js';

const SORT_KEY_MAX_BYTES = 1_024;
const TOKEN_LIFE_MS = 10 * 60 * 1_000;
const READ_UNIT_BYTES = 4_096;
const WRITE_UNIT_BYTES = 1_024;

/** An item as it is, and as reads that wait for no transaction see it. */
interface Entry {
  committed: Item | undefined;
  visible: Item | undefined;
}

export interface Consumed {
  requests: number;
  readUnits: number;
  writeUnits: number;
  byOperation: Record<string, number>;
}

/** A committed transaction of which parts may not be visible yet. */
export interface RunningTransaction {
  keys: ItemKey[];
  /** Makes one more item visible, any that is chosen; false when all are. The last one ends the transaction. */
  reveal: (pick: (count: number) => number) => boolean;
}

/**
 * A DynamoDB table in this process, one operation at a time, each in one turn: conditions, transactions whose items become visible
 * one by one, tokens, limits, units, expiry. What happens on the way (latency, faults, death) is table-connection.ts.
 */
export class TableDouble {
  readonly #clock: Clock;
  readonly #pageSizeBytes: number;
  readonly #partitions = new Map<string, SortedMap<Entry>>();
  readonly #running = new Set<string>();
  readonly #tokens = new Map<string, { atMs: number; request: string }>();
  /** Told of every item that is written, in order of commits. */
  onCommit: (items: readonly Item[]) => void = () => undefined;
  consumed: Consumed = { requests: 0, readUnits: 0, writeUnits: 0, byOperation: {} };

  constructor(options: { clock: Clock; pageSizeBytes?: number }) {
    this.#clock = options.clock;
    this.#pageSizeBytes = options.pageSizeBytes ?? 1_048_576;
  }

  /** What has been used since the last call. */
  takeConsumed(): Consumed {
    const { consumed } = this;
    this.consumed = { requests: 0, readUnits: 0, writeUnits: 0, byOperation: {} };
    return consumed;
  }

  getItem(key: ItemKey): Item | undefined {
    this.#count('getItem');
    const item = this.#entry(key)?.visible;
    this.consumed.readUnits += readUnits(sizeOf(item));
    return item;
  }

  query(query: TableQuery): QueryPage {
    this.#count('query');
    if (query.prefix !== undefined && query.to !== undefined)
      throw new TableError('refused', 'KeyConditionExpression: two conditions on the sort key');
    if (query.after !== undefined && query.prefix !== undefined && !query.after.startsWith(query.prefix))
      throw new TableError('refused', 'the provided starting key is outside query boundaries');
    const items: Item[] = [];
    let size = 0;
    let next: string | undefined;
    for (const { visible } of this.#partitions.get(query.partition)?.range(query.prefix ?? '', query.after) ?? []) {
      if (visible === undefined) continue;
      if (query.from !== undefined && compareKeys(visible.sk, query.from) < 0) continue;
      if (query.to !== undefined && compareKeys(visible.sk, query.to) > 0) break;
      // As DynamoDB does, a page that is full says where it ended even if nothing follows.
      items.push(visible);
      size += sizeOf(visible);
      if (items.length === query.limit || size >= this.#pageSizeBytes) {
        next = visible.sk;
        break;
      }
    }
    this.consumed.readUnits += readUnits(size);
    return next === undefined ? { items } : { items, next };
  }

  transactGet(keys: readonly ItemKey[]): (Item | undefined)[] {
    this.#count('transactGet');
    this.#checkKeys(keys, TRANSACTION_ITEMS_MAX);
    const items = keys.map((key) => this.#entry(key)?.committed);
    for (const item of items) this.consumed.readUnits += 2 * readUnits(sizeOf(item));
    if (items.reduce((sum, item) => sum + sizeOf(item), 0) > TRANSACTION_SIZE_MAX_BYTES)
      throw new TableError('too-large', 'the items of the transaction are larger than 4 MB');
    if (keys.some((key) => this.#running.has(nameOf(key))))
      throw new TableError('conflict', 'TransactionConflict: a transaction is running on the item');
    return items;
  }

  /** `fits` may leave keys for another request. */
  batchGet(keys: readonly ItemKey[], fits = keys.length): { items: Item[]; left: ItemKey[] } {
    this.#count('batchGet');
    this.#checkKeys(keys, BATCH_GET_ITEMS_MAX);
    const items = keys.slice(0, fits).flatMap((key) => this.#entry(key)?.visible ?? []);
    for (const key of keys.slice(0, fits)) this.consumed.readUnits += readUnits(sizeOf(this.#entry(key)?.visible));
    return { items, left: keys.slice(fits) };
  }

  putItem(item: Item, condition?: Condition): void {
    this.#count('putItem');
    const clean = checkItem(item);
    this.#writeOne(clean, () => clean, condition);
  }

  updateItem(key: ItemKey, update: Update, condition?: Condition): Item {
    this.#count('updateItem');
    return this.#writeOne(key, (before) => checkItem(updated(key, before, update)), condition);
  }

  /** Commits at once; the items become visible as the caller reveals them. */
  transactWrite(writes: readonly TransactionWrite[], token?: string): RunningTransaction {
    this.#count('transactWrite');
    const keys = writes.map((write) => ('put' in write ? write.put : write.key));
    this.#checkKeys(keys, TRANSACTION_ITEMS_MAX);
    const request = token === undefined ? '' : fingerprint(writes);
    const known = token === undefined ? undefined : this.#tokens.get(token);
    if (known !== undefined && known.atMs >= this.#clock.now() - TOKEN_LIFE_MS) {
      if (known.request !== request) throw new TableError('refused', 'IdempotentParameterMismatch');
      return { keys: [], reveal: () => false };
    }

    const before = keys.map((key) => this.#entry(key)?.committed);
    const reasons = writes.map((write, index): CancelReason => {
      if (this.#running.has(nameOf(keys[index] as ItemKey))) return 'conflict';
      return holds(before[index], write.condition) ? 'none' : 'condition-failed';
    });
    const after = writes.map((write, index) =>
      checkItem('put' in write ? write.put : updated(write.key, before[index], write.update)),
    );
    const sizes = after.map((item, index) => Math.max(sizeOf(item), sizeOf(before[index])));
    for (const size of sizes) this.consumed.writeUnits += 2 * writeUnits(size);
    if (after.reduce((sum, item) => sum + sizeOf(item), 0) > TRANSACTION_SIZE_MAX_BYTES)
      throw new TableError('too-large', 'the items of the transaction are larger than 4 MB');
    if (reasons.some((reason) => reason !== 'none'))
      throw new TableError('cancelled', `TransactionCanceled: ${reasons.join(', ')}`, { reasons });

    if (token !== undefined) this.#tokens.set(token, { atMs: this.#clock.now(), request });
    const hidden = after.map((item) => {
      const entry = this.#entryToWrite(item);
      entry.committed = item;
      this.#running.add(nameOf(item));
      return entry;
    });
    this.onCommit(after);
    return {
      keys: keys.map(({ pk, sk }) => ({ pk, sk })),
      reveal: (pick) => {
        const [entry] = hidden.splice(pick(hidden.length), 1);
        if (entry !== undefined) entry.visible = entry.committed;
        if (hidden.length === 0) for (const key of keys) this.#running.delete(nameOf(key));
        return hidden.length > 0;
      },
    };
  }

  /** Deletes items whose time to live has passed: all, or those chosen. DynamoDB deletes them in no order, days late. */
  expire(choose: (item: Item) => boolean = () => true): void {
    const nowSeconds = this.#clock.now() / 1_000;
    for (const item of this.items())
      if (typeof item['ttl'] === 'number' && item['ttl'] < nowSeconds && choose(item)) this.remove(item);
  }

  remove(key: ItemKey): void {
    if (this.#running.has(nameOf(key))) return;
    this.#partitions.get(key.pk)?.delete(key.sk);
  }

  /** All items as committed. */
  items(): Item[] {
    return [...this.#partitions.values()].flatMap((partition) =>
      [...partition.range('')].flatMap(({ committed }) => committed ?? []),
    );
  }

  /** As committed, without counting as a request. */
  peek(key: ItemKey): Item | undefined {
    return this.#entry(key)?.committed;
  }

  #writeOne(key: ItemKey, make: (before: Item | undefined) => Item, condition: Condition | undefined): Item {
    if (this.#running.has(nameOf(key)))
      throw new TableError('conflict', 'TransactionConflictException: a transaction is running on the item');
    const before = this.#entry(key)?.committed;
    if (!holds(before, condition)) {
      this.consumed.writeUnits += writeUnits(sizeOf(before));
      throw new TableError('condition-failed', 'ConditionalCheckFailedException', { item: before });
    }
    const after = make(before);
    this.consumed.writeUnits += writeUnits(Math.max(sizeOf(before), sizeOf(after)));
    const entry = this.#entryToWrite(key);
    entry.committed = after;
    entry.visible = after;
    this.onCommit([after]);
    return after;
  }

  #entry(key: ItemKey): Entry | undefined {
    return this.#partitions.get(key.pk)?.get(key.sk);
  }

  #entryToWrite(key: ItemKey): Entry {
    let partition = this.#partitions.get(key.pk);
    if (partition === undefined) this.#partitions.set(key.pk, (partition = new SortedMap()));
    let entry = partition.get(key.sk);
    if (entry === undefined) partition.set(key.sk, (entry = { committed: undefined, visible: undefined }));
    return entry;
  }

  #checkKeys(keys: readonly ItemKey[], max: number): void {
    if (keys.length === 0 || keys.length > max)
      throw new TableError('refused', `ValidationException: from 1 to ${max} items, not ${keys.length}`);
    if (new Set(keys.map(nameOf)).size < keys.length)
      throw new TableError('refused', 'ValidationException: an item is named twice');
  }

  #count(operation: string): void {
    this.consumed.requests++;
    this.consumed.byOperation[operation] = (this.consumed.byOperation[operation] ?? 0) + 1;
  }
}

/** Two requests with one token must be the same. */
function fingerprint(writes: readonly TransactionWrite[]): string {
  const hash = createHash('sha256');
  const add = (value: unknown): void => {
    if (value instanceof Uint8Array) hash.update(value);
    else if (typeof value === 'object' && value !== null) for (const part of Object.entries(value).flat()) add(part);
    else hash.update(`${String(value)}\0`);
  };
  add(writes);
  return hash.digest('hex');
}

function nameOf(key: ItemKey): string {
  return `${key.pk}\0${key.sk}`;
}

function holds(item: Item | undefined, condition: Condition | undefined): boolean {
  if (condition === undefined) return true;
  switch (condition.kind) {
    case 'absent':
      return item === undefined;
    case 'equals':
      return item?.[condition.name] === condition.value;
    case 'below':
      return typeof item?.[condition.name] === 'number' && (item[condition.name] as number) < condition.value;
    case 'above':
      return typeof item?.[condition.name] === 'number' && (item[condition.name] as number) > condition.value;
    case 'missing':
      return item?.[condition.name] === undefined;
    case 'present':
      return item?.[condition.name] !== undefined;
    case 'all':
      return condition.of.every((part) => holds(item, part));
    case 'any':
      return condition.of.some((part) => holds(item, part));
  }
}

function updated(key: ItemKey, before: Item | undefined, update: Update): Item {
  const after: Record<string, Value | undefined> = { ...before };
  for (const [name, value] of Object.entries(update.set ?? {})) after[name] = value;
  for (const [name, from] of Object.entries(update.copy ?? {})) {
    if (before?.[from] === undefined) throw new TableError('refused', `ValidationException: no attribute ${from}`);
    after[name] = before[from];
  }
  for (const [name, { by, from }] of Object.entries(update.add ?? {}))
    after[name] = (typeof before?.[name] === 'number' ? before[name] : from) + by;
  for (const name of update.remove ?? []) delete after[name];
  return { ...after, pk: key.pk, sk: key.sk };
}

/** A copy without undefined attributes; throws what DynamoDB would. */
function checkItem(item: Item): Item {
  const clean = Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as Item;
  if (clean.sk.length === 0 || Buffer.byteLength(clean.sk) > SORT_KEY_MAX_BYTES)
    throw new TableError('refused', 'ValidationException: size of the sort key');
  if (sizeOf(clean) > ITEM_SIZE_MAX_BYTES)
    throw new TableError('too-large', 'ValidationException: Item size has exceeded the maximum allowed size');
  return clean;
}

/** As DynamoDB counts: names and values in UTF-8, numbers by two digits a byte. */
export function sizeOf(item: Item | undefined): number {
  let size = 0;
  for (const [name, value] of Object.entries(item ?? {})) {
    if (value === undefined) continue;
    size += Buffer.byteLength(name);
    if (typeof value === 'string') size += Buffer.byteLength(value);
    else if (typeof value === 'number') size += Math.ceil(String(value).length / 2) + 1;
    else size += typeof value === 'boolean' ? 1 : value.byteLength;
  }
  return size;
}

function readUnits(size: number): number {
  return Math.max(1, Math.ceil(size / READ_UNIT_BYTES));
}

function writeUnits(size: number): number {
  return Math.max(1, Math.ceil(size / WRITE_UNIT_BYTES));
}
