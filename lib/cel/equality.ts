import { type CelMeter, COST_PER_CHARACTER } from './meter.js';
import {
  CelDuration,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  mapKey,
} from './values.js';

/** `==`: numbers by their amount whatever their types, lists and maps by what is in them, values of different types not at all. */
export function celEquals(left: CelValue, right: CelValue, meter: CelMeter): boolean {
  if (left === right) return true;
  if (left === null || right === null) return false;
  if (typeof left === 'string' || typeof left === 'boolean') return false;
  if (isNumber(left)) return isNumber(right) && compareNumbers(left, right) === 0;
  if (typeof right !== 'object') return false;
  if (left instanceof CelList) return right instanceof CelList && listsEqual(left, right, meter);
  if (left instanceof CelMap) return right instanceof CelMap && mapsEqual(left, right, meter);
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  if (left instanceof CelTimestamp) return right instanceof CelTimestamp && left.nanoseconds === right.nanoseconds;
  if (left instanceof CelDuration) return right instanceof CelDuration && left.nanoseconds === right.nanoseconds;
  if (left instanceof CelTypeValue) return right instanceof CelTypeValue && left.name === right.name;
  if (left instanceof CelOptional) {
    if (!(right instanceof CelOptional)) return false;
    if (left.value === undefined || right.value === undefined) return left.value === right.value;
    return celEquals(left.value, right.value, meter);
  }
  return (
    left instanceof CelOpaque && right instanceof CelOpaque && left.typeName === right.typeName && left.equals(right)
  );
}

function listsEqual(left: CelList, right: CelList, meter: CelMeter): boolean {
  if (left.size !== right.size) return false;
  const kind = left.listType ?? right.listType;
  if (kind === 'set') return subset(left, right, meter);
  if (kind === 'map') return mapListsEqual(left, right, meter);
  for (let index = 0; index < left.size; index++) {
    meter.charge(COST_PER_CHARACTER);
    if (!celEquals(left.at(index), right.at(index), meter)) return false;
  }
  return true;
}

function subset(left: CelList, right: CelList, meter: CelMeter): boolean {
  for (const wanted of left) if (!contains(right, wanted, meter)) return false;
  return true;
}

/** Elements of `x-kubernetes-list-type: map` are found by their keys, wherever they stand. */
function mapListsEqual(left: CelList, right: CelList, meter: CelMeter): boolean {
  const keys = left.listType === 'map' ? left.listMapKeys : right.listMapKeys;
  const byKey = new Map<string, CelValue>();
  for (const element of right) byKey.set(elementKey(element, keys), element);
  for (const element of left) {
    meter.charge(1);
    const other = byKey.get(elementKey(element, keys));
    if (other === undefined || !celEquals(element, other, meter)) return false;
  }
  return true;
}

/** What tells the elements of a map list apart. */
export function elementKey(element: CelValue, keys: readonly string[]): string {
  return keys
    .map((key) => {
      const value = element instanceof CelMap ? element.find(key) : undefined;
      return value === undefined ? '' : JSON.stringify(mapKey(value) ?? '');
    })
    .join(',');
}

function mapsEqual(left: CelMap, right: CelMap, meter: CelMeter): boolean {
  if (left.size !== right.size) return false;
  for (const key of left.keys()) {
    meter.charge(COST_PER_CHARACTER);
    const [one, other] = [left.find(key), right.find(key)];
    if (one === undefined || other === undefined || !celEquals(one, other, meter)) return false;
  }
  return true;
}

/** Whether an element of the list equals the value; one unit of cost for each that is looked at. */
export function contains(list: CelList, value: CelValue, meter: CelMeter): boolean {
  for (let index = 0; index < list.size; index++) {
    meter.charge(1);
    if (celEquals(list.at(index), value, meter)) return true;
  }
  return false;
}

export type CelNumber = bigint | number | CelUint;

export function isNumber(value: CelValue): value is CelNumber {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint;
}

/** NaN when one of the two is not a number at all. */
export function compareNumbers(left: CelNumber, right: CelNumber): number {
  const [one, other] = [plain(left), plain(right)];
  return one < other ? -1 : one > other ? 1 : one === other || Number(one) === Number(other) ? 0 : Number.NaN;
}

function plain(value: CelNumber): bigint | number {
  return value instanceof CelUint ? value.value : value;
}

/** The order of two values of one comparable type; undefined when they have none. NaN compares as NaN. */
export function celCompare(left: CelValue, right: CelValue): number | undefined {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof CelTimestamp && right instanceof CelTimestamp) return order(left.nanoseconds, right.nanoseconds);
  if (left instanceof CelDuration && right instanceof CelDuration) return order(left.nanoseconds, right.nanoseconds);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  return undefined;
}

function order(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

const SURROGATES = /[\ud800-\udfff]/;

/** By code points, as Go compares the bytes of UTF-8. */
function compareTexts(left: string, right: string): number {
  if (SURROGATES.test(left) || SURROGATES.test(right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : left > right ? 1 : 0;
}
