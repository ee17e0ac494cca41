import { STRICT_ERRORS_MAX } from '../../json/limits.js';
import { formatJsonPath, isJsonObject, setMember } from '../../json/path.js';
import type { Schema, SchemaSource } from '../schema.js';
import { shapeOf, type Shape } from './shape.js';

export interface PruneOptions {
  /** The paths of the dropped members are added here, sorted, at most `STRICT_ERRORS_MAX`. */
  paths?: string[];
}

/** Paths collected before they are sorted. */
const FOUND_MAX = 10_000;
const ROOT_MEMBERS = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Drops the members that a schema does not have, as structural schemas do for custom resources: types are not looked at,
 * `x-kubernetes-preserve-unknown-fields` keeps, and the root and embedded resources have apiVersion, kind and metadata
 * anyway. Shares what did not change with the input, which is not changed.
 */
export function pruneUnknown<T>(schema: Schema, object: T, source: SchemaSource, options: PruneOptions = {}): T {
  const found: string[] = [];
  const pruned = pruneValue(shapeOf(schema, source), object, { path: [], found, isResource: true });
  options.paths?.push(...found.toSorted().slice(0, STRICT_ERRORS_MAX));
  return pruned as T;
}

interface Pruning {
  path: (string | number)[];
  found: string[];
  isResource: boolean;
}

function pruneValue(shape: Shape, value: unknown, pruning: Pruning): unknown {
  const isResource = pruning.isResource || shape.embedded;
  pruning.isResource = false;
  if (Array.isArray(value)) return pruneList(shape, value, pruning);
  if (!isJsonObject(value) || isUntyped(shape)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    pruning.path.push(name);
    const kept = pruneMember(shape, name, value[name], isResource, pruning);
    pruning.path.pop();
    if (kept === value[name] && (kept !== undefined || Object.hasOwn(value, name))) {
      if (copy !== undefined) setMember(copy, name, kept);
      continue;
    }
    copy ??= copyBefore(value, name);
    if (kept !== undefined) setMember(copy, name, kept);
  }
  return copy ?? value;
}

/** Only a node without any type leaves objects alone that it does not describe. */
function isUntyped(shape: Shape): boolean {
  return shape.kind === 'any' && shape.schema.type === undefined && !shape.keepsUnknown;
}

function pruneMember(shape: Shape, name: string, value: unknown, isResource: boolean, pruning: Pruning): unknown {
  const field = shape.fields.get(name) ?? shape.element;
  if (isResource && ROOT_MEMBERS.has(name)) return value;
  if (field !== undefined) return pruneValue(field.shape, value, pruning);
  if (shape.keepsUnknown) return value;
  if (pruning.found.length < FOUND_MAX) pruning.found.push(formatJsonPath(pruning.path));
  return undefined;
}

function pruneList(shape: Shape, value: unknown[], pruning: Pruning): unknown[] {
  const element = shape.element?.shape;
  if (element === undefined) return value;
  let copy: unknown[] | undefined;
  for (let index = 0; index < value.length; index++) {
    pruning.path.push(index);
    const kept = pruneValue(element, value[index], pruning);
    pruning.path.pop();
    if (kept === value[index]) continue;
    copy ??= [...value];
    copy[index] = kept;
  }
  return copy ?? value;
}

function copyBefore(value: Record<string, unknown>, end: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (name === end) break;
    setMember(copy, name, value[name]);
  }
  return copy;
}
