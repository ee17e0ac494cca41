import { setMember } from '../../json/path.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import type { PathElement } from './path-element.js';
import {
  elementOfItem,
  formOf,
  hasMembers,
  indexItems,
  itemsOf,
  memberTypeOf,
  membersOf,
  tryElementOfItem,
} from './values.js';

/**
 * The present value with a configuration merged into it: objects member by member, keyed lists item by item, everything else as the
 * configuration has it. Shares with both, which are not changed.
 */
export function mergeValues(type: MergeType, present: unknown, config: unknown): unknown {
  if (config === undefined || present === config) return present;
  if (present === undefined) return config;
  const form = formOf(type, config);
  if (form === 'scalar') return config;
  return form === 'map'
    ? mergeMaps(type.map as MapType, present, config)
    : mergeLists(type.list as ListType, present, config);
}

function mergeMaps(map: MapType, present: unknown, config: unknown): unknown {
  const before = membersOf(present);
  const after = membersOf(config);
  if (map.isAtomic || (!hasMembers(before) && !hasMembers(after))) return config;
  const merged: Record<string, unknown> = {};
  for (const name in before) {
    const type = memberTypeOf(map, name);
    const given = after !== undefined && Object.hasOwn(after, name) ? after[name] : undefined;
    setMember(merged, name, type === undefined ? before[name] : mergeValues(type, before[name], given));
  }
  for (const name in after) {
    if (before === undefined || !Object.hasOwn(before, name)) setMember(merged, name, after[name]);
  }
  return merged;
}

function mergeLists(list: ListType, present: unknown, config: unknown): unknown {
  const before = itemsOf(present) ?? [];
  const after = itemsOf(config) ?? [];
  if (list.relationship === 'atomic' || (before.length === 0 && after.length === 0)) return config;
  return mergeItems(list, before, after);
}

interface Item {
  readonly element: PathElement | undefined;
  readonly value: unknown;
}

/**
 * Items of both lists keep their order among each other. Where the lists do not agree on the order of what both have, the
 * configuration's order holds; what only the present list has stays before the item that it stood before.
 */
function mergeItems(list: ListType, before: readonly unknown[], after: readonly unknown[]): unknown[] {
  const beforeIndex = indexItems(list, before);
  const afterIndex = indexItems(list, after);
  const ours: Item[] = before.map((value) => ({ element: tryElementOfItem(list, value), value }));
  const theirs: Item[] = after.map((value) => ({ element: elementOfItem(list, value), value }));
  const shared = theirs.filter(({ element }) => beforeIndex.has(element as string)).map(({ element }) => element);
  const isShared = ({ element }: Item): boolean => element !== undefined && afterIndex.has(element);
  const merged: unknown[] = [];
  const take = ({ element, value }: Item): void => {
    const same = beforeIndex.get(element as string) ?? [];
    // Duplicates are replaced as a whole: there is no telling which of them is meant.
    merged.push(same.length === 1 ? mergeValues(list.element, same[0], value) : value);
  };
  let next = 0;
  let nextShared = 0;
  for (let index = 0; index < ours.length;) {
    const item = ours[index] as Item;
    if (!isShared(item)) {
      merged.push(item.value);
      index++;
      continue;
    }
    const wanted = shared[nextShared];
    if (wanted === undefined || item.element !== wanted) {
      // It comes, or came, at the place the configuration gives it.
      index++;
      continue;
    }
    while (next < theirs.length) {
      const given = theirs[next] as Item;
      next++;
      take(given);
      if (given.element === wanted) break;
    }
    nextShared++;
    index++;
  }
  for (; next < theirs.length; next++) take(theirs[next] as Item);
  return merged;
}
