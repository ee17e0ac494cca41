import { FIRST_REVISION } from '../store.js';
import { LOG_BUCKET_REVISIONS } from './limits.js';
import type { Item, ItemKey, Update, Value } from './table.js';

/**
 * Names and shapes of the items, as in the store protocol. `C` is `<cluster>/<collection>`:
 *
 *   head    C                          #head       next, closed, at, markRevision, markAt, isListed, floor
 *   object  C                          o/<key>     rev, at, body; a tombstone has `gone` and `ttl` instead of the body
 *   slot    C/log/<bucket>             <revision>  kind, at, ttl; of an event also key, op, type, was, wasLive, body
 *   chunk   C/chunks/<bucket>          <revision>/<index>   bytes; `ttl` once the object has moved on
 *   names   <cluster>/#collections     <collection>
 *   restore <cluster>/#restore         #restore    at; `ttl` once it has ended
 */

const OBJECT_PREFIX = 'o/';
/** As many digits as the largest safe integer has. */
const REVISION_DIGITS = 16;

export function headKey(partition: string): ItemKey {
  return { pk: partition, sk: '#head' };
}

export function objectKey(partition: string, key: string): ItemKey {
  return { pk: partition, sk: OBJECT_PREFIX + key };
}

export function slotKey(partition: string, revision: number): ItemKey {
  return { pk: logPartition(partition, logBucket(revision)), sk: revisionDigits(revision) };
}

export function logBucket(revision: number): number {
  return Math.floor(revision / LOG_BUCKET_REVISIONS);
}

export function logPartition(partition: string, bucket: number): string {
  return `${partition}/log/${bucket}`;
}

export function revisionDigits(revision: number): string {
  return String(revision).padStart(REVISION_DIGITS, '0');
}

export function chunkKeys(partition: string, revision: number, count: number): ItemKey[] {
  const pk = `${partition}/chunks/${logBucket(revision)}`;
  return Array.from({ length: count }, (_, index) => ({ pk, sk: `${revisionDigits(revision)}/${index}` }));
}

export function namesPartition(cluster: string): string {
  return `${cluster}/#collections`;
}

/** There while a restore of the cluster is under way, and after one that was cut short. */
export function restoreKey(cluster: string): ItemKey {
  return { pk: `${cluster}/#restore`, sk: '#restore' };
}

/** The head of a collection. */
export interface Head {
  /** The last revision handed out. */
  next: number;
  /** Every slot up to here is resolved, and every event up to here is visible in its object. A hint: may be lower than it could be. */
  closed: number;
  /** When the last revision was handed out. */
  atMs: number;
  /** All revisions up to `revision` were handed out at `atMs` or before. */
  mark: { revision: number; atMs: number };
  /** The collection is in the list of collections. */
  isListed: boolean;
  /** Where the log begins since the collection was restored: older positions are compacted. 0 without a restore. */
  floor: number;
}

export function readHead(item: Item | undefined): Head {
  const number = (name: string, missing: number): number => {
    const value = item?.[name];
    return typeof value === 'number' ? value : missing;
  };
  const none = FIRST_REVISION - 1;
  return {
    next: number('next', none),
    closed: number('closed', none),
    atMs: number('at', 0),
    mark: { revision: number('markRevision', none), atMs: number('markAt', 0) },
    isListed: item?.['isListed'] === true,
    floor: number('floor', 0),
  };
}

/** Takes revisions: one unconditional update. With `mark` the former end and its time become the mark, and the former mark is closed. */
export function takeRevisions(options: { count: number; atMs: number; listed: boolean; closed?: number }): Update {
  const { count, atMs, listed, closed } = options;
  const set: Record<string, Value> = { at: atMs };
  if (listed) set['isListed'] = true;
  if (closed !== undefined) set['closed'] = closed;
  return {
    set,
    add: { next: { by: count, from: FIRST_REVISION - 1 } },
    ...(closed === undefined ? {} : { copy: { markRevision: 'next', markAt: 'at' } }),
  };
}

export interface ObjectRecord {
  key: string;
  revision: number;
  isLive: boolean;
  atMs: number;
  item: Item;
}

export function readObject(item: Item): ObjectRecord {
  return {
    key: item.sk.slice(OBJECT_PREFIX.length),
    revision: Number(item['rev']),
    isLive: item['gone'] !== true,
    atMs: Number(item['at']),
    item,
  };
}

export type Slot =
  | { kind: 'event'; revision: number; atMs: number; operation: string; event: EventRecord }
  | { kind: 'void' | 'lost'; revision: number; atMs: number };

export interface EventRecord {
  key: string;
  revision: number;
  isDelete: boolean;
  /** The revision that it replaced, a tombstone's too; 0 when there was none. */
  was: number;
  wasLive: boolean;
  item: Item;
}

export function readSlot(item: Item): Slot {
  const revision = Number(item.sk);
  const atMs = Number(item['at']);
  if (item['kind'] === 'void' || item['kind'] === 'lost') return { kind: item['kind'], revision, atMs };
  const event: EventRecord = {
    key: String(item['key']),
    revision,
    isDelete: item['gone'] === true,
    was: Number(item['was']),
    wasLive: item['wasLive'] === true,
    item,
  };
  return { kind: 'event', revision, atMs, operation: String(item['op']), event };
}

/** A slot that holds no event, and keeps one from being written there. */
export function emptySlot(
  key: ItemKey,
  slot: { kind: 'void' | 'lost'; atMs: number; ttlMs: number; operation?: string },
): Item {
  return { ...key, kind: slot.kind, at: slot.atMs, ttl: ttlSeconds(slot.ttlMs) };
}

export function ttlSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
