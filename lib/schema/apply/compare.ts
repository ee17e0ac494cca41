import { deepEqual } from '../../api/equality.js';
import { LEAF, nodeOf, union, type FieldSet } from './field-set.js';
import { wholeSetOf } from './field-set-of.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import { fieldElement, type PathElement } from './path-element.js';
import { formOf, hasMembers, indexItems, itemsOf, memberTypeOf, membersOf, type Form, type Members } from './values.js';

/** What differs between two values: no field is in more than one of the sets. */
export interface Comparison {
  readonly added: FieldSet | undefined;
  readonly modified: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

const MODIFIED: Comparison = { added: undefined, modified: LEAF, removed: undefined };

/** Collects the differences of the members or items of one value. */
class Differences {
  #added: Record<PathElement, FieldSet> | undefined;
  #modified: Record<PathElement, FieldSet> | undefined;
  #removed: Record<PathElement, FieldSet> | undefined;

  add(element: PathElement, set: FieldSet | undefined): void {
    if (set !== undefined) (this.#added ??= {})[element] = set;
  }

  modify(element: PathElement, set: FieldSet | undefined): void {
    if (set !== undefined) (this.#modified ??= {})[element] = set;
  }

  remove(element: PathElement, set: FieldSet | undefined): void {
    if (set !== undefined) (this.#removed ??= {})[element] = set;
  }

  within(element: PathElement, comparison: Comparison | undefined): void {
    if (comparison === undefined) return;
    this.add(element, comparison.added);
    this.modify(element, comparison.modified);
    this.remove(element, comparison.removed);
  }

  result(): Comparison | undefined {
    const [added, modified, removed] = [this.#added, this.#modified, this.#removed];
    if (added === undefined && modified === undefined && removed === undefined) return undefined;
    return {
      added: added && nodeOf(added),
      modified: modified && nodeOf(modified),
      removed: removed && nodeOf(removed),
    };
  }
}

/** What differs between two values of a type; undefined when nothing does. */
export function compareValues(type: MergeType, left: unknown, right: unknown): Comparison | undefined {
  if (left === right) return undefined;
  const leftForm = formOf(type, left);
  const rightForm = formOf(type, right);
  const comparison = compareAs(leftForm, type, left, right);
  if (leftForm === rightForm) return comparison;
  return both(comparison, compareAs(rightForm, type, left, right));
}

function both(left: Comparison | undefined, right: Comparison | undefined): Comparison | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return {
    added: union(left.added, right.added),
    modified: union(left.modified, right.modified),
    removed: union(left.removed, right.removed),
  };
}

function compareAs(form: Form, type: MergeType, left: unknown, right: unknown): Comparison | undefined {
  switch (form) {
    case 'scalar':
      return compareLeaves(left, right);
    case 'list':
      return compareLists(type.list as ListType, left, right);
    case 'map':
      return compareMaps(type.map as MapType, left, right);
  }
}

function compareLeaves(left: unknown, right: unknown): Comparison | undefined {
  return deepEqual(left, right) ? undefined : MODIFIED;
}

function compareMaps(map: MapType, left: unknown, right: unknown): Comparison | undefined {
  const before = membersOf(left);
  const after = membersOf(right);
  if (map.isAtomic || (!hasMembers(before) && !hasMembers(after))) return compareLeaves(left, right);
  return compareMembers(map, before ?? {}, after ?? {});
}

/** What differs between the members of two objects, but for those that `skip` names. */
export function compareMembers(
  map: MapType,
  before: Members,
  after: Members,
  skip?: ReadonlySet<string>,
): Comparison | undefined {
  const differences = new Differences();
  for (const name in before) {
    const left = before[name];
    if (left === undefined || skip?.has(name) === true) continue;
    const type = memberTypeOf(map, name);
    if (type === undefined) continue;
    const right = Object.hasOwn(after, name) ? after[name] : undefined;
    if (right !== undefined) {
      if (left !== right) differences.within(fieldElement(name), compareValues(type, left, right));
    } else if (isStruct(map, name, left)) {
      differences.within(fieldElement(name), compareValues(type, left, emptyLike(left)));
    } else {
      differences.remove(fieldElement(name), wholeSetOf(type, left));
    }
  }
  for (const name in after) {
    const right = after[name];
    if (right === undefined || (Object.hasOwn(before, name) && before[name] !== undefined)) continue;
    if (skip?.has(name) === true) continue;
    const type = memberTypeOf(map, name);
    if (type === undefined) continue;
    if (isStruct(map, name, right)) {
      differences.within(fieldElement(name), compareValues(type, emptyLike(right), right));
    } else {
      differences.add(fieldElement(name), wholeSetOf(type, right));
    }
  }
  return differences.result();
}

/** A member that Go has also where JSON does not: only what is in it comes and goes. */
function isStruct(map: MapType, name: string, value: unknown): boolean {
  return typeof value === 'object' && value !== null && map.fields.get(name)?.isAlwaysThere === true;
}

function emptyLike(value: unknown): unknown {
  return Array.isArray(value) ? [] : {};
}

function compareLists(list: ListType, left: unknown, right: unknown): Comparison | undefined {
  const before = itemsOf(left) ?? [];
  const after = itemsOf(right) ?? [];
  if (list.relationship === 'atomic' || (before.length === 0 && after.length === 0)) return compareLeaves(left, right);
  // Most lists have not changed, and telling that is cheaper than naming their items.
  if (before.length === after.length && deepEqual(before, after)) return undefined;
  const leftItems = indexItems(list, before);
  const rightItems = indexItems(list, after);
  const differences = new Differences();
  for (const [element, same] of leftItems) {
    compareItems(list, element, { left: same, right: rightItems.get(element) ?? [] }, differences);
  }
  for (const [element, same] of rightItems) {
    if (!leftItems.has(element)) compareItems(list, element, { left: [], right: same }, differences);
  }
  return differences.result();
}

/** Duplicates are one value: they change, come and go as a whole. */
function compareItems(
  list: ListType,
  element: PathElement,
  items: { left: readonly unknown[]; right: readonly unknown[] },
  differences: Differences,
): void {
  const { left, right } = items;
  if (left.length > 1 && right.length > 1) {
    differences.modify(element, deepEqual(left, right) ? undefined : LEAF);
    return;
  }
  if (left.length > 1) {
    if (right.length === 1) differences.add(element, wholeSetOf(list.element, right[0]));
    differences.remove(element, LEAF);
    return;
  }
  if (right.length > 1) {
    if (left.length === 1) differences.remove(element, wholeSetOf(list.element, left[0]));
    differences.add(element, LEAF);
    return;
  }
  if (left.length === 0) differences.add(element, wholeSetOf(list.element, right[0]));
  else if (right.length === 0) differences.remove(element, wholeSetOf(list.element, left[0]));
  else differences.within(element, compareValues(list.element, left[0], right[0]));
}
