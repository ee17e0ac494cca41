import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { CHUNK_SIZE_BYTES, COMPRESS_MIN_BYTES, INLINE_BODY_MAX_BYTES } from './limits.js';
import type { Item, Value } from './table.js';

/** The window of deflate; more of a dictionary is not looked at. */
const DICTIONARY_MAX_BYTES = 32 * 1_024;
/** Compression that saves less than this part is not worth its time when the body is read. */
const SAVING_MIN_PART = 0.1;
/** About what an item holds beside its body. */
const ITEM_OVERHEAD_BYTES = 160;
const WRITE_UNIT_BYTES = 1_024;

/** A body as it is stored: as it was (`b`), deflated (`z`), or in chunks of either (`n`, how many). */
export interface PackedBody {
  /** Attributes of the item that holds the body, or that says where it is. */
  readonly attributes: Readonly<Record<string, Value>>;
  /** What lies beside, in order; empty for most. */
  readonly chunks: readonly Uint8Array[];
}

/** Compresses where that saves units, and splits what is too large for one item. */
export function packBody(body: Uint8Array): PackedBody {
  const deflated = body.byteLength < COMPRESS_MIN_BYTES ? undefined : deflateRawSync(body);
  const isSmaller = deflated !== undefined && deflated.byteLength < body.byteLength * (1 - SAVING_MIN_PART);
  const bytes = isSmaller ? deflated : body;
  if (bytes.byteLength <= INLINE_BODY_MAX_BYTES)
    return { attributes: isSmaller ? { z: bytes } : { b: bytes }, chunks: [] };
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += CHUNK_SIZE_BYTES)
    chunks.push(bytes.subarray(at, Math.min(bytes.byteLength, at + CHUNK_SIZE_BYTES)));
  return { attributes: { n: chunks.length, nz: isSmaller }, chunks };
}

/** How many chunks an item's body lies in; 0 when it is in the item. */
export function chunkCount(item: Item): number {
  return typeof item['n'] === 'number' ? item['n'] : 0;
}

/** The body of an item that holds it, or of its chunks. */
export function unpackBody(item: Item, chunks: readonly Uint8Array[] = []): Uint8Array {
  if (item['b'] instanceof Uint8Array) return item['b'];
  if (item['z'] instanceof Uint8Array) return inflateRawSync(item['z']);
  const bytes = Buffer.concat(chunks);
  return item['nz'] === true ? inflateRawSync(bytes) : bytes;
}

/**
 * The replaced body beside the new one, written as its difference to it (the new one is the dictionary): attribute `pz`. Undefined when
 * it need not be there and would cost another write unit.
 */
export function packPrevious(
  previous: Uint8Array,
  beside: { body: Uint8Array; packed: PackedBody; isNeeded: boolean },
): Readonly<Record<string, Value>> | undefined {
  const dictionary = dictionaryOf(beside.body);
  const bytes = deflateRawSync(previous, dictionary === undefined ? {} : { dictionary });
  const { b, z } = beside.packed.attributes;
  const own = ITEM_OVERHEAD_BYTES + ([b, z].find((value) => value instanceof Uint8Array)?.byteLength ?? 0);
  const isFree = Math.ceil((own + bytes.byteLength) / WRITE_UNIT_BYTES) <= Math.ceil(own / WRITE_UNIT_BYTES);
  return isFree || beside.isNeeded ? { pz: bytes } : undefined;
}

/** What `packPrevious` put there. */
export function unpackPrevious(bytes: Uint8Array, body: Uint8Array): Uint8Array {
  const dictionary = dictionaryOf(body);
  return inflateRawSync(bytes, dictionary === undefined ? {} : { dictionary });
}

function dictionaryOf(body: Uint8Array): Uint8Array | undefined {
  return body.byteLength === 0 ? undefined : body.subarray(0, DICTIONARY_MAX_BYTES);
}
