/**
 * The little of ASN.1's distinguished encoding that certificates need: a tag, a length, contents. Writing them by hand
 * takes a millisecond where loading a library takes a fifth of a second of every first start.
 */

export type Der = Uint8Array;

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
/** Lengths up to here are one byte. */
const SHORT_LENGTH_MAX = 0x7f;
/** Years from here on do not fit UTCTime, whose years have two digits. */
const GENERALIZED_TIME_FROM_YEAR = 2050;

function element(tag: number, contents: Uint8Array): Der {
  return Buffer.concat([Buffer.from([tag]), lengthOf(contents.byteLength), contents]);
}

function lengthOf(length: number): Uint8Array {
  if (length <= SHORT_LENGTH_MAX) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([CONTEXT | bytes.length, ...bytes]);
}

export function sequence(...members: readonly Der[]): Der {
  return element(TAG.sequence, Buffer.concat(members));
}

export function setOf(...members: readonly Der[]): Der {
  return element(TAG.set, Buffer.concat(members));
}

export function boolean(value: boolean): Der {
  return element(TAG.boolean, Buffer.from([value ? 0xff : 0]));
}

/** From big-endian bytes of a non-negative number. */
export function integer(magnitude: Uint8Array): Der {
  const isNegative = ((magnitude[0] ?? 0) & 0x80) !== 0;
  return element(TAG.integer, isNegative ? Buffer.concat([Buffer.from([0]), magnitude]) : magnitude);
}

/** `unusedBits` at the end of the last byte do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Der {
  return element(TAG.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes]));
}

export function octetString(bytes: Uint8Array): Der {
  return element(TAG.octetString, bytes);
}

export function utf8String(text: string): Der {
  return element(TAG.utf8String, Buffer.from(text));
}

/** `2.5.29.19` */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** In whole seconds, as certificates have it. */
export function time(epochMs: number): Der {
  const text = `${new Date(epochMs).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return Number(text.slice(0, 4)) >= GENERALIZED_TIME_FROM_YEAR
    ? element(TAG.generalizedTime, Buffer.from(text))
    : element(TAG.utcTime, Buffer.from(text.slice(2)));
}

/** `[number] EXPLICIT`: around a whole element. */
export function explicit(number: number, inner: Der): Der {
  return element(CONTEXT | CONSTRUCTED | number, inner);
}

/** `[number] IMPLICIT` of a primitive type: its contents under another tag. */
export function implicit(number: number, contents: Uint8Array): Der {
  return element(CONTEXT | number, contents);
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(128 | (rest % 128));
  return bytes;
}

export interface Element {
  readonly tag: number;
  /** The whole element with tag and length. */
  readonly bytes: Uint8Array;
  readonly contents: Uint8Array;
}

/** The elements that stand one after the other in `bytes`. Throws a RangeError for what is no DER. */
export function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const found = readElement(bytes.subarray(at));
    elements.push(found);
    at += found.bytes.byteLength;
  }
  return elements;
}

function readElement(bytes: Uint8Array): Element {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = view.readUInt8(0);
  let length = view.readUInt8(1);
  let start = 2;
  if (length > SHORT_LENGTH_MAX) {
    const count = length & SHORT_LENGTH_MAX;
    length = view.readUIntBE(start, count);
    start += count;
  }
  const end = start + length;
  if (end > bytes.byteLength) throw new RangeError('an element is longer than what holds it');
  return { tag, bytes: bytes.subarray(0, end), contents: bytes.subarray(start, end) };
}
