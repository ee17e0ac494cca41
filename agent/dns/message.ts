import { formatIp } from '../../lib/net/ip.js';
import { CLASS_IN, RCODE, TYPE, type DnsRecord, type RecordData } from './records.js';
import { UDP_BYTES_DEFAULT, UDP_BYTES_MAX } from './limits.js';
import { FLAG, HEADER_BYTES, LABEL_BYTES_MAX, NAME_BYTES_MAX, OPT_BYTES, POINTER, POINTER_MAX } from './wire.js';

/** A question with one name, as clients send it. */
export interface Query {
  id: number;
  opcode: number;
  /** Recursion desired, authentic data, checking disabled: as they came. */
  flags: number;
  /** In lower case, without a closing dot; undefined when a label has a dot or a byte in it that no name of ours has. */
  name: string | undefined;
  type: number;
  class: number;
  /** Name, type and class as they came: an answer repeats them to the letter. */
  question: Buffer;
  edns?: { udpBytes: number; version: number; dnssecOk: boolean };
}

/** The message cannot be read. `id` is that of an answer, undefined when there should be none. */
export class MessageError extends Error {
  readonly code = 'dns-message';
  readonly id: number | undefined;

  constructor(message: string, id?: number) {
    super(message);
    this.name = 'MessageError';
    this.id = id;
  }
}

/** @throws MessageError */
export function decodeQuery(bytes: Buffer): Query {
  if (bytes.length < HEADER_BYTES) throw new MessageError('shorter than a header');
  const flags = bytes.readUInt16BE(2);
  // Answering an answer makes two servers talk for ever.
  if ((flags & FLAG.response) !== 0) throw new MessageError('not a question');
  const id = bytes.readUInt16BE(0);
  if (bytes.readUInt16BE(4) !== 1) throw new MessageError('not exactly one question', id);
  try {
    const { name, end } = readQuestionName(bytes);
    const question = bytes.subarray(HEADER_BYTES, end + 4);
    const query: Query = {
      id,
      opcode: (flags >> 11) & 0xf,
      flags: flags & 0x0130,
      name,
      type: bytes.readUInt16BE(end),
      class: bytes.readUInt16BE(end + 2),
      question,
    };
    const edns = findEdns(bytes, end + 4);
    if (edns !== undefined) query.edns = edns;
    return query;
  } catch (error) {
    if (error instanceof MessageError) throw new MessageError(error.message, id);
    throw new MessageError('ends early', id);
  }
}

/** The most bytes that the client of `query` takes in one datagram. */
export function udpBytesOf(query: Query): number {
  return Math.min(Math.max(query.edns?.udpBytes ?? 0, UDP_BYTES_DEFAULT), UDP_BYTES_MAX);
}

/** An answer to a message that could not be read. */
export function encodeFormatError(id: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(FLAG.response | FLAG.available | RCODE.FORMERR, 2);
  return bytes;
}

/** A question for an upstream server. */
export function encodeUpstreamQuery(query: Query, id: number, udpBytes: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(query.flags | FLAG.recursion, 2);
  head.writeUInt16BE(1, 4);
  if (query.edns === undefined) return Buffer.concat([head, query.question]);
  head.writeUInt16BE(1, 10);
  const opt = Buffer.alloc(OPT_BYTES);
  opt.writeUInt16BE(TYPE.OPT, 1);
  opt.writeUInt16BE(udpBytes, 3);
  if (query.edns.dnssecOk) opt.writeUInt16BE(0x8000, 7);
  return Buffer.concat([head, query.question, opt]);
}

/** The wire form of a question of our own. */
export function questionOf(name: string, type: number): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.from([0, type >> 8, type & 0xff, 0, CLASS_IN])]);
}

/** What there is to know about an upstream answer that is passed on as it is. */
export interface UpstreamAnswer {
  id: number;
  rcode: number;
  truncated: boolean;
  question: Buffer;
  /** Where the times to live stand. */
  ttlOffsets: number[];
  /** The shortest of them; of a negative answer what its SOA allows. Undefined: it is not to be kept. */
  keepSeconds: number | undefined;
  /** Records of the kinds that stand in answers to clients of ours. */
  answers: DnsRecord[];
}

/** @throws MessageError for what is no complete answer. */
export function decodeUpstream(bytes: Buffer): UpstreamAnswer {
  try {
    return readUpstream(bytes);
  } catch (error) {
    throw error instanceof MessageError ? error : new MessageError('ends early');
  }
}

