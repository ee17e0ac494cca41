/**
 * The store port. Only the API server speaks to it.
 *
 * A collection is all objects of one group and resource in one cluster, named `<group>/<resource>`
 * with `core` for the empty group: `apps/deployments`, `core/pods`. Each has its own change log of dense
 * revisions: the first write of a collection gets revision FIRST_REVISION, each later one exactly one
 * more. A write of k objects takes k consecutive revisions.
 *
 * A key is `<namespace>/<name>`, or `<name>` for cluster-scoped kinds: well-formed Unicode of at most KEY_SIZE_MAX_BYTES
 * (operations.ts); a longer one is `too-large` to write and never found. Keys sort by their UTF-8 bytes.
 *
 * Errors: `StoreError` (see errors.ts), and nothing else, for what a caller can meet.
 */

/** An empty collection reports FIRST_REVISION - 1 = 1, so that no list ever reports 0. */
export const FIRST_REVISION = 2;

/**
 * An object as stored: its bytes are final and carry the revision as resourceVersion. Never written to, and perhaps a view of a
 * larger buffer: use `byteOffset` and `byteLength`, not `buffer` alone.
 */
export interface StoredObject {
  readonly key: string;
  readonly revision: number;
  readonly body: Uint8Array;
  /** What is shown is not what is stored: a write brings it up to date even when it changes nothing else. Stores themselves never say so. */
  readonly isStale?: boolean;
}

export interface ListOptions {
  /** Only keys that start with this. Default: all. */
  prefix?: string;
  /** At most this many objects; 0 or absent means all. */
  limit?: number;
  /** Where an earlier page ended. */
  continue?: ListPosition;
}

/** A page boundary: the snapshot's revision and the last key already answered. */
export interface ListPosition {
  revision: number;
  /** The next page starts above this key. */
  afterKey: string;
}

export interface ListResult {
  items: StoredObject[];
  /** The position in the log at which the list is exact. All pages of one list share it. */
  revision: number;
  /** Present when there is more. */
  continue?: ListPosition;
  /** How many objects follow this page, where the adapter knows; only with `continue`. */
  remaining?: number;
}

export interface WriteOperation {
  key: string;
  /** The object must have exactly this revision; `absent`: it must not exist. */
  expect: number | 'absent';
  /**
   * The new bytes, made from the revision they are stored under. For a delete: the object's last state,
   * which watchers get. Must be pure: an adapter may call it again with another revision.
   */
  body: (revision: number) => Uint8Array;
  delete?: boolean;
  /** Of an object of policy: changes only what nobody decides by (how much of a quota is used), so that no memory of it is out of date. */
  keepsPolicy?: boolean;
}

/** One event of the log. */
export interface ChangeEvent {
  readonly revision: number;
  readonly key: string;
  readonly type: 'created' | 'updated' | 'deleted';
  /** The bytes written; of a delete the last state. */
  readonly body: Uint8Array;
  /** The bytes this event replaced. Absent for `created`. */
  readonly previous?: Uint8Array;
}

export interface Changes {
  /** In order of revision, without gaps between `after` and `revision`. */
  events: ChangeEvent[];
  /** The log is known to be complete up to here. At least the last event's revision; equals `after` when nothing happened. */
  revision: number;
}

export interface Store {
  /** The newest bytes and revision, or undefined. Linearizable. */
  get(collection: string, key: string): Promise<StoredObject | undefined>;

  /**
   * A snapshot, in key order. Linearizable: every write acknowledged before the call is in it. With
   * `continue` it is the rest of the snapshot at `continue.revision`; `compacted` when the log no longer reaches back to it.
   */
  list(collection: string, options?: ListOptions): Promise<ListResult>;

  /**
   * The revision of the newest write of the collection (FIRST_REVISION - 1 when there is none). Linearizable. Also of POLICY_EPOCH, see there.
   */
  revision(collection: string): Promise<number>;

  /**
   * All operations or none, on distinct keys of one collection; at most WRITE_OPERATIONS_MAX.
   * Returns the revisions in the order of the operations; the call resolves only when the write is durable.
   * Throws `conflict` (with `keys`: those whose expectation failed), `too-large`, `unavailable` (not applied,
   * try later) or `unknown` (perhaps applied).
   */
  write(collection: string, operations: readonly WriteOperation[]): Promise<number[]>;

  /**
   * The events after a revision, at most `limit` of them (0 or absent: an adapter's own bound). Throws `compacted` when `after` is older
   * than what is kept. `after` in the future is answered with no events and `revision` = the newest one.
   */
  changes(collection: string, after: number, limit?: number): Promise<Changes>;

  /**
   * `changes` as an endless stream: yields batches (never an empty one, except that a batch without events may report a higher
   * `revision`) until `signal` aborts, which ends the iteration without an error.
   * Throws `compacted` when the reader fell behind what is kept.
   */
  watch(collection: string, after: number, signal: AbortSignal): AsyncIterable<Changes>;

  /** Names of the collections that hold, or held, objects. */
  collections(): Promise<string[]>;

  /** Flushes and releases everything. Later calls throw `unavailable`. */
  close(): Promise<void>;
}

/** What stores within one process offer beside the port: every committed event, in order within a collection, as it becomes readable. */
export interface ChangeFeed {
  /** Returns a function that ends the subscription. Listeners must not throw and must not wait. */
  subscribe(listener: (collection: string, events: readonly ChangeEvent[]) => void): () => void;
}

/** As many objects as one write may hold; what one DynamoDB transaction can carry with objects and log entries. */
export const WRITE_OPERATIONS_MAX = 40;

/** The largest body, as in etcd (1.5 MiB). */
export const OBJECT_SIZE_MAX_BYTES = 1_572_864;
