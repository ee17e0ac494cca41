import { CelError } from '../errors.js';
import { fn, method, type Overload, over, sizeOf } from '../overload.js';
import { BOOL, INT, listOf, mapOf, optionalOf, typeParam } from '../types.js';
import { ArrayList, CelList, CelMap, CelOptional, type CelValue, OPTIONAL_NONE } from '../values.js';
import { isNumber } from '../equality.js';

const A = typeParam('A');
const B = typeParam('B');
const OPTIONAL = optionalOf(A);

/** Whether a value is the zero of its type. */
function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '') return true;
  if (isNumber(value)) return Number(typeof value === 'object' ? value.value : value) === 0;
  return (value instanceof CelList || value instanceof CelMap || value instanceof Uint8Array) && sizeOf(value) === 0;
}

function optionalElement(list: CelList, key: CelValue | undefined): CelOptional {
  const index = typeof key === 'bigint' ? Number(key) : -1;
  return index >= 0 && index < list.size ? new CelOptional(list.at(index)) : OPTIONAL_NONE;
}

function optionalEntry(map: CelMap, key: CelValue | undefined): CelOptional {
  const found = map.find(key ?? null);
  return found === undefined ? OPTIONAL_NONE : new CelOptional(found);
}

/** `a[?b]` and `a.?b` of any value that has entries. */
export function optionalAccess(value: CelValue, key: CelValue): CelOptional | CelError {
  if (value instanceof CelOptional) return value.value === undefined ? OPTIONAL_NONE : optionalAccess(value.value, key);
  if (value instanceof CelList) return optionalElement(value, key);
  return value instanceof CelMap ? optionalEntry(value, key) : new CelError('no such overload');
}

export const OPTIONALS: readonly Overload[] = [
  fn('optional.of', [A], OPTIONAL, ([value]) => new CelOptional(value)),
  fn('optional.none', [], OPTIONAL, () => OPTIONAL_NONE),
  fn('optional.ofNonZeroValue', [A], OPTIONAL, ([value = null]) =>
    isZero(value) ? OPTIONAL_NONE : new CelOptional(value),
  ),
  method(
    'hasValue',
    [OPTIONAL],
    BOOL,
    over(CelOptional, ({ value }) => value !== undefined),
  ),
  method(
    'value',
    [OPTIONAL],
    A,
    over(CelOptional, ({ value }): CelValue | CelError =>
      value === undefined ? new CelError('optional.none() dereference') : value,
    ),
  ),
  method(
    'or',
    [OPTIONAL, OPTIONAL],
    OPTIONAL,
    over(CelOptional, (optional, [other]) => (optional.value === undefined ? (other ?? OPTIONAL_NONE) : optional)),
  ),
  method(
    'orValue',
    [OPTIONAL, A],
    A,
    over(CelOptional, ({ value }, [other]) => (value === undefined ? (other ?? null) : value)),
  ),
  fn('optional.unwrap', [listOf(OPTIONAL)], listOf(A), over(CelList, unwrapped)),
  method('unwrapOpt', [listOf(OPTIONAL)], listOf(A), over(CelList, unwrapped)),
  method(
    'first',
    [listOf(A)],
    OPTIONAL,
    over(CelList, (list) => optionalElement(list, 0n)),
  ),
  method(
    'last',
    [listOf(A)],
    OPTIONAL,
    over(CelList, (list) => optionalElement(list, BigInt(list.size - 1))),
  ),
  fn(
    '_[?_]',
    [listOf(A), INT],
    OPTIONAL,
    over(CelList, (list, [index]) => optionalElement(list, index)),
  ),
  fn(
    '_[?_]',
    [mapOf(A, B), A],
    optionalOf(B),
    over(CelMap, (map, [key]) => optionalEntry(map, key)),
  ),
  fn('_[?_]', [optionalOf(listOf(A)), INT], OPTIONAL, ([optional = null, index = null]) =>
    optionalAccess(optional, index),
  ),
  fn('_[?_]', [optionalOf(mapOf(A, B)), A], optionalOf(B), ([optional = null, key = null]) =>
    optionalAccess(optional, key),
  ),
  fn('_[_]', [optionalOf(listOf(A)), INT], OPTIONAL, ([optional = null, index = null]) =>
    optionalAccess(optional, index),
  ),
  fn('_[_]', [optionalOf(mapOf(A, B)), A], optionalOf(B), ([optional = null, key = null]) =>
    optionalAccess(optional, key),
  ),
];

function unwrapped(list: CelList): CelList {
  const found: CelValue[] = [];
  for (const value of list) if (value instanceof CelOptional && value.value !== undefined) found.push(value.value);
  return new ArrayList(found);
}
