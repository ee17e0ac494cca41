import { isJsonObject, setMember } from '../../json/path.js';
import { shapeOf, type Field, type Shape } from '../engine/shape.js';
import type { Schema, SchemaSource } from '../schema.js';
import { PatchError } from './errors.js';
import { goPrint } from './go-print.js';
import { withoutNulls } from './merge-patch.js';
import {
  asList,
  asMap,
  badDirective,
  badType,
  DELETE_FROM_PRIMITIVE_LIST,
  DIRECTIVE,
  holdsObjects,
  identify,
  noMergeKey,
  orderMerged,
  placesOf,
  RETAIN_KEYS,
  SET_ELEMENT_ORDER,
  type Member,
} from './strategic-lists.js';

const DELETE = 'delete';
const REPLACE = 'replace';
const MERGE = 'merge';
const BAD_SET_ELEMENT_ORDER = 'invalid patch format of setElementOrder list';

/** What the schema says of merging one member. */
interface Strategy {
  shape: Shape | undefined;
  /** Of the items, when the member is a list. */
  element: Shape | undefined;
  action: string;
  mergeKey: string;
}

/**
 * Strategic merge patch with all its directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`),
 * by the merge keys and strategies of the schema. Nothing given is changed. Throws `PatchError`.
 */
export function strategicMergePatch(
  current: Record<string, unknown>,
  patch: unknown,
  schema: Schema,
  source: SchemaSource,
): Record<string, unknown> {
  if (!isJsonObject(patch)) throw new PatchError('BadPatch', 'invalid JSON document');
  return mergeMap(current, patch, shapeOf(schema, source));
}

function mergeMap(current: Member, given: Member, shape: Shape | undefined): Member {
  if (Object.hasOwn(given, DIRECTIVE)) return applyDirective(given);
  const patch = { ...given };
  const result = retainKeys(current, patch);
  setElementOrders(result, patch, shape);
  for (const name of Object.keys(patch)) mergeMember(result, name, patch[name], shape);
  return result;
}

function applyDirective(patch: Member): Member {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === REPLACE) return rest;
  if (directive === DELETE) return {};
  throw badDirective(directive, patch);
}

/** A copy of the object without the members that a `$retainKeys` of the patch leaves out; takes the directive from the patch. */
function retainKeys(current: Member, patch: Member): Member {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return { ...current };
  const names = patch[RETAIN_KEYS];
  delete patch[RETAIN_KEYS];
  const invalid = new PatchError('BadPatch', 'invalid patch format of retainKeys');
  if (!Array.isArray(names)) throw invalid;
  const retained = new Set<unknown>(names);
  for (const name of Object.keys(patch)) {
    const isDirective = name.startsWith(DELETE_FROM_PRIMITIVE_LIST) || name.startsWith(SET_ELEMENT_ORDER);
    if (patch[name] !== null && !isDirective && !retained.has(name)) throw invalid;
  }
  const kept: Member = {};
  for (const name of Object.keys(current)) if (retained.has(name)) setMember(kept, name, current[name]);
  return kept;
}

/** Merges and orders every list for which the patch holds an order; takes order and list from the patch. */
function setElementOrders(result: Member, patch: Member, shape: Shape | undefined): void {
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(SET_ELEMENT_ORDER)) continue;
    const order = asList(patch[directive]);
    delete patch[directive];
    const name = listNameOf(directive, SET_ELEMENT_ORDER, BAD_SET_ELEMENT_ORDER);
    const hasCurrent = Object.hasOwn(result, name);
    const hasPatch = Object.hasOwn(patch, name);
    const current = hasCurrent ? asList(result[name]) : [];
    const changes = hasPatch ? asList(patch[name]) : [];
    const strategy = strategyOf(shape, name, true);
    checkOrder(changes, order, strategy.mergeKey);
    if (!hasCurrent && !hasPatch) continue;
    const merged =
      hasCurrent && hasPatch ? mergeList(current, changes, strategy, false) : hasPatch ? addable(changes) : current;
    if (merged.length > 0 || current.length > 0) holdsObjects(current, changes);
    setMember(result, name, orderMerged(merged, order, current, strategy.mergeKey));
    delete patch[name];
  }
}

function listNameOf(directive: string, prefix: string, invalid: string): string {
  if (!directive.startsWith(`${prefix}/`)) throw new PatchError('BadPatch', invalid);
  return directive.slice(prefix.length + 1);
}

/** The items of the patch must come in the order that the patch gives. */
function checkOrder(changes: unknown[], order: unknown[], mergeKey: string): void {
  if (changes.length === 0 || order.length === 0) return;
  const isKeyed = mergeKey !== '';
  const named = isKeyed ? changes.filter((item) => !Object.hasOwn(asMap(item), DIRECTIVE)) : changes;
  let next = 0;
  for (const item of order) {
    if (next === named.length) return;
    if (isKeyed && !Object.hasOwn(asMap(item), mergeKey)) throw noMergeKey(item, mergeKey);
    if (isKeyed && !Object.hasOwn(asMap(named[next]), mergeKey)) throw noMergeKey(named[next], mergeKey);
    if (identify(item, mergeKey, isKeyed) === identify(named[next], mergeKey, isKeyed)) next++;
  }
  if (next < named.length) {
    throw new PatchError(
      'BadPatch',
      `The order in patch list:\n${goPrint(changes)}\n doesn't match ${SET_ELEMENT_ORDER} list:\n${goPrint(order)}\n`,
    );
  }
}

