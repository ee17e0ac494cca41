import { BYTES, FIXED64, VARINT } from './wire.js';

const INITIAL_BYTES = 512;
const VARINT_BYTES_MAX = 10;
const NEGATIVE_TO_UNSIGNED = 1n << 64n;

/**
 * Writes the protobuf encoding from the end to the start, so that the length of a message is known when its prefix is
 * written: callers write last fields first.
 */
export class BackwardWriter {
  private buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  /** Where the written part begins. */
  private start = INITIAL_BYTES;

  /** What was written so far; a copy. */
  result(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.buffer, this.start);
  }

  get size(): number {
    return this.buffer.length - this.start;
  }

  /** A message or an entry: `write` fills it. */
  delimited(number: number, write: () => void): void {
    const before = this.size;
    write();
    this.varint(this.size - before);
    this.tag(number, BYTES);
  }

  /** What stands before a field of so many bytes that are written elsewhere. */
  lengthOf(number: number, bytes: number): void {
    this.varint(bytes);
    this.tag(number, BYTES);
  }

  bytes(number: number, value: Uint8Array): void {
    this.prepend(value);
    this.varint(value.length);
    this.tag(number, BYTES);
  }

  string(number: number, value: string): void {
    const length = Buffer.byteLength(value, 'utf8');
    this.reserve(length);
    this.start -= length;
    this.buffer.write(value, this.start, 'utf8');
    this.varint(length);
    this.tag(number, BYTES);
  }

  integer(number: number, value: number | bigint): void {
    this.varint(value);
    this.tag(number, VARINT);
  }

  double(number: number, value: number): void {
    const encoded = Buffer.alloc(8);
    encoded.writeDoubleLE(value);
    this.prepend(encoded);
    this.tag(number, FIXED64);
  }

  prepend(value: Uint8Array): void {
    this.reserve(value.length);
    this.start -= value.length;
    this.buffer.set(value, this.start);
  }

  private tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType);
  }

  private varint(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value > 0x7fff_ffff) {
      this.longVarint(value);
      return;
    }
    this.reserve(VARINT_BYTES_MAX);
    let length = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
    this.start -= length;
    let at = this.start;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.buffer[at++] = (rest & 0x7f) | 0x80;
    this.buffer[at] = rest;
  }

  private longVarint(value: number | bigint): void {
    const bytes: number[] = [];
    let rest = BigInt(value);
    if (rest < 0n) rest += NEGATIVE_TO_UNSIGNED;
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.prepend(Uint8Array.from(bytes));
  }

  private reserve(count: number): void {
    if (count <= this.start) return;
    const size = this.size;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, size + count));
    this.buffer.copy(grown, grown.length - size, this.start);
    this.buffer = grown;
    this.start = grown.length - size;
  }
}
