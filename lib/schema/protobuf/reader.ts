import { ProtobufError } from './errors.js';
import { PROTOBUF_DEPTH_MAX, PROTOBUF_MESSAGES_MAX } from './limits.js';
import { BYTES, END_GROUP, FIXED32, FIXED64, START_GROUP, VARINT } from './wire.js';

const TWO_TO_32 = 0x1_0000_0000;

/** Shared by the readers of one body. */
interface Budget {
  depth: number;
  messages: number;
}

/** Reads the protobuf encoding. Every length is checked against the enclosing message before it is used. */
export class Reader {
  position = 0;
  /** The end of the message being read. */
  end: number;
  private readonly bytes: Buffer;
  private readonly budget: Budget;
  /** The halves of the last varint. */
  private low = 0;
  private high = 0;

  constructor(bytes: Uint8Array, budget: Budget = { depth: 0, messages: 0 }) {
    this.budget = budget;
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** Reads a length, then calls `read` with `end` at the end of what it covers. */
  delimited<T>(read: () => T): T {
    const length = this.length();
    this.enter();
    const outer = this.end;
    this.end = this.position + length;
    const result = read();
    this.position = this.end;
    this.end = outer;
    this.budget.depth--;
    return result;
  }

  /** Reads other bytes of the same body, such as an object inside its envelope, under the same limits. */
  nested<T>(bytes: Uint8Array, read: (reader: Reader) => T): T {
    this.enter();
    const result = read(new Reader(bytes, this.budget));
    this.budget.depth--;
    return result;
  }

  private enter(): void {
    if (++this.budget.depth > PROTOBUF_DEPTH_MAX) {
      throw new ProtobufError(`messages are nested more than ${PROTOBUF_DEPTH_MAX} deep`);
    }
    if (++this.budget.messages > PROTOBUF_MESSAGES_MAX) {
      throw new ProtobufError(`the body has more than ${PROTOBUF_MESSAGES_MAX} messages`);
    }
  }

  /** Bytes without a length of their own; a view. */
  fixed(count: number): Buffer {
    this.need(count);
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }

  /** The next field's number times 8 plus its wire type. */
  tag(): number {
    this.varint();
    const tag = this.low;
    if (this.high !== 0 || tag >>> 3 === 0) {
      throw new ProtobufError(`illegal tag ${this.high * TWO_TO_32 + this.low} at byte ${this.position}`);
    }
    return tag;
  }

  bool(): boolean {
    this.varint();
    return this.low !== 0 || this.high !== 0;
  }

  int32(): number {
    this.varint();
    return this.low | 0;
  }

  /** A BigInt where a number would lose digits. */
  int64(): number | bigint {
    this.varint();
    const value = (this.high | 0) * TWO_TO_32 + this.low;
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.high | 0) << 32n) | BigInt(this.low);
  }

  double(): number {
    this.need(8);
    const value = this.bytes.readDoubleLE(this.position);
    this.position += 8;
    if (!Number.isFinite(value)) throw new ProtobufError(`the number ${value} cannot be represented in JSON`);
    return value;
  }

  string(): string {
    const length = this.length();
    const start = this.position;
    this.position += length;
    return this.bytes.toString('utf8', start, this.position);
  }

  /** A view on the body, not a copy. */
  raw(): Buffer {
    const length = this.length();
    const start = this.position;
    this.position += length;
    return this.bytes.subarray(start, this.position);
  }

  skip(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.varint();
        return;
      case FIXED64:
        this.need(8);
        this.position += 8;
        return;
      case FIXED32:
        this.need(4);
        this.position += 4;
        return;
      case BYTES:
        this.raw();
        return;
      case START_GROUP:
        this.skipGroup();
        return;
      default:
        throw new ProtobufError(`illegal wire type ${wireType} at byte ${this.position}`);
    }
  }

  /** Groups are long out of use; nested ones are counted, not recursed into. */
  private skipGroup(): void {
    for (let open = 1; open > 0;) {
      const wireType = this.tag() & 7;
      if (wireType === START_GROUP) open++;
      else if (wireType === END_GROUP) open--;
      else this.skip(wireType);
    }
  }

  private length(): number {
    this.varint();
    if (this.high !== 0 || this.low > this.end - this.position) {
      throw new ProtobufError(`unexpected end of data: a length at byte ${this.position} reaches beyond its message`);
    }
    return this.low;
  }

  private need(count: number): void {
    if (this.end - this.position < count) {
      throw new ProtobufError(`unexpected end of data at byte ${this.position}`);
    }
  }

  private varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw new ProtobufError(`unexpected end of data at byte ${this.position}`);
      const byte = this.bytes[this.position++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new ProtobufError(`an integer at byte ${this.position} has more than 64 bits`);
  }
}
