import { CelError } from '../errors.js';
import { isNumber } from '../equality.js';
import type { CelResult } from '../overload.js';
import { formatDuration, formatTimestamp } from '../time.js';
import {
  CelDuration,
  CelList,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  typeNameOf,
} from '../values.js';
import { doubleText } from './conversions.js';

const CLAUSE = /%(?:\.([0-9]+))?([a-zA-Z%])?/g;
const PRECISION_DEFAULT = 6;
const PRECISION_MAX = 100;

/** `'%s is %d'.format([…])`. */
export function formatText(template: string, args: CelList): CelResult {
  let used = 0;
  let fault: CelError | undefined;
  const text = template.replace(CLAUSE, (_whole, precision: string | undefined, verb: string | undefined) => {
    if (fault !== undefined) return '';
    if (verb === '%') return '%';
    if (verb === undefined) {
      fault = new CelError('unexpected end of format string');
      return '';
    }
    if (used >= args.size) {
      fault = new CelError(`index ${used} out of range`);
      return '';
    }
    const result = formatOne(verb, precision === undefined ? undefined : Number(precision), args.at(used++));
    if (result instanceof CelError) fault = result;
    return result instanceof CelError ? '' : result;
  });
  if (fault !== undefined) return fault;
  return used < args.size
    ? new CelError(`too many arguments supplied to string.format (expected ${used}, got ${args.size})`)
    : text;
}

function formatOne(verb: string, precision: number | undefined, value: CelValue): string | CelError {
  const wrong = (wanted: string): CelError =>
    new CelError(
      `error during formatting: ${wanted} clause can only be used on numbers, was given ${typeNameOf(value)}`,
    );
  if (precision !== undefined && precision > PRECISION_MAX) return new CelError('precision is too large');
  switch (verb) {
    case 's':
      return plainText(value);
    case 'd':
      if (typeof value === 'bigint') return String(value);
      if (value instanceof CelUint) return String(value.value);
      if (typeof value === 'number' && !Number.isFinite(value)) return doubleText(value);
      return new CelError(
        `error during formatting: decimal clause can only be used on integers, was given ${typeNameOf(value)}`,
      );
    case 'f':
    case 'e':
      if (!isNumber(value)) return wrong(verb === 'f' ? 'fixed-point' : 'scientific');
      return scaled(
        verb,
        value instanceof CelUint ? Number(value.value) : Number(value),
        precision ?? PRECISION_DEFAULT,
      );
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      if (typeof value === 'bigint') return value.toString(2);
      if (value instanceof CelUint) return value.value.toString(2);
      return new CelError(
        `error during formatting: only integers and bools can be formatted as binary, was given ${typeNameOf(value)}`,
      );
    case 'o':
      if (typeof value === 'bigint') return value.toString(8);
      if (value instanceof CelUint) return value.value.toString(8);
      return new CelError(
        `error during formatting: octal clause can only be used on integers, was given ${typeNameOf(value)}`,
      );
    case 'x':
    case 'X': {
      const text = hexText(value);
      if (text === undefined)
        return new CelError(
          `error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given ${typeNameOf(value)}`,
        );
      return verb === 'X' ? text.toUpperCase() : text;
    }
    default:
      return new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

function scaled(verb: 'f' | 'e', value: number, precision: number): string {
  if (!Number.isFinite(value)) return doubleText(value);
  if (verb === 'f') return value.toFixed(precision);
  return value.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2');
}

function hexText(value: CelValue): string | undefined {
  if (typeof value === 'bigint') return value.toString(16);
  if (value instanceof CelUint) return value.value.toString(16);
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined;
}

function plainText(value: CelValue): string | CelError {
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return doubleText(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelList) return joined([...value].map(plainText), '[', ']');
  if (value instanceof CelMap) {
    const entries = [...value.keys()].map((key) => [plainText(key), plainText(value.find(key) ?? null)] as const);
    const sorted = entries.sort(([left], [right]) => (String(left) < String(right) ? -1 : 1));
    return joined(
      sorted.map(([key, text]) =>
        key instanceof CelError ? key : text instanceof CelError ? text : `${key}: ${text}`,
      ),
      '{',
      '}',
    );
  }
  return new CelError(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
  );
}

function joined(parts: readonly (string | CelError)[], open: string, close: string): string | CelError {
  const fault = parts.find((part) => part instanceof CelError);
  return fault ?? `${open}${parts.map(String).join(', ')}${close}`;
}
