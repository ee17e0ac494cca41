import { constants, createInflate, type Inflate } from 'node:zlib';
import { HEADER_DICTIONARY } from './dictionary.js';
import { SpdyError } from './errors.js';

/** By lower-case name. Names that come several times have their values joined by NUL, as the protocol has it. */
export type SpdyHeaders = Readonly<Record<string, string>>;

/** Headers that streams are opened with are short; a block that grows beyond this when it is unpacked is an attack. */
const BLOCK_MAX_BYTES = 64 * 1024;
const STORED_MAX_BYTES = 0xffff;

/**
 * The headers of one direction as one zlib stream. What is sent is stored, not compressed: the few headers of a connection are not worth the
 * work, stored blocks need no state, and any peer can read them.
 */
export class HeaderWriter {
  #isFirst = true;

  encode(headers: SpdyHeaders): Buffer {
    const block = encodeBlock(headers);
    const parts: Buffer[] = this.#isFirst ? [ZLIB_HEAD] : [];
    this.#isFirst = false;
    for (let at = 0; at < block.byteLength; at += STORED_MAX_BYTES) {
      const piece = block.subarray(at, at + STORED_MAX_BYTES);
      const head = Buffer.alloc(5);
      head.writeUInt16LE(piece.byteLength, 1);
      head.writeUInt16LE(~piece.byteLength & 0xffff, 3);
      parts.push(head, piece);
    }
    // As a flush ends: Go's inflater gives out what it has only at an empty block.
    parts.push(EMPTY_BLOCK);
    return Buffer.concat(parts);
  }
}

/** Unpacks the headers of one direction, which must be given in their order. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: HEADER_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  #unpacked: Buffer[] = [];
  #size = 0;

  constructor() {
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#size += chunk.byteLength;
      if (this.#size <= BLOCK_MAX_BYTES) this.#unpacked.push(chunk);
    });
    this.#inflate.on('error', () => undefined);
  }

  /** Rejects with a SpdyError when the bytes are no header block or too many. */
  async decode(packed: Uint8Array): Promise<SpdyHeaders> {
    this.#unpacked = [];
    this.#size = 0;
    const inflate = this.#inflate;
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new SpdyError('the headers cannot be unpacked'));
      inflate.once('error', fail).once('close', fail);
      inflate.write(packed);
      // Called when all that was written before it is unpacked.
      inflate.flush(constants.Z_SYNC_FLUSH, () => {
        inflate.off('error', fail).off('close', fail);
        resolve();
      });
    });
    if (this.#size > BLOCK_MAX_BYTES) throw new SpdyError(`headers of more than ${BLOCK_MAX_BYTES} bytes`);
    return decodeBlock(Buffer.concat(this.#unpacked));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

const EMPTY_BLOCK = Buffer.of(0, 0, 0, 0xff, 0xff);

/** CMF and FLG of RFC 1950 with FDICT, and the dictionary's Adler-32. */
const ZLIB_HEAD = Buffer.alloc(6);
ZLIB_HEAD.writeUInt16BE(0x78bb);
ZLIB_HEAD.writeUInt32BE(adler32(HEADER_DICTIONARY), 2);

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return ((b << 16) | a) >>> 0;
}

function encodeBlock(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts = [uint32(entries.length)];
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text, 'utf8');
      parts.push(uint32(bytes.byteLength), bytes);
    }
  }
  return Buffer.concat(parts);
}

function decodeBlock(block: Buffer): SpdyHeaders {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.byteLength) throw new SpdyError('a header block ends too early');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.byteLength) throw new SpdyError('a header block ends too early');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) {
    const name = text();
    headers.set(name, text());
  }
  return Object.fromEntries(headers);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
