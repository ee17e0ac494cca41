import { KEY_SIZE_MAX_BYTES } from '../operations.js';
import type { ChangeEvent, StoredObject } from '../store.js';

/**
 * The bytes in the data file. Integers are big-endian, so that keys sort by them; revisions and times have 48 bits.
 *
 *   collections  name                      -> id u32, revision, compacted, objects
 *   objects      id u32, key               -> revision, body
 *   log          id u32, revision          -> type u8, previous revision (0: none), time, key
 *   bodies       id u32, revision          -> body
 *
 * `objects` holds the present, so that a get is one lookup and a list one range. `bodies` holds what events still need and
 * `objects` no longer has: a body moves there when an event replaces it, and the last state of a deleted object is there
 * from the start. Both go when the log drops that event. So every body is in exactly one place.
 */

const ID_BYTES = 4;
const U48_BYTES = 6;
const LOG_HEADER_BYTES = 1 + U48_BYTES + U48_BYTES;

const EVENT_TYPES = ['created', 'updated', 'deleted'] as const;

export interface CollectionRecord {
  id: number;
  revision: number;
  /** Events up to here are gone from the log; 0 while none is. */
  compacted: number;
  objects: number;
}

export interface LogRecord {
  type: ChangeEvent['type'];
  /** The revision of what the event replaced; 0 when there was nothing. */
  previousRevision: number;
  timeMs: number;
  key: string;
}

export function encodeCollection(record: CollectionRecord): Buffer {
  const bytes = Buffer.allocUnsafe(ID_BYTES + 3 * U48_BYTES);
  let offset = bytes.writeUInt32BE(record.id);
  for (const value of [record.revision, record.compacted, record.objects])
    offset = bytes.writeUIntBE(value, offset, U48_BYTES);
  return bytes;
}

export function decodeCollection(bytes: Buffer): CollectionRecord {
  const u48 = (index: number): number => bytes.readUIntBE(ID_BYTES + index * U48_BYTES, U48_BYTES);
  return { id: bytes.readUInt32BE(0), revision: u48(0), compacted: u48(1), objects: u48(2) };
}

export function objectKey(id: number, key: string): Buffer {
  const bytes = Buffer.allocUnsafe(ID_BYTES + Buffer.byteLength(key));
  bytes.writeUInt32BE(id);
  bytes.write(key, ID_BYTES);
  return bytes;
}

export function decodeObjectKey(bytes: Buffer): string {
  return bytes.toString('utf8', ID_BYTES);
}

/**
 * The first possible key above `key`, as the inclusive start of a range. Of a key longer than any stored one (it may come from a
 * forged page token) the start says enough.
 */
export function objectKeyAfter(id: number, key: string): Buffer {
  return Buffer.concat([objectKey(id, key).subarray(0, ID_BYTES + KEY_SIZE_MAX_BYTES), ZERO]);
}

/** Above all keys that start with `prefix`, as the exclusive end of a range: no UTF-8 byte is 0xff. */
export function objectKeyPrefixEnd(id: number, prefix: string): Buffer {
  return Buffer.concat([objectKey(id, prefix), HIGHEST]);
}

const ZERO = Buffer.of(0x00);
const HIGHEST = Buffer.of(0xff);

export function revisionKey(id: number, revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(ID_BYTES + U48_BYTES);
  bytes.writeUInt32BE(id);
  bytes.writeUIntBE(revision, ID_BYTES, U48_BYTES);
  return bytes;
}

export function decodeRevisionKey(bytes: Buffer): number {
  return bytes.readUIntBE(ID_BYTES, U48_BYTES);
}

export function encodeObject(revision: number, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(U48_BYTES + body.byteLength);
  bytes.writeUIntBE(revision, 0, U48_BYTES);
  bytes.set(body, U48_BYTES);
  return bytes;
}

export function decodeObject(key: string, bytes: Buffer): StoredObject {
  return { key, revision: bytes.readUIntBE(0, U48_BYTES), body: bytes.subarray(U48_BYTES) };
}

export function encodeLog(record: LogRecord): Buffer {
  const bytes = Buffer.allocUnsafe(LOG_HEADER_BYTES + Buffer.byteLength(record.key));
  bytes[0] = EVENT_TYPES.indexOf(record.type);
  bytes.writeUIntBE(record.previousRevision, 1, U48_BYTES);
  bytes.writeUIntBE(Math.max(0, Math.floor(record.timeMs)), 1 + U48_BYTES, U48_BYTES);
  bytes.write(record.key, LOG_HEADER_BYTES);
  return bytes;
}

export function decodeLog(bytes: Buffer): LogRecord {
  const type = EVENT_TYPES[bytes[0] as number];
  if (type === undefined) throw new Error(`the log holds an event of unknown type ${bytes[0]}`);
  return {
    type,
    previousRevision: bytes.readUIntBE(1, U48_BYTES),
    timeMs: bytes.readUIntBE(1 + U48_BYTES, U48_BYTES),
    key: bytes.toString('utf8', LOG_HEADER_BYTES),
  };
}
