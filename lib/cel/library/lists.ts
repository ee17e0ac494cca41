import { celCompare, celEquals, contains } from '../equality.js';
import { CelError } from '../errors.js';
import { LIST_LENGTH_MAX } from '../limits.js';
import type { CelMeter } from '../meter.js';
import { asInt, type CelResult, fn, method, type Overload, over } from '../overload.js';
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  STRING,
  TIMESTAMP,
  typeParam,
  UINT,
} from '../types.js';
import { ArrayList, CelDuration, CelList, CelUint, type CelValue, mapKey } from '../values.js';

const A = typeParam('A');
const LIST = listOf(A);
const SUMMABLE: readonly CelType[] = [INT, UINT, DOUBLE, DURATION];
const COMPARABLE: readonly CelType[] = [INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES];

/** One traversal of the list is charged by each function itself. */
const charged = (): number => 0;

function overList(apply: (list: CelList, rest: readonly CelValue[], meter: CelMeter) => CelResult): Overload['apply'] {
  return over(CelList, (list, rest, meter) => {
    meter.charge(Math.max(1, list.size));
    return apply(list, rest, meter);
  });
}

function isSorted(list: CelList): CelResult {
  for (let index = 1; index < list.size; index++) {
    const order = celCompare(list.at(index - 1), list.at(index));
    if (order === undefined) return new CelError('no such overload');
    if (order > 0) return false;
  }
  return true;
}

function sum(list: CelList, zero: CelValue): CelResult {
  if (list.size === 0) return zero;
  let whole = 0n;
  let fraction = 0;
  let kind: CelValue = zero;
  for (const value of list) {
    kind = value;
    if (typeof value === 'bigint') whole += value;
    else if (typeof value === 'number') fraction += value;
    else if (value instanceof CelUint) whole += value.value;
    else if (value instanceof CelDuration) whole += value.nanoseconds;
    else return new CelError('no such overload');
  }
  if (typeof kind === 'number') return fraction;
  if (kind instanceof CelUint)
    return whole >= 1n << 64n ? new CelError('unsigned integer overflow') : new CelUint(whole);
  if (whole >= 1n << 63n || whole < -(1n << 63n)) return new CelError('integer overflow');
  return kind instanceof CelDuration ? new CelDuration(whole) : whole;
}

function extreme(name: 'min' | 'max', list: CelList): CelResult {
  if (list.size === 0) return new CelError(`${name} called on empty list`);
  let best = list.at(0);
  for (const value of list) {
    const order = celCompare(value, best);
    if (order === undefined) return new CelError('no such overload');
    if (name === 'min' ? order < 0 : order > 0) best = value;
  }
  return best;
}

function position(list: CelList, wanted: CelValue | undefined, last: boolean, meter: CelMeter): CelResult {
  for (let count = 0; count < list.size; count++) {
    const index = last ? list.size - 1 - count : count;
    if (celEquals(list.at(index), wanted ?? null, meter)) return BigInt(index);
  }
  return -1n;
}

function slice(list: CelList, start: bigint, end: bigint): CelResult {
  if (start < 0n || end < 0n) return new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    return new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > BigInt(list.size)) return new CelError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  return new ArrayList([...list].slice(Number(start), Number(end)));
}

function flatten(list: CelList, depth: bigint, meter: CelMeter): CelResult {
  if (depth < 0n) return new CelError('level must be non-negative');
  const found: CelValue[] = [];
  const add = (from: CelList, level: bigint): void => {
    for (const value of from) {
      meter.charge(1);
      if (value instanceof CelList && level > 0n) add(value, level - 1n);
      else found.push(value);
    }
  };
  add(list, depth);
  return new ArrayList(found);
}

/** Sorts values by keys; the order of equal keys stays. */
export function sortBy(values: readonly CelValue[], keys: readonly CelValue[], meter: CelMeter): CelResult {
  meter.charge(values.length * Math.ceil(Math.log2(values.length + 2)));
  const first = keys[0];
  if (first !== undefined && celCompare(first, first) === undefined)
    return new CelError('list elements must be comparable');
  if (keys.some((key) => first !== undefined && celCompare(first, key) === undefined))
    return new CelError('list elements must have the same type');
  const order = keys.map((_, index) => index);
  order.sort((left, right) => celCompare(keys[left] ?? null, keys[right] ?? null) ?? 0);
  return new ArrayList(order.map((index) => values[index] ?? null));
}

