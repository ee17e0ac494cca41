import { StoreError } from '../errors.js';
import type { WriteOperation } from '../store.js';
import { chunkCount, packBody, packPrevious, unpackBody } from './body.js';
import type { PackedBody } from './body.js';
import type { StoreContext } from './context.js';
import { chunkKeys, objectKey, slotKey, ttlSeconds } from './items.js';
import type { ObjectRecord } from './items.js';
import { TOMBSTONE_LIFE_RETENTIONS, TRANSACTION_ITEMS_MAX } from './limits.js';
import type { Condition, Item, ItemKey, TransactionWrite, Value } from './table.js';

/** Revisions handed out to one attempt of a write, and the name under which it is known. */
export interface Reservation {
  readonly first: number;
  readonly count: number;
  /** The writer's clock when they were taken. */
  readonly atMs: number;
  readonly operation: string;
}

/** What an operation found under its key: an object, a tombstone, or nothing. */
export type Found = ObjectRecord | undefined;

/**
 * The transaction of a write: for each operation the object, or its tombstone, if its revision is still the one read; the event, if its
 * slot is empty; and chunks where the body is large.
 */
export function buildTransaction(
  context: StoreContext,
  write: {
    collection: string;
    operations: readonly WriteOperation[];
    /** Made for the revisions of the reservation. */
    bodies: readonly Uint8Array[];
    found: readonly Found[];
    reservation: Reservation;
  },
): TransactionWrite[] {
  const { collection, operations, bodies, found, reservation } = write;
  const partition = context.partition(collection);
  const writes = operations.flatMap((operation, index): TransactionWrite[] => {
    const revision = reservation.first + index;
    const before = found[index];
    const body = bodies[index] as Uint8Array;
    const packed = packBody(body);
    const isDelete = operation.delete === true;
    const { atMs } = reservation;
    const goneTtl = ttlSeconds(atMs + context.retentionMs * TOMBSTONE_LIFE_RETENTIONS);
    const logTtl = ttlSeconds(context.logTtlMs(atMs));
    const state = isDelete ? { gone: true, ttl: goneTtl } : packed.attributes;
    const key = objectKey(partition, operation.key);
    return [
      { put: { ...key, rev: revision, at: atMs, ...state }, condition: unchanged(before) },
      {
        put: {
          ...slotKey(partition, revision),
          kind: 'event',
          key: operation.key,
          op: reservation.operation,
          at: atMs,
          ttl: logTtl,
          was: before?.revision ?? 0,
          wasLive: before?.isLive === true,
          ...(isDelete ? { gone: true } : {}),
          ...packed.attributes,
          ...previousOf(before, { body, packed, nowMs: atMs, retentionMs: context.retentionMs }),
        },
        condition: { kind: 'absent' },
      },
      ...chunkKeys(partition, revision, packed.chunks.length).map((chunkKey, at) => ({
        put: {
          ...chunkKey,
          bytes: packed.chunks[at] as Uint8Array,
          ...(isDelete ? { ttl: logTtl } : {}),
        } satisfies Item,
      })),
      ...formerChunks(partition, before).map((chunkKey) => ({ key: chunkKey, update: { set: { ttl: logTtl } } })),
    ];
  });
  if (writes.length > TRANSACTION_ITEMS_MAX) {
    const keys = operations.map(({ key }) => key);
    throw new StoreError('too-large', `${keys.length} objects, some of them large, do not fit into one write`, {
      keys,
    });
  }
  return writes;
}

/** tombstone: absence counts as a revision that nothing has, a tombstone as its own, also for creates. */
function unchanged(before: Found): Condition {
  return before === undefined ? { kind: 'absent' } : { kind: 'equals', name: 'rev', value: before.revision };
}

/** The chunks of a revision that is replaced: from now on only its event needs them. */
function formerChunks(partition: string, before: Found): ItemKey[] {
  return before?.isLive === true ? chunkKeys(partition, before.revision, chunkCount(before.item)) : [];
}

/**
 * How the event tells what it replaced: the chunks that hold it; itself, when the event that wrote it may expire earlier than this
 * one, or when that costs nothing; otherwise not at all, for it can be read in that event.
 */
function previousOf(
  before: Found,
  now: { body: Uint8Array; packed: PackedBody; nowMs: number; retentionMs: number },
): Readonly<Record<string, Value>> {
  if (before?.isLive !== true) return {};
  if (chunkCount(before.item) > 0) return { pn: chunkCount(before.item), pnz: before.item['nz'] === true };
  const isNeeded = before.atMs < now.nowMs - now.retentionMs;
  return packPrevious(unpackBody(before.item), { body: now.body, packed: now.packed, isNeeded }) ?? {};
}
