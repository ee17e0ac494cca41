import { CelError } from '../errors.js';
import { asText, type CelResult, fn, method, type Overload, over, traversal } from '../overload.js';
import { formatDuration, formatTimestamp, inZone, parseDuration, parseTimestamp, timestampOf } from '../time.js';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, typeOf, typeParam, UINT } from '../types.js';
import { CelDuration, CelTimestamp, CelTypeValue, CelUint, type CelValue, typeNameOf } from '../values.js';

const A = typeParam('A');
const INT64_MAX = (1n << 63n) - 1n;
const INT64_MIN = -(1n << 63n);
const NS_PER_SECOND = 1_000_000_000n;
const MS_PER_DAY = 86_400_000;

function toInt(value: CelValue | undefined): CelResult {
  if (typeof value === 'bigint') return value;
  if (value instanceof CelUint) return value.value > INT64_MAX ? new CelError('integer overflow') : value.value;
  if (typeof value === 'number') {
    return Number.isFinite(value) && Math.abs(value) < 2 ** 63
      ? BigInt(Math.trunc(value))
      : new CelError('integer overflow');
  }
  if (value instanceof CelTimestamp) return value.nanoseconds / NS_PER_SECOND;
  if (value instanceof CelDuration) return value.nanoseconds;
  const text = asText(value);
  const wrong = new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (!/^[+-]?[0-9]{1,30}$/.test(text)) return wrong;
  const parsed = BigInt(text.replace(/^\+/, ''));
  return parsed > INT64_MAX || parsed < INT64_MIN
    ? new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
    : parsed;
}

function toUint(value: CelValue | undefined): CelResult {
  if (value instanceof CelUint) return value;
  if (typeof value === 'string' && !/^[0-9]{1,30}$/.test(value))
    return new CelError(`strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`);
  const whole =
    typeof value === 'string'
      ? BigInt(value)
      : typeof value === 'number' && Number.isFinite(value)
        ? BigInt(Math.trunc(value))
        : typeof value === 'bigint'
          ? value
          : -1n;
  return whole < 0n || whole >= 1n << 64n ? new CelError('unsigned integer overflow') : new CelUint(whole);
}

function toDouble(value: CelValue | undefined): CelResult {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelUint) return Number(value.value);
  const text = asText(value);
  return /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)
    ? Number(text)
    : /^[+-]?(?:inf|infinity)$/i.test(text)
      ? text.startsWith('-')
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY
      : /^nan$/i.test(text)
        ? Number.NaN
        : new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** As Go's strconv prints a double in `string(x)`. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = String(value);
  if (!text.includes('e') && (Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-4))) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

export function toText(value: CelValue | undefined): CelResult {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof Uint8Array) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(value);
    } catch {
      return new CelError('invalid UTF-8 in bytes, cannot convert to string');
    }
  }
  return new CelError('no such overload');
}

const TRUE_TEXTS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE_TEXTS = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

function toBool(value: CelValue | undefined): CelResult {
  if (typeof value === 'boolean') return value;
  const text = asText(value);
  if (TRUE_TEXTS.has(text)) return true;
  return FALSE_TEXTS.has(text) ? false : new CelError(`type conversion error from 'string' to 'bool'`);
}

export const CONVERSIONS: readonly Overload[] = [
  ...[INT, UINT, DOUBLE, STRING, TIMESTAMP, DURATION].map((type) => fn('int', [type], INT, ([value]) => toInt(value))),
  ...[UINT, INT, DOUBLE, STRING].map((type) => fn('uint', [type], UINT, ([value]) => toUint(value))),
  ...[DOUBLE, INT, UINT, STRING].map((type) => fn('double', [type], DOUBLE, ([value]) => toDouble(value))),
  ...[STRING, INT, UINT, DOUBLE, BOOL, BYTES, TIMESTAMP, DURATION].map((type) =>
    fn('string', [type], STRING, ([value]) => toText(value), type === BYTES ? traversal() : undefined),
  ),
  ...[BOOL, STRING].map((type) => fn('bool', [type], BOOL, ([value]) => toBool(value))),
  fn('bytes', [BYTES], BYTES, ([value]) => value ?? null),
  fn('bytes', [STRING], BYTES, ([value]) => new TextEncoder().encode(asText(value)), traversal()),
  fn('timestamp', [TIMESTAMP], TIMESTAMP, ([value]) => value ?? null),
  fn('timestamp', [STRING], TIMESTAMP, ([value]) => parseTimestamp(asText(value))),
  fn('timestamp', [INT], TIMESTAMP, ([value]) => timestampOf((typeof value === 'bigint' ? value : 0n) * NS_PER_SECOND)),
  fn('duration', [DURATION], DURATION, ([value]) => value ?? null),
  fn('duration', [STRING], DURATION, ([value]) => parseDuration(asText(value))),
  fn('duration', [INT], DURATION, ([value]) => new CelDuration(typeof value === 'bigint' ? value : 0n)),
  fn('dyn', [A], DYN, ([value]) => value ?? null),
  fn('type', [A], typeOf(A), ([value]) => new CelTypeValue(typeNameOf(value ?? null))),
];

function dateParts(name: string, read: (date: Date) => number, durationNs?: bigint): Overload[] {
  const apply = (value: CelTimestamp, [zone]: readonly CelValue[]): CelResult => {
    const date = inZone(value, zone === undefined ? 'UTC' : asText(zone));
    return date instanceof CelError ? date : BigInt(read(date));
  };
  const overloads = [
    method(name, [TIMESTAMP], INT, over(CelTimestamp, apply)),
    method(name, [TIMESTAMP, STRING], INT, over(CelTimestamp, apply)),
  ];
  if (durationNs !== undefined)
    overloads.push(
      method(
        name,
        [DURATION],
        INT,
        over(CelDuration, ({ nanoseconds }) => nanoseconds / durationNs),
      ),
    );
  return overloads;
}

export const TIMES: readonly Overload[] = [
  ...dateParts('getFullYear', (date) => date.getUTCFullYear()),
  ...dateParts('getMonth', (date) => date.getUTCMonth()),
  ...dateParts('getDayOfMonth', (date) => date.getUTCDate() - 1),
  ...dateParts('getDate', (date) => date.getUTCDate()),
  ...dateParts('getDayOfWeek', (date) => date.getUTCDay()),
  ...dateParts('getDayOfYear', (date) =>
    Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / MS_PER_DAY),
  ),
  ...dateParts('getHours', (date) => date.getUTCHours(), 3_600n * NS_PER_SECOND),
  ...dateParts('getMinutes', (date) => date.getUTCMinutes(), 60n * NS_PER_SECOND),
  ...dateParts('getSeconds', (date) => date.getUTCSeconds(), NS_PER_SECOND),
  ...dateParts('getMilliseconds', (date) => date.getUTCMilliseconds()).slice(0, 2),
  method(
    'getMilliseconds',
    [DURATION],
    INT,
    over(CelDuration, ({ nanoseconds }) => (nanoseconds % NS_PER_SECOND) / 1_000_000n),
  ),
];
