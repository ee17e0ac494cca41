import { parseIp } from '../../lib/net/ip.js';
import { UDP_BYTES_MAX } from './limits.js';
import type { Query } from './message.js';
import { CLASS_IN, TYPE, type Answer, type DnsRecord, type RecordData } from './records.js';
import { FLAG, HEADER_BYTES, LABEL_BYTES_MAX, OPT_BYTES, POINTER, POINTER_MAX } from './wire.js';

/**
 * @param bytesMax answers that do not fit are left out and the message is marked as truncated, so that the client asks over TCP; additional
 * records are left out silently.
 */
export function encodeAnswer(query: Query, answer: Answer, bytesMax: number): Buffer {
  const optBytes = query.edns === undefined ? 0 : OPT_BYTES;
  const writer = new Writer(query, bytesMax - optBytes);
  const isWhole = writer.section(6, answer.answers) && writer.section(8, answer.authority);
  if (isWhole) writer.section(10, answer.additional);
  let flags = FLAG.response | FLAG.available | (query.flags & FLAG.recursion) | (query.opcode << 11);
  if (answer.authoritative) flags |= FLAG.authoritative;
  if (!isWhole || answer.truncated) flags |= FLAG.truncated;
  return writer.finish(flags | (answer.rcode & 0xf), optBytes > 0 ? answer.rcode >> 4 : undefined);
}

/** Writes records after a question, as many as fit. */
class Writer {
  readonly #bytesMax: number;
  #bytes: Buffer;
  #length: number;
  /** Where a name, or the end of one, has been written. */
  readonly #names = new Map<string, number>();

  constructor(query: Query, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = Buffer.allocUnsafe(Math.min(bytesMax, 1024) + OPT_BYTES);
    this.#bytes.fill(0, 0, HEADER_BYTES);
    this.#bytes.writeUInt16BE(query.id, 0);
    this.#bytes.writeUInt16BE(1, 4);
    query.question.copy(this.#bytes, HEADER_BYTES);
    this.#length = HEADER_BYTES + query.question.length;
    if (query.name !== undefined) this.#remember(query.name, HEADER_BYTES);
  }

  /** False when not all fitted. `countAt` is the place of the section's count in the header. */
  section(countAt: number, records: readonly DnsRecord[]): boolean {
    for (const [index, record] of records.entries()) {
      const before = this.#length;
      this.#record(record);
      if (this.#length > this.#bytesMax) {
        this.#length = before;
        this.#bytes.writeUInt16BE(index, countAt);
        return false;
      }
    }
    this.#bytes.writeUInt16BE(records.length, countAt);
    return true;
  }

  finish(flags: number, extendedRcode: number | undefined): Buffer {
    this.#bytes.writeUInt16BE(flags, 2);
    if (extendedRcode !== undefined) {
      this.#reserve(OPT_BYTES);
      this.#bytes.fill(0, this.#length, this.#length + OPT_BYTES);
      this.#bytes.writeUInt16BE(TYPE.OPT, this.#length + 1);
      this.#bytes.writeUInt16BE(UDP_BYTES_MAX, this.#length + 3);
      this.#bytes.writeUInt8(extendedRcode, this.#length + 5);
      this.#bytes.writeUInt16BE(this.#bytes.readUInt16BE(10) + 1, 10);
      this.#length += OPT_BYTES;
    }
    return this.#bytes.subarray(0, this.#length);
  }

  #record({ name, ttlSeconds, data }: DnsRecord): void {
    this.#name(name, true);
    this.#uint16(data.type);
    this.#uint16(CLASS_IN);
    this.#uint32(ttlSeconds);
    const lengthAt = this.#length;
    this.#uint16(0);
    this.#data(data);
    this.#bytes.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
  }

  #data(data: RecordData): void {
    switch (data.type) {
      case TYPE.A:
      case TYPE.AAAA:
        return this.#address(data.address);
      case TYPE.TXT:
        this.#reserve(256);
        this.#bytes.writeUInt8(Math.min(data.text.length, 255), this.#length++);
        this.#length += this.#bytes.write(data.text.slice(0, 255), this.#length, 'latin1');
        return;
      case TYPE.SRV:
        this.#uint16(data.priority);
        this.#uint16(data.weight);
        this.#uint16(data.port);
        // RFC 2782: not compressed.
        return this.#name(data.target, false);
      case TYPE.SOA:
        this.#name(data.primary, true);
        this.#name(data.mailbox, true);
        for (const seconds of [data.serial, 7200, 1800, 86_400, data.minimumSeconds]) this.#uint32(seconds);
        return;
      default:
        return this.#name(data.target, true);
    }
  }

  #address(text: string): void {
    const ip = parseIp(text);
    const hex = (ip?.value ?? 0n).toString(16).padStart(ip?.family === 'IPv6' ? 32 : 8, '0');
    this.#reserve(16);
    this.#length += this.#bytes.write(hex, this.#length, 'hex');
  }

  #name(name: string, mayPoint: boolean): void {
    let rest = name;
    while (rest !== '') {
      const known = mayPoint ? this.#names.get(rest) : undefined;
      if (known !== undefined) return this.#uint16((POINTER << 8) | known);
      // What is taken back because it does not fit is never pointed to: nothing is written after it.
      if (this.#length <= POINTER_MAX) this.#names.set(rest, this.#length);
      const dot = rest.indexOf('.');
      const label = dot < 0 ? rest : rest.slice(0, dot);
      this.#reserve(LABEL_BYTES_MAX + 1);
      this.#bytes.writeUInt8(label.length, this.#length++);
      this.#length += this.#bytes.write(label, this.#length, 'latin1');
      rest = dot < 0 ? '' : rest.slice(dot + 1);
    }
    this.#reserve(1);
    this.#bytes.writeUInt8(0, this.#length++);
  }

  #remember(name: string, start: number): void {
    let offset = start;
    let rest = name;
    while (rest !== '') {
      if (!this.#names.has(rest)) this.#names.set(rest, offset);
      const dot = rest.indexOf('.');
      if (dot < 0) return;
      offset += dot + 1;
      rest = rest.slice(dot + 1);
    }
  }

  #uint16(value: number): void {
    this.#reserve(2);
    this.#length = this.#bytes.writeUInt16BE(value, this.#length);
  }

  #uint32(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeUInt32BE(value, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length + count);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
