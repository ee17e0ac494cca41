import type { Decoder } from './decoder.js';
import { mismatch } from './encoder.js';
import { ProtobufError } from './errors.js';
import type { SpecialType } from './special-types.js';
import { VARINT } from './wire.js';

/** Go's zero time, 0001-01-01T00:00:00Z, which is null in JSON. */
const ZERO_SECONDS = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;
const NANOS_PER_SECOND = 1_000_000_000;

/** Both times are a message of seconds (1) and nanoseconds (2); an empty message is the zero time. */
function readTimestamp({ reader }: Decoder): { seconds: number; nanos: number } | undefined {
  if (reader.done) return undefined;
  let seconds: number | bigint = 0;
  let nanos = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + VARINT) seconds = reader.int64();
    else if (tag === 16 + VARINT) nanos = reader.int32();
    else reader.skip(tag & 7);
  }
  if (seconds === ZERO_SECONDS && nanos === 0) return undefined;
  if (
    typeof seconds === 'bigint' ||
    seconds < ZERO_SECONDS ||
    seconds > SECONDS_MAX ||
    nanos < 0 ||
    nanos >= NANOS_PER_SECOND
  ) {
    throw new ProtobufError(`${String(seconds)} seconds and ${nanos} nanoseconds is no time of the years 1 to 9999`);
  }
  return { seconds, nanos };
}

/** `2026-01-02T03:04:05` without a zone. */
function wholeSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
}

/** Seconds since 1970, and what RFC 3339 has behind the point. */
function parseTime(value: unknown): { seconds: number; fraction: string } {
  const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(milliseconds)) throw mismatch('a time', 'in the form of RFC 3339', value);
  return { seconds: Math.floor(milliseconds / 1000), fraction: /\.(\d+)/.exec(String(value))?.[1] ?? '' };
}

export const TIME: SpecialType = {
  zero: null,
  decode(decoder) {
    const time = readTimestamp(decoder);
    return time === undefined ? null : `${wholeSeconds(time.seconds)}Z`;
  },
  encode(value, { writer }) {
    if (value === null) return;
    writer.integer(2, 0);
    writer.integer(1, parseTime(value).seconds);
  },
};

export const MICRO_TIME: SpecialType = {
  zero: null,
  decode(decoder) {
    const time = readTimestamp(decoder);
    if (time === undefined) return null;
    const micros = String(Math.floor(time.nanos / 1000)).padStart(6, '0');
    return `${wholeSeconds(time.seconds)}.${micros}Z`;
  },
  encode(value, { writer }) {
    if (value === null) return;
    const { seconds, fraction } = parseTime(value);
    writer.integer(2, Number(fraction.slice(0, 6).padEnd(6, '0')) * 1000);
    writer.integer(1, seconds);
  },
};