function distinct(list: CelList, meter: CelMeter): CelResult {
  const found: CelValue[] = [];
  const known = new Set<string>();
  for (const value of list) {
    const key = mapKey(value);
    if (key === undefined) {
      if (!contains(new ArrayList(found), value, meter)) found.push(value);
    } else if (!known.has(key)) {
      known.add(key);
      found.push(value);
    }
  }
  return new ArrayList(found);
}

function range(size: bigint, meter: CelMeter): CelResult {
  if (size > BigInt(LIST_LENGTH_MAX)) return new CelError(`lists.range of ${size} is more than ${LIST_LENGTH_MAX}`);
  meter.charge(Number(size > 0n ? size : 0n));
  return new ArrayList(Array.from({ length: Math.max(0, Number(size)) }, (_, index) => BigInt(index)));
}

const zeroOf = (type: CelType): CelValue =>
  type === DOUBLE ? 0 : type === UINT ? new CelUint(0n) : type === DURATION ? new CelDuration(0n) : 0n;

export const LISTS: readonly Overload[] = [
  ...COMPARABLE.map((type) => method('isSorted', [listOf(type)], BOOL, overList(isSorted), charged)),
  ...SUMMABLE.map((type) =>
    method(
      'sum',
      [listOf(type)],
      type,
      overList((list) => sum(list, zeroOf(type))),
      charged,
    ),
  ),
  ...(['min', 'max'] as const).flatMap((name) =>
    COMPARABLE.map((type) =>
      method(
        name,
        [listOf(type)],
        type,
        overList((list) => extreme(name, list)),
        charged,
      ),
    ),
  ),
  method(
    'indexOf',
    [LIST, A],
    INT,
    overList((list, [wanted], meter) => position(list, wanted, false, meter)),
    charged,
  ),
  method(
    'lastIndexOf',
    [LIST, A],
    INT,
    overList((list, [wanted], meter) => position(list, wanted, true, meter)),
    charged,
  ),
  method(
    'slice',
    [LIST, INT, INT],
    LIST,
    overList((list, [start, end]) => slice(list, asInt(start), asInt(end))),
  ),
  method(
    'flatten',
    [listOf(LIST)],
    LIST,
    overList((list, _rest, meter) => flatten(list, 1n, meter)),
  ),
  method(
    'flatten',
    [listOf(DYN), INT],
    listOf(DYN),
    overList((list, [depth], meter) => flatten(list, asInt(depth), meter)),
  ),
  ...COMPARABLE.map((type) =>
    method(
      'sort',
      [listOf(type)],
      listOf(type),
      overList((list, _rest, meter) => sortBy([...list], [...list], meter)),
    ),
  ),
  fn('lists.range', [INT], listOf(INT), ([size], meter) => range(asInt(size), meter)),
  method(
    'reverse',
    [LIST],
    LIST,
    overList((list) => new ArrayList([...list].reverse())),
  ),
  method(
    'distinct',
    [LIST],
    LIST,
    overList((list, _rest, meter) => distinct(list, meter)),
  ),
];

function everyIn(wanted: CelList, list: CelList, meter: CelMeter): boolean {
  for (const value of wanted) if (!contains(list, value, meter)) return false;
  return true;
}

function someIn(wanted: CelList, list: CelList, meter: CelMeter): boolean {
  for (const value of wanted) if (contains(list, value, meter)) return true;
  return false;
}

function sets(name: string, holds: (left: CelList, right: CelList, meter: CelMeter) => boolean): Overload {
  return fn(
    name,
    [LIST, LIST],
    BOOL,
    over(CelList, (left, [right], meter) => right instanceof CelList && holds(left, right, meter)),
  );
}

export const SETS: readonly Overload[] = [
  sets('sets.contains', (left, right, meter) => everyIn(right, left, meter)),
  sets('sets.equivalent', (left, right, meter) => everyIn(right, left, meter) && everyIn(left, right, meter)),
  sets('sets.intersects', someIn),
];
