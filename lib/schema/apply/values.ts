import { isJsonObject } from '../../json/path.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import { keyElement, valueElement, type PathElement } from './path-element.js';

export type Form = 'map' | 'scalar' | 'list';
export type Members = Record<string, unknown>;

/** The form in which a value of a type is looked at: its own where the type has it, else the first that the type has. */
export function formOf(type: MergeType, value: unknown): Form {
  if (Array.isArray(value)) {
    if (type.list !== undefined) return 'list';
  } else if (typeof value === 'object') {
    if (value !== null && type.map !== undefined) return 'map';
  } else if (value !== undefined && type.scalar !== undefined) {
    return 'scalar';
  }
  return type.map !== undefined ? 'map' : type.scalar !== undefined ? 'scalar' : 'list';
}

/** The members of a value; undefined where it has none, a null among them. */
export function membersOf(value: unknown): Members | undefined {
  return isJsonObject(value) ? value : undefined;
}

export function itemsOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function hasMembers(members: Members | undefined): members is Members {
  if (members === undefined) return false;
  for (const name in members) if (members[name] !== undefined) return true;
  return false;
}

export function memberTypeOf(map: MapType, name: string): MergeType | undefined {
  return map.fields.get(name)?.type ?? map.element;
}

export class UnidentifiedItem extends Error {
  readonly code = 'UnidentifiedItem';
}

/** What identifies an item of a list that is not atomic. Throws `UnidentifiedItem` where nothing does. */
export function elementOfItem(list: ListType, item: unknown): PathElement {
  if (list.relationship === 'map') return elementOfKeyed(list, item);
  if (Array.isArray(item)) throw new UnidentifiedItem('not supported: associative list with lists as elements');
  if (item === null) throw new UnidentifiedItem("associative list without keys has an element that's an explicit null");
  if (typeof item === 'object')
    throw new UnidentifiedItem("associative list without keys has an element that's a map type");
  return valueElement(item);
}

function elementOfKeyed(list: ListType, item: unknown): PathElement {
  if (item === null) throw new UnidentifiedItem('associative list with keys may not have a null element');
  if (!isJsonObject(item)) throw new UnidentifiedItem('associative list with keys may not have non-map elements');
  const keys: [string, unknown][] = [];
  for (const key of list.keys) {
    const value = Object.hasOwn(item, key.name) ? (item[key.name] ?? key.default) : key.default;
    if (value !== undefined) keys.push([key.name, value]);
  }
  if (keys.length === 0 && list.keys.length > 0) {
    const names = list.keys.map(({ name }) => JSON.stringify(name)).join(' ');
    throw new UnidentifiedItem(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(keys);
}

/** The items of a list by what identifies them, in their order; several of one identity are duplicates. Others are left out. */
export function indexItems(list: ListType, items: readonly unknown[]): Map<PathElement, unknown[]> {
  const index = new Map<PathElement, unknown[]>();
  for (const item of items) {
    const element = tryElementOfItem(list, item);
    if (element === undefined) continue;
    const known = index.get(element);
    if (known === undefined) index.set(element, [item]);
    else known.push(item);
  }
  return index;
}

export function tryElementOfItem(list: ListType, item: unknown): PathElement | undefined {
  try {
    return elementOfItem(list, item);
  } catch (error) {
    if (error instanceof UnidentifiedItem) return undefined;
    throw error;
  }
}
