import { CelError } from '../errors.js';
import { celCompare, celEquals, contains, elementKey, isNumber } from '../equality.js';
import { STRING_LENGTH_MAX } from '../limits.js';
import { type CelMeter, COST_PER_CHARACTER } from '../meter.js';
import { asInt, asText, type CelResult, fn, method, type Overload, over, sizeOf } from '../overload.js';
import { durationOf, timestampOf } from '../time.js';
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  INT,
  listOf,
  mapOf,
  STRING,
  TIMESTAMP,
  typeParam,
  UINT,
} from '../types.js';
import { ArrayList, CelDuration, CelList, CelMap, CelTimestamp, CelUint, type CelValue } from '../values.js';

const A = typeParam('A');
const B = typeParam('B');
const INT64_MAX = (1n << 63n) - 1n;
const INT64_MIN = -(1n << 63n);
const UINT64_MAX = (1n << 64n) - 1n;

const smallerSize = (args: readonly CelValue[]): number =>
  Math.max(1, Math.ceil(Math.min(sizeOf(args[0]), sizeOf(args[1])) * COST_PER_CHARACTER));
const bothSizes = (args: readonly CelValue[]): number =>
  Math.max(1, Math.ceil((sizeOf(args[0]) + sizeOf(args[1])) * COST_PER_CHARACTER));

function int(value: bigint): CelResult {
  return value > INT64_MAX || value < INT64_MIN ? new CelError('integer overflow') : value;
}

function uint(value: bigint): CelResult {
  return value > UINT64_MAX || value < 0n ? new CelError('unsigned integer overflow') : new CelUint(value);
}

type IntOperation = (left: bigint, right: bigint) => bigint | CelError;

function arithmetic(
  name: string,
  operation: IntOperation,
  double?: (left: number, right: number) => number,
): Overload[] {
  const overloads = [
    fn(name, [INT, INT], INT, ([left, right]) => {
      const result = operation(asInt(left), asInt(right));
      return typeof result === 'bigint' ? int(result) : result;
    }),
    fn(
      name,
      [UINT, UINT],
      UINT,
      over(CelUint, ({ value }, [right]) => {
        const result = operation(value, right instanceof CelUint ? right.value : 0n);
        return typeof result === 'bigint' ? uint(result) : result;
      }),
    ),
  ];
  if (double !== undefined)
    overloads.push(fn(name, [DOUBLE, DOUBLE], DOUBLE, ([left, right]) => double(Number(left), Number(right))));
  return overloads;
}

function concatenate(left: string, right: string): CelResult {
  return left.length + right.length > STRING_LENGTH_MAX ? new CelError('string is too long') : left + right;
}

/** Lists of Kubernetes' list types are joined as sets or by their keys. */
function joinLists(left: CelList, right: CelList, meter: CelMeter): CelResult {
  meter.charge((left.size + right.size) * COST_PER_CHARACTER);
  if (left.listType === 'set') {
    const added = [...right].filter((value) => !contains(left, value, meter));
    return new ArrayList([...left, ...added]);
  }
  if (left.listType !== 'map') return new ArrayList([...left, ...right]);
  const byKey = new Map<string, CelValue>();
  for (const element of [...left, ...right]) byKey.set(elementKey(element, left.listMapKeys), element);
  return new ArrayList([...byKey.values()]);
}

const nanoseconds = (value: CelValue | undefined): bigint =>
  value instanceof CelTimestamp || value instanceof CelDuration ? value.nanoseconds : 0n;

const additions: Overload[] = [
  ...arithmetic(
    '_+_',
    (left, right) => left + right,
    (left, right) => left + right,
  ),
  fn('_+_', [STRING, STRING], STRING, ([left, right]) => concatenate(asText(left), asText(right)), bothSizes),
  fn(
    '_+_',
    [BYTES, BYTES],
    BYTES,
    over(Uint8Array, (left, [right]) => Buffer.concat([left, right instanceof Uint8Array ? right : new Uint8Array()])),
    bothSizes,
  ),
  fn(
    '_+_',
    [listOf(A), listOf(A)],
    listOf(A),
    over(CelList, (left, [right], meter) => (right instanceof CelList ? joinLists(left, right, meter) : left)),
  ),
  fn('_+_', [TIMESTAMP, DURATION], TIMESTAMP, ([left, right]) => timestampOf(nanoseconds(left) + nanoseconds(right))),
  fn('_+_', [DURATION, TIMESTAMP], TIMESTAMP, ([left, right]) => timestampOf(nanoseconds(left) + nanoseconds(right))),
  fn('_+_', [DURATION, DURATION], DURATION, ([left, right]) => durationOf(nanoseconds(left) + nanoseconds(right))),
];

