/**
 * The few operations of DynamoDB that the store uses, as a port: one implementation over the SDK (sdk-table.ts), one in-process double
 * for tests. All reads are strongly consistent. Every call answers, or fails with a `TableError`, within REQUEST_TIMEOUT_MS (limits.ts).
 */
export interface Table {
  getItem(key: ItemKey): Promise<Item | undefined>;

  /** One page, in order of the sort key's UTF-8 bytes. It is no snapshot. */
  query(query: TableQuery): Promise<QueryPage>;

  /** At most TRANSACTION_ITEMS_MAX keys, as they were at one moment; `conflict` while a transaction runs on one of them. */
  transactGet(keys: readonly ItemKey[]): Promise<(Item | undefined)[]>;

  /** At most BATCH_GET_ITEMS_MAX keys. What did not fit into one answer is `left`, to be asked for again. */
  batchGet(keys: readonly ItemKey[]): Promise<{ items: Item[]; left: ItemKey[] }>;

  /** Replaces the whole item. */
  putItem(item: Item, condition?: Condition): Promise<void>;

  /** Creates the item where there is none. Returns it as it is afterwards. */
  updateItem(key: ItemKey, update: Update, condition?: Condition): Promise<Item>;

  /** All writes or none, on distinct items. Two calls with one token within ten minutes are one call. */
  transactWrite(writes: readonly TransactionWrite[], token: string): Promise<void>;
}

/** Partition key and sort key. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

export type Value = string | number | boolean | Uint8Array;

/** Attributes by name; `ttl` (epoch seconds) is when DynamoDB may delete it. */
export type Item = ItemKey & { readonly [name: string]: Value | undefined };

export interface TableQuery {
  partition: string;
  /** Only sort keys that start with this; not together with `to`. */
  prefix?: string;
  /** The first sort key, included. */
  from?: string;
  /** The last sort key, included. */
  to?: string;
  /** Only what is above this sort key: where the last page ended. */
  after?: string;
  /** At most so many items are looked at. */
  limit?: number;
}

export interface QueryPage {
  items: Item[];
  /** Where the page ended; absent when nothing follows. */
  next?: string;
}

/** What must hold of the item as it is before the write. */
export type Condition =
  /** There is no such item. */
  | { kind: 'absent' }
  | { kind: 'equals'; name: string; value: Value }
  | { kind: 'below' | 'above'; name: string; value: number }
  | { kind: 'missing'; name: string }
  | { kind: 'present'; name: string }
  | { kind: 'all' | 'any'; of: readonly Condition[] };

/** Right sides are evaluated on the item as it is before the update. */
export interface Update {
  set?: Readonly<Record<string, Value>>;
  /** Sets an attribute to the value of another, which must be there. */
  copy?: Readonly<Record<string, string>>;
  /** Adds to a number; where there is none, to `from`. */
  add?: Readonly<Record<string, { by: number; from: number }>>;
  remove?: readonly string[];
}

export type TransactionWrite =
  | { put: Item; condition?: Condition }
  | { update: Update; key: ItemKey; condition?: Condition };

export type TableErrorCode =
  /** The condition of a single write failed. Nothing was written. */
  | 'condition-failed'
  /** A transaction failed for `reasons`. Nothing was written by this request (an earlier copy of it may have been). */
  | 'cancelled'
  /** A transaction runs on the item. Nothing was written. */
  | 'conflict'
  /** Too many requests. Nothing was written. */
  | 'throttled'
  /** No answer, or an internal error: a write may have been applied, or may be yet. */
  | 'timed-out'
  /** The items are larger than DynamoDB takes. Nothing was written. */
  | 'too-large'
  /** The request cannot work: no such table, no permission, not well-formed. Nothing was written. */
  | 'refused';

/** Why one write of a cancelled transaction failed; `none` for those that did not. */
export type CancelReason = 'none' | 'condition-failed' | 'conflict' | 'throttled' | 'other';

export class TableError extends Error {
  readonly code: TableErrorCode;
  /** With `cancelled`: in the order of the writes. */
  readonly reasons: readonly CancelReason[];
  /** With `condition-failed` of `updateItem`: the item as it is, where there is one. */
  readonly item: Item | undefined;

  constructor(
    code: TableErrorCode,
    message: string,
    options: { reasons?: readonly CancelReason[]; item?: Item; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'TableError';
    this.code = code;
    this.reasons = options.reasons ?? [];
    this.item = options.item;
  }
}

export function isTableError(error: unknown, code?: TableErrorCode): error is TableError {
  return error instanceof TableError && (code === undefined || error.code === code);
}
