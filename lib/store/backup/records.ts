import { z } from 'zod';
import { KEY_SIZE_MAX_BYTES } from '../operations.js';
import { OBJECT_SIZE_MAX_BYTES, type StoredObject } from '../store.js';

/**
 * What a backup consists of, in this order: its description, secrets of the cluster, each collection followed by its objects in key order, and
 * an end that counts them. Each record is one byte that tells its kind, its length (u32), and so many bytes.
 */
export type BackupRecord =
  | ({ kind: 'description' } & BackupDescription)
  | { kind: 'secret'; name: string; text: string }
  | { kind: 'collection'; name: string; revision: number }
  | { kind: 'object'; object: StoredObject }
  | { kind: 'end'; collections: number; objects: number };

export interface BackupDescription {
  /** When the cut was made, by the clock of the machine that made it. */
  createdMs: number;
  /** Which adapter the store had. */
  store: string;
  /** The version of zeroplane that made it. */
  version: string;
}

const KINDS = ['description', 'secret', 'collection', 'object', 'end'] as const;
const HEADER_BYTES = 5;
const REVISION_BYTES = 6;
const KEY_LENGTH_BYTES = 2;

/** No record is longer: the largest object with its key. Texts stay far below. */
export const RECORD_SIZE_MAX_BYTES = OBJECT_SIZE_MAX_BYTES + KEY_SIZE_MAX_BYTES + REVISION_BYTES + KEY_LENGTH_BYTES;

const revision = z.number().int().nonnegative();
const texts = {
  description: z.object({ createdMs: z.number(), store: z.string(), version: z.string() }),
  secret: z.object({ name: z.string().regex(/^[a-z-]+\.(crt|key)$/), text: z.string() }),
  collection: z.object({ name: z.string().min(1), revision }),
  end: z.object({ collections: revision, objects: revision }),
};

export function encodeRecord(record: BackupRecord): Buffer {
  const payload = record.kind === 'object' ? encodeObject(record.object) : encodeText(record);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header[0] = KINDS.indexOf(record.kind);
  header.writeUInt32BE(payload.byteLength, 1);
  return Buffer.concat([header, payload]);
}

function encodeText(record: Exclude<BackupRecord, { kind: 'object' }>): Buffer {
  return Buffer.from(JSON.stringify({ ...record, kind: undefined }));
}

function encodeObject({ key, revision: at, body }: StoredObject): Buffer {
  const keyBytes = Buffer.from(key);
  const bytes = Buffer.allocUnsafe(REVISION_BYTES + KEY_LENGTH_BYTES);
  bytes.writeUIntBE(at, 0, REVISION_BYTES);
  bytes.writeUInt16BE(keyBytes.byteLength, REVISION_BYTES);
  return Buffer.concat([bytes, keyBytes, body]);
}

/** The records in a stream of bytes. Throws where they are not well-formed. */
export async function* decodeRecords(chunks: AsyncIterable<Buffer>): AsyncGenerator<BackupRecord, void, undefined> {
  let pending: Buffer[] = [];
  let length = 0;
  let wanted = HEADER_BYTES;
  for await (const chunk of chunks) {
    pending.push(chunk);
    length += chunk.byteLength;
    if (length < wanted) continue;
    let bytes = Buffer.concat(pending);
    for (;;) {
      wanted = bytes.byteLength < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + lengthOf(bytes);
      if (bytes.byteLength < wanted) break;
      yield decodeRecord(bytes[0] as number, bytes.subarray(HEADER_BYTES, wanted));
      bytes = bytes.subarray(wanted);
    }
    pending = [bytes];
    length = bytes.byteLength;
  }
  if (length > 0) throw new Error('the last record is not complete');
}

function lengthOf(header: Buffer): number {
  const length = header.readUInt32BE(1);
  if (length > RECORD_SIZE_MAX_BYTES) throw new Error(`a record says that it has ${length} bytes`);
  return length;
}

function decodeRecord(kindNumber: number, payload: Buffer): BackupRecord {
  const kind = KINDS[kindNumber];
  if (kind === undefined) throw new Error(`a record has the unknown kind ${kindNumber}`);
  if (kind === 'object') return { kind, object: decodeObject(payload) };
  const fields: unknown = JSON.parse(payload.toString());
  switch (kind) {
    case 'description':
      return { kind, ...texts.description.parse(fields) };
    case 'secret':
      return { kind, ...texts.secret.parse(fields) };
    case 'collection':
      return { kind, ...texts.collection.parse(fields) };
    case 'end':
      return { kind, ...texts.end.parse(fields) };
  }
}

function decodeObject(payload: Buffer): StoredObject {
  const keyStart = REVISION_BYTES + KEY_LENGTH_BYTES;
  const bodyStart = keyStart + payload.readUInt16BE(REVISION_BYTES);
  return {
    key: payload.toString('utf8', keyStart, bodyStart),
    revision: payload.readUIntBE(0, REVISION_BYTES),
    // A copy: the stream's buffer is shared by many, and stores may keep the body.
    body: Buffer.from(payload.subarray(bodyStart)),
  };
}