const subtractions: Overload[] = [
  ...arithmetic(
    '_-_',
    (left, right) => left - right,
    (left, right) => left - right,
  ),
  fn('_-_', [TIMESTAMP, DURATION], TIMESTAMP, ([left, right]) => timestampOf(nanoseconds(left) - nanoseconds(right))),
  fn('_-_', [TIMESTAMP, TIMESTAMP], DURATION, ([left, right]) => durationOf(nanoseconds(left) - nanoseconds(right))),
  fn('_-_', [DURATION, DURATION], DURATION, ([left, right]) => durationOf(nanoseconds(left) - nanoseconds(right))),
];

const others: Overload[] = [
  ...arithmetic(
    '_*_',
    (left, right) => left * right,
    (left, right) => left * right,
  ),
  ...arithmetic(
    '_/_',
    (left, right) => (right === 0n ? new CelError('division by zero') : left / right),
    (left, right) => left / right,
  ),
  ...arithmetic('_%_', (left, right) => (right === 0n ? new CelError('modulus by zero') : left % right)),
  fn('-_', [INT], INT, ([value]) => int(-asInt(value))),
  fn('-_', [DOUBLE], DOUBLE, ([value]) => -Number(value)),
  fn('-_', [DURATION], DURATION, ([value]) => durationOf(-nanoseconds(value))),
  fn('!_', [BOOL], BOOL, ([value]) => value !== true),
];

const ORDERED: readonly CelType[] = [BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION];
const NUMBERS: readonly CelType[] = [INT, UINT, DOUBLE];

function ordering(name: string, holds: (order: number) => boolean): Overload[] {
  const apply: Overload['apply'] = ([left, right]) => {
    const order = celCompare(left ?? null, right ?? null);
    return order === undefined ? new CelError('no such overload') : holds(order);
  };
  const mixed = NUMBERS.flatMap((left) =>
    NUMBERS.filter((right) => right !== left).map((right) => fn(name, [left, right], BOOL, apply)),
  );
  return [...ORDERED.map((type) => fn(name, [type, type], BOOL, apply, smallerSize)), ...mixed];
}

function indexOf(list: CelList, index: CelValue | undefined): CelResult {
  const at = index !== undefined && index !== null && isNumber(index) ? index : undefined;
  if (at === undefined) return new CelError('no such overload');
  const position = at instanceof CelUint ? Number(at.value) : Number(at);
  if (!Number.isInteger(position)) return new CelError(`unsupported index value in list: ${position}`);
  if (position < 0 || position >= list.size) return new CelError(`index out of bounds: ${position}`);
  return list.at(position);
}

export function keyText(key: CelValue | undefined): string {
  return key instanceof CelUint ? String(key.value) : String(key);
}

export const STANDARD_OPERATORS: readonly Overload[] = [
  fn('_==_', [A, A], BOOL, ([left, right], meter) => celEquals(left ?? null, right ?? null, meter), smallerSize),
  fn('_!=_', [A, A], BOOL, ([left, right], meter) => !celEquals(left ?? null, right ?? null, meter), smallerSize),
  ...ordering('_<_', (order) => order < 0),
  ...ordering('_<=_', (order) => order <= 0),
  ...ordering('_>_', (order) => order > 0),
  ...ordering('_>=_', (order) => order >= 0),
  ...additions,
  ...subtractions,
  ...others,
  fn(
    '@in',
    [A, listOf(A)],
    BOOL,
    ([value, list], meter) => list instanceof CelList && contains(list, value ?? null, meter),
    () => 0,
  ),
  fn('@in', [A, mapOf(A, B)], BOOL, ([key, map]) => map instanceof CelMap && map.find(key ?? null) !== undefined),
  fn(
    '_[_]',
    [listOf(A), INT],
    A,
    over(CelList, (list, [index]) => indexOf(list, index)),
  ),
  fn(
    '_[_]',
    [mapOf(A, B), A],
    B,
    over(CelMap, (map, [key]) => map.find(key ?? null) ?? new CelError(`no such key: ${keyText(key)}`)),
  ),
  ...[
    [STRING, sizeOf],
    [BYTES, sizeOf],
    [listOf(A), sizeOf],
    [mapOf(A, B), sizeOf],
  ].flatMap(([type]) => [
    fn('size', [type as CelType], INT, ([value]) => BigInt(sizeOf(value))),
    method('size', [type as CelType], INT, ([value]) => BigInt(sizeOf(value))),
  ]),
];
