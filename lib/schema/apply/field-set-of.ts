import { asMember, isMember, LEAF, nodeOf, type FieldSet } from './field-set.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import { fieldElement, SELF } from './path-element.js';
import { formOf, hasMembers, indexItems, itemsOf, memberTypeOf, membersOf } from './values.js';

/**
 * The fields that a configuration with this value sets: its leaves, the items of its lists, and members that no schema names.
 * Objects with members are not in it themselves: who applies one member does not own the object around it.
 */
export function fieldSetOf(type: MergeType, value: unknown): FieldSet | undefined {
  switch (formOf(type, value)) {
    case 'scalar':
      return LEAF;
    case 'list':
      return setOfList(type.list as ListType, value);
    case 'map':
      return setOfMap(type.map as MapType, value);
  }
}

function setOfList(list: ListType, value: unknown): FieldSet | undefined {
  if (list.relationship === 'atomic') return LEAF;
  const items = itemsOf(value);
  if (items === undefined) return undefined;
  const children: Record<string, FieldSet> = {};
  for (const [element, same] of indexItems(list, items)) {
    children[element] = same.length > 1 ? LEAF : asMember(fieldSetOf(list.element, same[0]));
  }
  return nodeOf(children);
}

function setOfMap(map: MapType, value: unknown): FieldSet | undefined {
  if (map.isAtomic) return LEAF;
  const members = membersOf(value);
  if (members === undefined) return undefined;
  const children: Record<string, FieldSet> = {};
  for (const name in members) {
    const member = members[name];
    const type = memberTypeOf(map, name);
    if (member === undefined || type === undefined) continue;
    const node = fieldSetOf(type, member);
    const isOwn = member === null || isEmptyObject(member) || !map.fields.has(name);
    const child = isOwn ? asMember(node) : node;
    if (child !== undefined) children[fieldElement(name)] = child;
  }
  return nodeOf(children);
}

function isEmptyObject(value: unknown): boolean {
  const members = membersOf(value);
  return members !== undefined && !hasMembers(members);
}

/** All fields of a value that came or went as a whole: it, and everything in it that can be owned. */
export function wholeSetOf(type: MergeType, value: unknown): FieldSet {
  switch (formOf(type, value)) {
    case 'scalar':
      return LEAF;
    case 'list':
      return wholeList(type.list as ListType, value);
    case 'map':
      return wholeMap(type.map as MapType, value);
  }
}

function wholeList(list: ListType, value: unknown): FieldSet {
  const items = itemsOf(value);
  if (list.relationship === 'atomic' || items === undefined || items.length === 0) return LEAF;
  const children: Record<string, FieldSet> = {};
  for (const [element, same] of indexItems(list, items)) {
    children[element] = same.length > 1 ? LEAF : wholeSetOf(list.element, same[0]);
  }
  return asMember(nodeOf(children));
}

function wholeMap(map: MapType, value: unknown): FieldSet {
  const members = membersOf(value);
  if (map.isAtomic || members === undefined) return LEAF;
  const children: Record<string, FieldSet> = {};
  for (const name in members) {
    const type = memberTypeOf(map, name);
    if (type !== undefined && members[name] !== undefined)
      children[fieldElement(name)] = wholeSetOf(type, members[name]);
  }
  return asMember(nodeOf(children));
}

/** The fields of a set that a value has: a set must not name what is not there. */
export function existingFields(type: MergeType, value: unknown, set: FieldSet): FieldSet | undefined {
  switch (formOf(type, value)) {
    case 'scalar':
      return onlySelf(set);
    case 'list':
      return existingItems(type.list as ListType, value, set);
    case 'map':
      return existingMembers(type.map as MapType, value, set);
  }
}

function onlySelf(set: FieldSet): FieldSet | undefined {
  return isMember(set) ? LEAF : undefined;
}

function existingItems(list: ListType, value: unknown, set: FieldSet): FieldSet | undefined {
  const items = itemsOf(value);
  if (list.relationship === 'atomic' || items === undefined) return onlySelf(set);
  let index: Map<string, unknown[]> | undefined;
  return keepChildren(set, (element, node) => {
    index ??= indexItems(list, items);
    const same = index.get(element);
    if (same === undefined) return undefined;
    return same.length > 1 ? onlySelf(node) : existingFields(list.element, same[0], node);
  });
}

function existingMembers(map: MapType, value: unknown, set: FieldSet): FieldSet | undefined {
  const members = membersOf(value);
  if (map.isAtomic || members === undefined) return onlySelf(set);
  return keepChildren(set, (element, node) => {
    if (!element.startsWith('f:')) return undefined;
    const name = element.slice(2);
    const type = memberTypeOf(map, name);
    if (type === undefined || !Object.hasOwn(members, name) || members[name] === undefined) return undefined;
    return existingFields(type, members[name], node);
  });
}

/** The node with what `keep` makes of its children; itself where nothing changes. */
function keepChildren(
  set: FieldSet,
  keep: (element: string, node: FieldSet) => FieldSet | undefined,
): FieldSet | undefined {
  let result: Record<string, FieldSet> | undefined;
  for (const element in set) {
    if (element === SELF) continue;
    const node = set[element] as FieldSet;
    const kept = keep(element, node);
    if (kept === node) continue;
    result ??= { ...set };
    if (kept === undefined) delete result[element];
    else result[element] = kept;
  }
  if (result === undefined) return set;
  for (const element in result) if (element !== SELF) return result;
  return SELF in result ? LEAF : undefined;
}
