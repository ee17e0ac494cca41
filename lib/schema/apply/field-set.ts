import { isJsonObject } from '../../json/path.js';
import { ApplyError } from './errors.js';
import { canonicalElement, compareElements, SELF, type PathElement } from './path-element.js';

/**
 * A set of fields of an object, in the very form of fieldsV1, so that reading and writing it costs nothing: a tree of path
 * elements, in their order. An empty node is a field in the set; a node with others in it is in the set itself when it holds
 * `.`. Sets are never changed once made and share what they have in common. The empty set is undefined.
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

/** Deeper than any object may be. */
const DEPTH_MAX = 10_000;

/** A field in the set with none in it. */
export const LEAF: FieldSet = Object.freeze({});

type Building = Record<PathElement, FieldSet>;

export function isLeaf(node: FieldSet): boolean {
  if (node === LEAF) return true;
  for (const element in node) return element === undefined;
  return true;
}

/** Whether the field of this node is in the set itself. */
export function isMember(node: FieldSet): boolean {
  return isLeaf(node) || Object.hasOwn(node, SELF);
}

/** The node as one that is in the set itself. Undefined: nothing in it is. */
export function asMember(node: FieldSet | undefined): FieldSet {
  if (node === undefined || isLeaf(node)) return LEAF;
  return Object.hasOwn(node, SELF) ? node : { [SELF]: LEAF, ...node };
}

/** A node of children in any order, which is not used any more afterwards; undefined of none. */
export function nodeOf(children: Building): FieldSet | undefined {
  let last: PathElement | undefined;
  let isSorted = true;
  for (const element in children) {
    if (last !== undefined && compareElements(last, element) > 0) {
      isSorted = false;
      break;
    }
    last = element;
  }
  if (last === undefined) return undefined;
  if (isSorted) return children;
  const sorted: Building = {};
  for (const element of Object.keys(children).toSorted(compareElements))
    sorted[element] = children[element] as FieldSet;
  return sorted;
}

/** The fields in either set. */
export function union(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || left === right) return right;
  if (right === undefined) return left;
  if (isLeaf(left)) return asMember(right);
  if (isLeaf(right)) return asMember(left);
  let result: Building | undefined;
  for (const element in right) {
    const theirs = right[element] as FieldSet;
    const ours = Object.hasOwn(left, element) ? left[element] : undefined;
    const both = union(ours, theirs) as FieldSet;
    if (both === ours) continue;
    result ??= { ...left };
    result[element] = both;
  }
  return result === undefined ? left : nodeOf(result);
}

/** The fields of the first set that are not in the second. */
export function difference(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return left;
  if (left === right) return undefined;
  if (isLeaf(left)) return isMember(right) ? undefined : left;
  if (isLeaf(right)) return withoutElement(left, SELF);
  let result: Building | undefined;
  for (const element in right) {
    if (!Object.hasOwn(left, element)) continue;
    const ours = left[element] as FieldSet;
    const rest = difference(ours, right[element]);
    if (rest === ours) continue;
    result ??= { ...left };
    if (rest === undefined) delete result[element];
    else result[element] = rest;
  }
  return result === undefined ? left : compact(result);
}

function withoutElement(node: FieldSet, element: PathElement): FieldSet | undefined {
  if (!Object.hasOwn(node, element)) return node;
  const { [element]: _, ...rest } = node;
  return compact(rest);
}

/** What is left of a node after some of it went. */
function compact(node: FieldSet): FieldSet | undefined {
  let isEmpty = true;
  for (const element in node) {
    if (element !== SELF) return node;
    isEmpty = false;
  }
  return isEmpty ? undefined : LEAF;
}

/** The fields in both sets. */
export function intersection(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return undefined;
  if (left === right) return left;
  if (isLeaf(left)) return isMember(right) ? LEAF : undefined;
  if (isLeaf(right)) return isMember(left) ? LEAF : undefined;
  const result: Building = {};
  for (const element in left) {
    if (!Object.hasOwn(right, element)) continue;
    const both = intersection(left[element], right[element]);
    if (both !== undefined) result[element] = both;
  }
  return compact(result);
}

/** The set without the fields of the second and everything in them. */
export function withoutBranches(set: FieldSet | undefined, branches: FieldSet | undefined): FieldSet | undefined {
  if (set === undefined || branches === undefined) return set;
  if (isMember(branches)) return undefined;
  let result: Building | undefined;
  for (const element in branches) {
    if (!Object.hasOwn(set, element)) continue;
    const ours = set[element] as FieldSet;
    const rest = withoutBranches(ours, branches[element]);
    if (rest === ours) continue;
    result ??= { ...set };
    if (rest === undefined) delete result[element];
    else result[element] = rest;
  }
  return result === undefined ? set : compact(result);
}

/** Whether the field at this path is in the set. */
export function hasField(set: FieldSet | undefined, path: readonly PathElement[]): boolean {
  let node = set;
  for (const element of path) {
    if (node === undefined || !Object.hasOwn(node, element)) return false;
    node = node[element];
  }
  return node !== undefined && path.length > 0 && isMember(node);
}

/** The set of one field. */
export function setOfPath(path: readonly PathElement[]): FieldSet {
  let node = LEAF;
  for (let index = path.length - 1; index >= 0; index--) node = { [path[index] as PathElement]: node };
  return node;
}

/** The paths of all fields in the set: at each level those in it first, then what is in them. */
export function* fieldsOf(set: FieldSet | undefined, path: readonly PathElement[] = []): Generator<PathElement[]> {
  for (const element in set) {
    if (element !== SELF && isMember(set[element] as FieldSet)) yield [...path, element];
  }
  for (const element in set) {
    const node = set[element] as FieldSet;
    if (element !== SELF && !isLeaf(node)) yield* fieldsOf(node, [...path, element]);
  }
}

/**
 * The set that a client wrote as fieldsV1, in canonical form. Elements of types that are not known are left out, as Kubernetes
 * does. Throws `ApplyError`.
 */
export function readFieldSet(fields: unknown): FieldSet | undefined {
  if (fields === undefined || fields === null) return undefined;
  const { node } = readNode(fields, 0);
  return node;
}

function readNode(fields: unknown, depth: number): { node: FieldSet | undefined; isMember: boolean } {
  if (!isJsonObject(fields)) throw new ApplyError('BadManagedFields', 'a set of fields must be an object');
  if (depth > DEPTH_MAX) throw new ApplyError('BadManagedFields', 'a set of fields is too deep');
  const children: Building = {};
  let isSelf = false;
  for (const [given, value] of Object.entries(fields)) {
    if (given === SELF) {
      isSelf = true;
      continue;
    }
    const element = canonicalElement(given);
    if (element === undefined) continue;
    const child = readNode(value, depth + 1);
    const node = child.isMember ? asMember(child.node) : child.node;
    if (node !== undefined) children[element] = union(children[element], node) as FieldSet;
  }
  const node = nodeOf(children);
  return { node, isMember: isSelf || node === undefined };
}
