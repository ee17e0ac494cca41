/** Every bound of the DynamoDB adapter. `checkRelations` in limits.test.ts holds those between them. */

/** DynamoDB's own: items of one transaction. */
export const TRANSACTION_ITEMS_MAX = 100;
/** DynamoDB's own: bytes of all items of one transaction. */
export const TRANSACTION_SIZE_MAX_BYTES = 4 * 1_024 * 1_024;
/** DynamoDB's own: keys of one BatchGetItem. */
export const BATCH_GET_ITEMS_MAX = 100;
/** DynamoDB's own: one item with the names of its attributes. */
export const ITEM_SIZE_MAX_BYTES = 400 * 1_024;

/** A body up to this size lies in its item. An event may hold two of them: the new one and what it replaced. */
export const INLINE_BODY_MAX_BYTES = 180 * 1_024;
/** A larger one is split into items of this size; four of them hold the largest object there may be. */
export const CHUNK_SIZE_BYTES = 390 * 1_024;
/** Bodies shorter than this are not worth compressing. */
export const COMPRESS_MIN_BYTES = 400;
/** The longest key, in UTF-8 bytes: DynamoDB's sort keys hold 1,024, of which some are ours. */
export const OBJECT_KEY_MAX_BYTES = 1_022;

/** Log slots of one partition key. It spreads storage and reads of the past, not the tail. */
export const LOG_BUCKET_REVISIONS = 1_000;
/** So many slots are answered by one call of `changes` that names no limit. */
export const CHANGES_SLOTS_MAX = 500;

/** How long one request to DynamoDB may take. */
export const REQUEST_TIMEOUT_MS = 1_500;
/** How long a reader waits for a slot whose revision has been handed out; above the writers' request time-out. */
export const GRACE_MS = 2_000;
/** A write that has not succeeded after so long gives up. */
export const WRITE_DEADLINE_MS = 8_000;
/** How much longer it may take to find out what became of the last attempt. */
export const RESOLVE_DEADLINE_MS = 4_000;
/** Reads that meet throttling or time-outs give up after so long; above the grace period. */
export const READ_DEADLINE_MS = 10_000;

/** How long a cut through all collections may be tried for. */
export const CUT_DEADLINE_MS = 60_000;
/** Collections read at one time for a cut. */
export const CUT_LISTS_MAX = 8;
/** Items written at one time by a restore. */
export const RESTORE_PUTS_MAX = 24;
/** How long a restore may take for one item. */
export const RESTORE_DEADLINE_MS = 60_000;

/** A list of many pages may take so long. */
export const LIST_DEADLINE_MS = 30_000;

/** How long events are readable. */
export const RETENTION_DEFAULT_MS = 30 * 60 * 1_000;
/** Log slots live so many retentions: what an event replaced, when it was young then, must be readable as long as the event. */
export const LOG_LIFE_RETENTIONS = 3;
/** Tombstones live so many retentions: longer than any event of their object. */
export const TOMBSTONE_LIFE_RETENTIONS = 10;
/** A void needs a proof not older than this part of the retention. */
export const PROOF_AGE_PART = 1 / 2;
/** Events younger than this part of the retention are folded into pages; older ones are in them. */
export const YOUNG_AGE_PART = 1 / 2;
/** A writer drops a revision that it holds for longer than this part of the retention. */
export const REVISION_AGE_PART = 1 / 20;
/** A list that takes longer than this part of the retention starts again. */
export const LIST_AGE_PART = 1 / 4;
export const LIST_ATTEMPTS_MAX = 3;

/** A list moves the closed hint when it had to read so many slots. */
export const CLOSED_HINT_LAG_SLOTS = 32;

/** Between two attempts: up to this, doubled each time, at random. */
export const BACKOFF_FIRST_MS = 10;
export const BACKOFF_MAX_MS = 500;
/** What a client is told to wait after `unavailable`. */
export const RETRY_AFTER_MS = 1_000;

/** How often a gap is looked at again. */
export const GAP_POLL_MS = 50;
/** A watch polls the head so often right after an event, and ever more rarely while nothing happens. */
export const WATCH_POLL_FIRST_MS = 50;
export const WATCH_POLL_MAX_MS = 1_000;

/** Heartbeats: how far the clocks of two writers may differ; what is younger is not told to watches yet. */
export const HEARTBEAT_SKEW_MS = 2_000;
/** Heartbeats: how often a watch looks. */
export const HEARTBEAT_WATCH_POLL_MS = 5_000;
/** Heartbeats: how long deleted ones are remembered. */
export const HEARTBEAT_TOMBSTONE_MS = 60 * 60 * 1_000;
