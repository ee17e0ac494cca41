import { isJsonObject, setMember } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import type { Schema, SchemaSource } from '../schema.js';
import { shapeOf, type Field, type Shape } from './shape.js';

export interface DefaultOptions {
  /**
   * For built-in kinds: their schemas give Go's zero value (`""`, 0, false, `{}`) as default of every member that is no
   * pointer. Those are not written, and nulls stay for the decoder.
   */
  goZeroValues?: boolean;
}

/**
 * Fills in the defaults of a schema, through members, list items and map values, as structural schemas do: an absent member
 * takes its default, a null that is not nullable takes it too, or is dropped where there is none. Shares what did not change with
 * the input, which is not changed; defaults themselves are copied.
 */
export function applyDefaults<T>(schema: Schema, object: T, source: SchemaSource, options: DefaultOptions = {}): T {
  const shape = shapeOf(schema, source);
  return (
    options.goZeroValues === true ? defaultBuiltin(shape, object) : defaultStructural(shape, object, new Growth())
  ) as T;
}

/** Characters that defaults may add to one object: no object that is stored is larger. */
const GROWTH_MAX = 1_572_864;

/** Defaults of the items of a list, or of large texts, make of a small object one that is too large for anything. */
export class DefaultsTooLargeError extends Error {
  readonly code = 'DefaultsTooLarge';

  constructor() {
    super(`the defaults of its definition would make the object larger than ${GROWTH_MAX} bytes`);
    this.name = 'DefaultsTooLargeError';
  }
}

/** What defaults have added to one object. */
class Growth {
  #characters = 0;

  /** A default, to be put into the object. */
  copyOf(value: unknown): unknown {
    this.#characters += sizeOf(value);
    if (this.#characters > GROWTH_MAX) throw new DefaultsTooLargeError();
    return copyOf(value);
  }
}

const sizes = new WeakMap<object, number>();

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 1;
  let size = sizes.get(value);
  if (size === undefined) sizes.set(value, (size = stringifyJson(value).length));
  return size;
}

function defaultStructural(shape: Shape, value: unknown, growth: Growth): unknown {
  if (Array.isArray(value)) {
    const element = shape.element;
    if (element === undefined || shape.kind !== 'list') return value;
    return mapList(value, (item) => {
      const given = isRefusedNull(item, element) ? growth.copyOf(defaultOf(element) ?? null) : item;
      return defaultStructural(element.shape, given, growth);
    });
  }
  if (!isJsonObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [name, field] of shape.fields) {
    if (Object.hasOwn(value, name) && !isRefusedNull(value[name], field)) continue;
    const given = defaultOf(field);
    if (given === undefined && !Object.hasOwn(value, name)) continue;
    copy ??= { ...value };
    if (given === undefined) delete copy[name];
    else setMember(copy, name, growth.copyOf(given));
  }
  return defaultMembers(shape, copy ?? value, { growth, isOwn: copy !== undefined });
}

/** Goes through the members that are there now. */
function defaultMembers(
  shape: Shape,
  value: Record<string, unknown>,
  { growth, isOwn }: { growth: Growth; isOwn: boolean },
): Record<string, unknown> {
  let copy = isOwn ? value : undefined;
  for (const name of Object.keys(value)) {
    const field = shape.fields.get(name) ?? shape.element;
    if (field === undefined) continue;
    let given = value[name];
    if (isRefusedNull(given, field)) given = growth.copyOf(defaultOf(field));
    const filled = given === undefined ? undefined : defaultStructural(field.shape, given, growth);
    if (filled === value[name]) continue;
    copy ??= { ...value };
    if (filled === undefined) delete copy[name];
    else setMember(copy, name, filled);
  }
  return copy ?? value;
}

/** The members of a shape, or its element, at or below which lies a default that is more than a zero value. */
interface DefaultPlan {
  fields: [string, Field][];
  element: Field | undefined;
}

const plans = new WeakMap<Shape, DefaultPlan>();

function planOf(shape: Shape): DefaultPlan {
  let plan = plans.get(shape);
  if (plan === undefined) {
    const fields = [...shape.fields].filter(([, field]) => !isZero(defaultOf(field)) || reachesDefaults(field.shape));
    const element = shape.element !== undefined && reachesDefaults(shape.element.shape) ? shape.element : undefined;
    plans.set(shape, (plan = { fields, element }));
  }
  return plan;
}

function reachesDefaults(shape: Shape, seen = new Set<Shape>()): boolean {
  if (seen.has(shape)) return false;
  seen.add(shape);
  if (shape.element !== undefined && reachesDefaults(shape.element.shape, seen)) return true;
  for (const field of shape.fields.values()) {
    if (!isZero(defaultOf(field)) || reachesDefaults(field.shape, seen)) return true;
  }
  return false;
}

function defaultBuiltin(shape: Shape, value: unknown): unknown {
  const { fields, element } = planOf(shape);
  if (Array.isArray(value)) {
    return element === undefined ? value : mapList(value, (item) => defaultBuiltin(element.shape, item));
  }
  if (fields.length === 0 || !isJsonObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [name, field] of fields) {
    const given = value[name];
    const filled = Object.hasOwn(value, name) ? defaultBuiltin(field.shape, given) : absentBuiltin(field);
    if (filled === given) continue;
    copy ??= { ...value };
    setMember(copy, name, filled);
  }
  return copy ?? value;
}

function absentBuiltin(field: Field): unknown {
  const given = defaultOf(field);
  return isZero(given) ? undefined : copyOf(given);
}

function defaultOf(field: Field): unknown {
  return field.schema.default ?? field.shape.schema.default;
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === false || value === null) return true;
  return isJsonObject(value) && Object.keys(value).length === 0;
}

function isRefusedNull(value: unknown, field: Field): boolean {
  return value === null && field.schema.nullable !== true && field.shape.schema.nullable !== true;
}

function mapList(list: unknown[], change: (item: unknown) => unknown): unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const changed = change(list[index]);
    if (changed === list[index]) continue;
    copy ??= [...list];
    copy[index] = changed;
  }
  return copy ?? list;
}

function copyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value;
}
