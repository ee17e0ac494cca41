import { setMember } from '../../json/path.js';
import { isLeaf, isMember, LEAF, type FieldSet } from './field-set.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import { fieldElement, SELF } from './path-element.js';
import { formOf, itemsOf, memberTypeOf, membersOf, tryElementOfItem } from './values.js';

/**
 * A value without the fields of a set, which does not name the value itself. Undefined where nothing of it remains; what holds
 * removed fields stays, empty if need be. Shares with the value, which is not changed.
 */
export function removeFields(type: MergeType, value: unknown, set: FieldSet): unknown {
  switch (formOf(type, value)) {
    case 'scalar':
      return value;
    case 'list':
      return removeItems(type.list as ListType, value, set);
    case 'map':
      return removeMembers(type.map as MapType, value, set);
  }
}

function removeItems(list: ListType, value: unknown, set: FieldSet): unknown {
  const items = itemsOf(value);
  if (items === undefined || items.length === 0 || list.relationship === 'atomic') return undefined;
  const kept: unknown[] = [];
  let isKept = false;
  for (const item of items) {
    const element = tryElementOfItem(list, item);
    const node = element !== undefined && Object.hasOwn(set, element) ? set[element] : undefined;
    if (node !== undefined && isMember(node)) continue;
    if (node !== undefined) isKept = true;
    kept.push(node === undefined ? item : within(list.element, item, node));
  }
  return kept.length > 0 || isKept ? kept : undefined;
}

function removeMembers(map: MapType, value: unknown, set: FieldSet): unknown {
  const members = membersOf(value);
  if (members === undefined || map.isAtomic) return undefined;
  const kept: Record<string, unknown> = {};
  let isKept = false;
  for (const name in members) {
    const member = members[name];
    if (member === undefined) continue;
    const element = fieldElement(name);
    const node = Object.hasOwn(set, element) ? set[element] : undefined;
    if (node !== undefined && isMember(node)) continue;
    isKept = true;
    const type = memberTypeOf(map, name);
    setMember(kept, name, node === undefined || type === undefined ? member : within(type, member, node));
  }
  return isKept ? kept : undefined;
}

function within(type: MergeType, value: unknown, node: FieldSet): unknown {
  if (isLeaf(node)) return value;
  const rest = removeFields(type, value, node);
  if (rest !== undefined) return rest;
  return Array.isArray(value) ? [] : typeof value === 'object' && value !== null ? {} : value;
}

/** The set with every struct member on the way to one of its fields in it as well: as a whole they may go with what is in them. */
export function withNamedMembers(type: MergeType | undefined, set: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const element in set) {
    const node = set[element] as FieldSet;
    if (element === SELF || isLeaf(node)) {
      result[element] = node;
      continue;
    }
    const isField = element.startsWith('f:');
    const name = isField ? element.slice(2) : '';
    const inner = isField ? type?.map && memberTypeOf(type.map, name) : type?.list?.element;
    const named = withNamedMembers(inner, node);
    const isNamed = isField && type?.map?.fields.has(name) === true;
    result[element] = isNamed && !Object.hasOwn(named, SELF) ? { [SELF]: LEAF, ...named } : named;
  }
  return result;
}

/** The set after lists and objects of its schema became atomic: who owned something in them owns them as a whole. */
export function reconcileSet(type: MergeType | undefined, set: FieldSet): FieldSet {
  if (type === undefined || isLeaf(set)) return set;
  let result: Record<string, FieldSet> | undefined;
  for (const element in set) {
    if (element === SELF) continue;
    const node = set[element] as FieldSet;
    const isField = element.startsWith('f:');
    const { map, list } = type;
    const inner = isField ? map && memberTypeOf(map, element.slice(2)) : list?.element;
    if (inner === undefined || isLeaf(node) || map?.isDeduced === true) continue;
    const isAtomic = holdsMembers(node) ? inner.map?.isAtomic === true : inner.list?.relationship === 'atomic';
    const reconciled = isAtomic ? LEAF : reconcileSet(inner, node);
    if (reconciled === node) continue;
    result ??= { ...set };
    result[element] = reconciled;
  }
  return result ?? set;
}

function holdsMembers(node: FieldSet): boolean {
  for (const element in node) if (element.startsWith('f:')) return true;
  return false;
}