function readUpstream(bytes: Buffer): UpstreamAnswer {
  const flags = bytes.readUInt16BE(2);
  if ((flags & FLAG.response) === 0) throw new MessageError('not an answer');
  if (bytes.readUInt16BE(4) !== 1) throw new MessageError('not exactly one question');
  const { end } = readQuestionName(bytes);
  const rcode = flags & 0xf;
  const counts = [6, 8, 10].map((offset) => bytes.readUInt16BE(offset));
  const result: UpstreamAnswer = {
    id: bytes.readUInt16BE(0),
    rcode,
    truncated: (flags & FLAG.truncated) !== 0,
    question: bytes.subarray(HEADER_BYTES, end + 4),
    ttlOffsets: [],
    keepSeconds: undefined,
    answers: [],
  };
  let offset = end + 4;
  let shortest = Infinity;
  let negativeSeconds: number | undefined;
  for (const [section, count] of counts.entries()) {
    for (let index = 0; index < count; index++) {
      const record = readRecord(bytes, offset);
      offset = record.end;
      if (record.type === TYPE.OPT) continue;
      result.ttlOffsets.push(record.ttlOffset);
      shortest = Math.min(shortest, record.ttlSeconds);
      if (section === 0 && record.data !== undefined) {
        result.answers.push({ name: record.name, ttlSeconds: record.ttlSeconds, data: record.data });
      }
      if (section === 1 && record.type === TYPE.SOA) {
        negativeSeconds = Math.min(record.ttlSeconds, bytes.readUInt32BE(record.end - 4));
      }
    }
  }
  const isNegative = rcode === RCODE.NXDOMAIN || (rcode === RCODE.NOERROR && counts[0] === 0);
  if (isNegative) result.keepSeconds = negativeSeconds;
  else if (rcode === RCODE.NOERROR) result.keepSeconds = shortest;
  return result;
}

interface WireRecord {
  name: string;
  type: number;
  ttlSeconds: number;
  ttlOffset: number;
  end: number;
  data: RecordData | undefined;
}

function readRecord(bytes: Buffer, offset: number): WireRecord {
  const { name, end: typeAt } = readName(bytes, offset);
  const type = bytes.readUInt16BE(typeAt);
  const start = typeAt + 10;
  const length = bytes.readUInt16BE(typeAt + 8);
  const end = start + length;
  if (end > bytes.length) throw new MessageError('ends early');
  let data: RecordData | undefined;
  if (type === TYPE.A && length === 4) data = { type, address: [...bytes.subarray(start, end)].join('.') };
  else if (type === TYPE.AAAA && length === 16) {
    const value = BigInt(`0x${bytes.toString('hex', start, end)}`);
    data = { type, address: formatIp({ family: 'IPv6', value }) };
  } else if (type === TYPE.CNAME) data = { type, target: readName(bytes, start).name };
  const ttl = bytes.readUInt32BE(typeAt + 4);
  // The highest bit set means 0 (RFC 2181).
  return { name, type, ttlSeconds: ttl > 0x7fff_ffff ? 0 : ttl, ttlOffset: typeAt + 4, end, data };
}

function readQuestionName(bytes: Buffer): { name: string | undefined; end: number } {
  const labels: string[] = [];
  let offset = HEADER_BYTES;
  for (;;) {
    const length = bytes.readUInt8(offset++);
    if (length === 0) break;
    if (length > LABEL_BYTES_MAX) throw new MessageError('a label of a question is too long');
    labels.push(bytes.toString('latin1', offset, offset + length));
    offset += length;
    if (offset - HEADER_BYTES >= NAME_BYTES_MAX) throw new MessageError('a name is too long');
  }
  if (offset + 4 > bytes.length) throw new MessageError('ends early');
  const isPlain = labels.every((label) => !label.includes('.'));
  return { name: isPlain ? labels.join('.').toLowerCase() : undefined, end: offset };
}

/** Follows pointers, which only go back, so that it ends. */
function readName(bytes: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let offset = start;
  let limit = start;
  let end: number | undefined;
  let size = 0;
  for (;;) {
    const length = bytes.readUInt8(offset);
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: end ?? offset + 1 };
    if ((length & POINTER) === POINTER) {
      const target = bytes.readUInt16BE(offset) & POINTER_MAX;
      if (target >= limit) throw new MessageError('a name points forward');
      end ??= offset + 2;
      limit = target;
      offset = target;
      continue;
    }
    if (length > LABEL_BYTES_MAX) throw new MessageError('a label is too long');
    size += length + 1;
    if (size > NAME_BYTES_MAX) throw new MessageError('a name is too long');
    if (offset + 1 + length > bytes.length) throw new MessageError('ends early');
    labels.push(bytes.toString('latin1', offset + 1, offset + 1 + length));
    offset += length + 1;
  }
}

/** Records other than OPT in a question are read over. */
function findEdns(bytes: Buffer, start: number): Query['edns'] {
  const count = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  let offset = start;
  for (let index = 0; index < count; index++) {
    const { end: typeAt } = readName(bytes, offset);
    offset = typeAt + 10 + bytes.readUInt16BE(typeAt + 8);
    if (offset > bytes.length) throw new MessageError('ends early');
    if (bytes.readUInt16BE(typeAt) !== TYPE.OPT) continue;
    return {
      udpBytes: bytes.readUInt16BE(typeAt + 2),
      version: bytes.readUInt8(typeAt + 5),
      dnssecOk: (bytes.readUInt8(typeAt + 6) & 0x80) !== 0,
    };
  }
  return undefined;
}
