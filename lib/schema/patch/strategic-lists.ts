import { isJsonObject } from '../../json/path.js';
import { PatchError } from './errors.js';
import { goPrint, goTypeName } from './go-print.js';

export type Member = Record<string, unknown>;

export const DIRECTIVE = '$patch';
export const SET_ELEMENT_ORDER = '$setElementOrder';
export const DELETE_FROM_PRIMITIVE_LIST = '$deleteFromPrimitiveList';
export const RETAIN_KEYS = '$retainKeys';

export function noMergeKey(item: unknown, mergeKey: string): PatchError {
  return new PatchError('BadPatch', `map: ${goPrint(item)} does not contain declared merge key: ${mergeKey}`);
}

export function badType(expected: unknown, actual: unknown): PatchError {
  return new PatchError('BadPatch', `expected a ${goTypeName(expected)}, but received a ${goTypeName(actual)}`);
}

export function badDirective(directive: unknown, map: unknown): PatchError {
  return new PatchError('BadPatch', `unknown patch type: ${goPrint(directive)} in map: ${goPrint(map)}`);
}

export function asList(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw badType([], value);
  return value;
}

export function asMap(value: unknown): Member {
  if (!isJsonObject(value)) throw badType({}, value);
  return value;
}

/** Whether the lists hold objects. Throws when their items are not all of one type, or are lists. */
export function holdsObjects(...lists: unknown[][]): boolean {
  let type: string | undefined;
  for (const list of lists) {
    for (const item of list) {
      const found = goTypeName(item);
      if (Array.isArray(item)) throw new PatchError('PatchFailed', 'lists of lists are not supported');
      if (type !== undefined && type !== found) {
        throw new PatchError('BadPatch', `list element types are not identical: ${goPrint(lists)}`);
      }
      type = found;
    }
  }
  return type === 'map[string]interface {}';
}

/** What identifies an item of a list: the merge key's value, or the item itself. Null where an item has no such key. */
export function identify(item: unknown, mergeKey: string, isObject: boolean): unknown {
  if (!isObject) return item;
  return isJsonObject(item) && Object.hasOwn(item, mergeKey) ? item[mergeKey] : null;
}

/** The place of each identity in a list; the first counts. */
export function placesOf(list: readonly unknown[], mergeKey: string, areObjects: boolean): Map<unknown, number> {
  const places = new Map<unknown, number>();
  list.forEach((item, index) => {
    const identity = identify(item, mergeKey, areObjects);
    if (!places.has(identity)) places.set(identity, index);
  });
  return places;
}

export function requireMergeKeys(list: readonly unknown[], mergeKey: string): void {
  for (const item of list) {
    if (!Object.hasOwn(asMap(item), mergeKey)) throw noMergeKey(item, mergeKey);
  }
}

/**
 * The order of a merged list: items that the patch names in the patch's order, the others in the server's, interleaved so that
 * each comes before what the server had behind it.
 */
export function orderMerged(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string,
): unknown[] {
  const areObjects = mergeKey !== '';
  if (areObjects) {
    requireMergeKeys(merged, mergeKey);
    requireMergeKeys(patchOrder, mergeKey);
  }
  const patchPlaces = placesOf(patchOrder, mergeKey, areObjects);
  const serverPlaces = placesOf(serverOrder, mergeKey, areObjects);
  const place = (item: unknown, places: Map<unknown, number>): number | undefined =>
    places.get(identify(item, mergeKey, areObjects));
  const byPlace = (places: Map<unknown, number>) => (left: unknown, right: unknown) =>
    (place(left, places) ?? 0) - (place(right, places) ?? 0);
  const named = merged.filter((item) => place(item, patchPlaces) !== undefined).toSorted(byPlace(patchPlaces));
  const others = merged.filter((item) => place(item, patchPlaces) === undefined).toSorted(byPlace(serverPlaces));
  const ordered: unknown[] = [];
  let next = 0;
  for (const item of others) {
    const itsPlace = place(item, serverPlaces);
    while (next < named.length) {
      const namedPlace = place(named[next], serverPlaces);
      if (itsPlace !== undefined && namedPlace !== undefined && itsPlace < namedPlace) break;
      ordered.push(named[next++]);
    }
    ordered.push(item);
  }
  return [...ordered, ...named.slice(next)];
}