function mergeMember(result: Member, given: string, change: unknown, shape: Shape | undefined): void {
  const isDeleteList = given.startsWith(DELETE_FROM_PRIMITIVE_LIST);
  const name = isDeleteList
    ? listNameOf(given, DELETE_FROM_PRIMITIVE_LIST, 'invalid patch format of primitive list')
    : given;
  if (change === null) {
    delete result[name];
    return;
  }
  const current = Object.hasOwn(result, name) ? result[name] : undefined;
  if (isJsonObject(current) && isJsonObject(change)) {
    const strategy = strategyOf(shape, name, false);
    setMember(result, name, strategy.action === REPLACE ? change : mergeMap(current, change, strategy.shape));
  } else if (Array.isArray(current) && Array.isArray(change)) {
    setMember(result, name, mergeList(current, change, strategyOf(shape, name, true), isDeleteList));
  } else if (!isDeleteList) {
    const added = withoutDirectives(withoutNulls(change));
    if (added === undefined) delete result[name];
    else setMember(result, name, added);
  }
}

function strategyOf(shape: Shape | undefined, name: string, isList: boolean): Strategy {
  const field = fieldOf(shape, name);
  const strategies = field?.schema['x-kubernetes-patch-strategy']?.split(',') ?? [];
  return {
    shape: field?.shape,
    element: isList ? field?.shape.element?.shape : undefined,
    action: strategies.find((strategy) => strategy !== 'retainKeys') ?? '',
    mergeKey: field?.schema['x-kubernetes-patch-merge-key'] ?? '',
  };
}

function fieldOf(shape: Shape | undefined, name: string): Field | undefined {
  if (shape === undefined || shape.kind === 'any') return undefined;
  const field = shape.fields.get(name) ?? shape.element;
  if (field === undefined && !shape.keepsUnknown) {
    throw new PatchError(
      'BadPatch',
      `unable to find api field in struct ${shape.name} for the json field ${JSON.stringify(name)}`,
    );
  }
  return field;
}

function mergeList(current: unknown[], changes: unknown[], strategy: Strategy, isDeleteList: boolean): unknown[] {
  if (strategy.action !== MERGE && !isDeleteList) return changes;
  if (current.length === 0 && changes.length === 0) return current;
  if (!holdsObjects(current, changes)) {
    if (isDeleteList) return current.filter((item) => !changes.includes(item));
    return orderMerged([...new Set([...current, ...changes])], changes, current, '');
  }
  const { mergeKey } = strategy;
  if (mergeKey === '') {
    throw new PatchError('BadPatch', `cannot merge lists without merge key for ${strategy.element?.name ?? 'list'}`);
  }
  const { kept, replaced, plain } = applyItemDirectives(current, changes, mergeKey);
  if (replaced) return orderMerged(plain, [], plain, mergeKey);
  return orderMerged(mergeItems(kept, plain, mergeKey, strategy.element), plain, kept, mergeKey);
}

/** Takes the items with `$patch` out of the changes and does what they say. */
function applyItemDirectives(
  current: unknown[],
  changes: unknown[],
  mergeKey: string,
): { kept: unknown[]; replaced: boolean; plain: unknown[] } {
  let kept = current;
  let replaced = false;
  const plain: unknown[] = [];
  for (const change of changes) {
    const item = asMap(change);
    const directive = Object.hasOwn(item, DIRECTIVE) ? item[DIRECTIVE] : undefined;
    if (directive === undefined) plain.push(item);
    else if (directive === REPLACE) replaced = true;
    else if (directive === DELETE) kept = withoutItem(kept, item, mergeKey);
    else if (directive === MERGE) {
      throw new PatchError('BadPatch', 'merging lists cannot yet be specified in the patch');
    } else throw badDirective(directive, item);
  }
  return { kept, replaced, plain };
}

function withoutItem(list: unknown[], item: Member, mergeKey: string): unknown[] {
  if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
  return list.filter((one) => identify(one, mergeKey, true) !== item[mergeKey]);
}

function mergeItems(current: unknown[], changes: unknown[], mergeKey: string, element: Shape | undefined): unknown[] {
  const merged = [...current];
  const places = placesOf(merged, mergeKey, true);
  for (const change of changes) {
    const item = asMap(change);
    if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
    const place = places.get(item[mergeKey]);
    if (place === undefined) {
      places.set(item[mergeKey], merged.length);
      merged.push(item);
    } else {
      const existing = merged[place];
      if (!isJsonObject(existing)) throw badType({}, existing);
      merged[place] = mergeMap(existing, item, element);
    }
  }
  return merged;
}

/** Items of a list that is not there yet. */
function addable(changes: unknown[]): unknown[] {
  return changes.map(withoutDirectives).filter((item) => item !== undefined);
}

/** A newly added value: maps with `$patch` are no values, and orders and retained keys are met by being new. Undefined: nothing. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return addable(value);
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const kept: Member = {};
  for (const name of Object.keys(value)) {
    if (isDirectiveName(name)) continue;
    const member = withoutDirectives(value[name]);
    if (member !== undefined) setMember(kept, name, member);
  }
  return kept;
}

function isDirectiveName(name: string): boolean {
  return (
    name === RETAIN_KEYS ||
    name.startsWith(`${SET_ELEMENT_ORDER}/`) ||
    name.startsWith(`${DELETE_FROM_PRIMITIVE_LIST}/`)
  );
}
