import { QuantityError, canonicalQuantity } from '../../api/quantity.js';
import { formatJsonPath, isJsonObject, setMember } from '../../json/path.js';
import { STRICT_ERRORS_MAX } from '../../json/limits.js';
import type { Schema, SchemaSource } from '../schema.js';
import { canonicalBase64 } from './base64.js';
import { goTypeOf, shapeOf, type Shape } from './shape.js';
import { canonicalMicroTime, canonicalTime } from './time.js';

/** A value has a type that its field cannot hold; `message` is what Go's decoder says. */
export class DecodeError extends Error {
  readonly code = 'TypeMismatch';

  constructor(message: string) {
    super(message);
    this.name = 'DecodeError';
  }
}

export interface Decoded<T = Record<string, unknown>> {
  /** The object as Go would hold it. Shares what did not change with the input, which is not changed. */
  object: T;
  /** Paths of members that the schema does not have, in document order, at most `STRICT_ERRORS_MAX`. Empty unless pruning. */
  unknownPaths: string[];
}

/** Left out of its parent. */
const DROPPED = Symbol('dropped');

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

class Decoder {
  readonly unknownPaths: string[] = [];
  readonly #root: Shape;
  readonly #prune: boolean;
  readonly #path: (string | number)[] = [];
  #mismatch: DecodeError | undefined;

  constructor(root: Shape, prune: boolean) {
    this.#root = root;
    this.#prune = prune;
  }

  decode(value: unknown): unknown {
    const decoded = this.#value(this.#root, value);
    if (this.#mismatch !== undefined) throw this.#mismatch;
    return decoded;
  }

  #value(shape: Shape, value: unknown): unknown {
    switch (shape.kind) {
      case 'object':
        return isJsonObject(value) ? this.#object(shape, value) : this.#refuse(shape, value);
      case 'map':
        return isJsonObject(value) ? this.#map(shape, value) : this.#refuse(shape, value);
      case 'list':
        return Array.isArray(value) ? this.#list(shape, value) : this.#refuse(shape, value);
      case 'string':
        return typeof value === 'string' ? value : this.#refuse(shape, value);
      case 'boolean':
        return typeof value === 'boolean' ? value : this.#refuse(shape, value);
      case 'integer':
        return this.#integer(shape, value);
      case 'number':
        if (typeof value === 'bigint') return Number(value);
        return typeof value === 'number' ? value : this.#refuse(shape, value);
      case 'int-or-string':
        return typeof value === 'string' ? value : this.#intOfString(shape, value);
      case 'quantity':
        return this.#quantity(value);
      case 'time':
        return typeof value === 'string' ? this.#time(canonicalTime(value)) : this.#stop(shape, value);
      case 'micro-time':
        return typeof value === 'string' ? this.#time(canonicalMicroTime(value)) : this.#stop(shape, value);
      case 'bytes':
        return typeof value === 'string' ? this.#bytes(value) : this.#refuse(shape, value);
      case 'any':
        return value;
    }
  }

  #object(shape: Shape, value: Record<string, unknown>): Record<string, unknown> {
    let copy: Record<string, unknown> | undefined;
    for (const name in value) {
      const given = value[name];
      const kept = this.#member(shape, name, given);
      if (copy === undefined) {
        if (kept === given) continue;
        copy = copyUntil(value, name);
      }
      if (kept !== DROPPED) setMember(copy, name, kept);
    }
    return copy ?? value;
  }

  #member(shape: Shape, name: string, given: unknown): unknown {
    const field = shape.fields.get(name) ?? shape.element;
    if (field === undefined) {
      if (!this.#prune || shape.keepsUnknown) return given;
      this.#path.push(name);
      if (this.unknownPaths.length < STRICT_ERRORS_MAX) this.unknownPaths.push(formatJsonPath(this.#path));
      this.#path.pop();
      return DROPPED;
    }
    if (given === null || given === undefined) return DROPPED;
    this.#path.push(name);
    const kept = this.#value(field.shape, given);
    this.#path.pop();
    return field.required || !isEmptyCollection(field.shape, kept) ? kept : DROPPED;
  }

  #map(shape: Shape, value: Record<string, unknown>): Record<string, unknown> {
    const element = shape.element?.shape;
    if (element === undefined) return value;
    let copy: Record<string, unknown> | undefined;
    for (const name in value) {
      const given = value[name];
      this.#path.push(name);
      const kept = given === null ? zeroOf(element) : this.#value(element, given);
      this.#path.pop();
      if (copy === undefined) {
        if (kept === given) continue;
        copy = copyUntil(value, name);
      }
      if (kept !== DROPPED) setMember(copy, name, kept);
    }
    return copy ?? value;
  }

  #list(shape: Shape, value: unknown[]): unknown[] {
    const element = shape.element?.shape;
    if (element === undefined) return value;
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index++) {
      const given = value[index];
      this.#path.push(index);
      const kept = given === null ? zeroOf(element) : this.#value(element, given);
      this.#path.pop();
      if (kept === given) continue;
      copy ??= [...value];
      copy[index] = kept === DROPPED ? null : kept;
    }
    return copy ?? value;
  }

  #integer(shape: Shape, value: unknown): unknown {
    if (typeof value !== 'number' && typeof value !== 'bigint') return this.#refuse(shape, value);
    return fitsInteger(shape, value) ? value : this.#refuse(shape, value, `number ${value}`);
  }

  #intOfString(shape: Shape, value: unknown): unknown {
    if (typeof value !== 'number' && typeof value !== 'bigint') return this.#stop(shape, value);
    return fitsInteger(shape, value) ? value : this.#stop(shape, value, `number ${value}`);
  }

  /** Types that read themselves stop the decoder: what they refuse is the error, whatever was noted before. */
  #stop(shape: Shape, value: unknown, what = goKindOf(value)): never {
    throw this.#mismatchOf(shape, what);
  }

  #quantity(value: unknown): unknown {
    const text = typeof value === 'string' ? value : typeof value === 'object' ? '{}' : String(value);
    try {
      const canonical = canonicalQuantity(text);
      return canonical === value ? value : canonical;
    } catch (error) {
      if (error instanceof QuantityError) throw new DecodeError(error.message);
      throw error;
    }
  }

  #time(canonical: string | { message: string }): string {
    if (typeof canonical !== 'string') throw new DecodeError(canonical.message);
    return canonical;
  }

  #bytes(value: string): unknown {
    const canonical = canonicalBase64(value);
    if (typeof canonical === 'string') return canonical;
    this.#mismatch ??= new DecodeError(`illegal base64 data at input byte ${canonical.offset}`);
    return DROPPED;
  }

  /** Notes the first mismatch and goes on, as Go does: a value that cannot be read at all is reported before it. */
  #refuse(shape: Shape, value: unknown, what = goKindOf(value)): typeof DROPPED {
    this.#mismatch ??= this.#mismatchOf(shape, what);
    return DROPPED;
  }

  #mismatchOf(shape: Shape, what: string): DecodeError {
    const { struct, fields } = this.#goPath();
    const type = goTypeOf(shape);
    const target = struct === '' ? `Go value of type ${type}` : `Go struct field ${struct}.${fields} of type ${type}`;
    return new DecodeError(`json: cannot unmarshal ${what} into ${target}`);
  }

  /** The innermost struct around the present value and the names of the struct fields that lead here. */
  #goPath(): { struct: string; fields: string } {
    let shape: Shape | undefined = this.#root;
    let struct = '';
    const fields: string[] = [];
    for (const step of this.#path) {
      if (shape?.kind === 'object' && typeof step === 'string') {
        struct = shape.name;
        fields.push(step);
        shape = shape.fields.get(step)?.shape;
      } else {
        shape = shape?.element?.shape;
      }
    }
    return { struct, fields: fields.join('.') };
  }
}

function fitsInteger(shape: Shape, value: number | bigint): boolean {
  const isLong = shape.schema.format === 'int64';
  if (typeof value === 'bigint') return isLong && value >= INT64_MIN && value <= INT64_MAX;
  return Number.isInteger(value) && (isLong || (value >= INT32_MIN && value <= INT32_MAX));
}

function copyUntil(value: Record<string, unknown>, end: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name in value) {
    if (name === end) break;
    setMember(copy, name, value[name]);
  }
  return copy;
}

/** Go does not tell an optional empty list or map from an absent one. */
function isEmptyCollection(shape: Shape, value: unknown): boolean {
  if (shape.kind === 'list') return Array.isArray(value) && value.length === 0;
  if (shape.kind !== 'map' || !isJsonObject(value)) return false;
  for (const name in value) return name === undefined;
  return true;
}

/** What null is read as inside lists and maps, which hold values and not pointers. */
function zeroOf(shape: Shape): unknown {
  switch (shape.kind) {
    case 'object':
      return {};
    case 'string':
      return '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    default:
      return null;
  }
}

function goKindOf(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'object' : 'number';
}

/**
 * Reads an object of a built-in kind as Go's decoder would: types are checked, nulls and empty optional lists and maps dropped,
 * quantities, times and base64 made canonical, and members the schema does not have dropped and listed. Throws `DecodeError`.
 */
export function decodeObject(schema: Schema, object: unknown, source: SchemaSource): Decoded {
  const decoder = new Decoder(shapeOf(schema, source), true);
  const decoded = decoder.decode(object);
  if (!isJsonObject(decoded)) throw new DecodeError('json: cannot unmarshal a value that is no object');
  return { object: decoded, unknownPaths: decoder.unknownPaths };
}

/** `decodeObject` for any value, keeping members that the schema does not have. */
export function coerceTypes(schema: Schema, value: unknown, source: SchemaSource): unknown {
  return new Decoder(shapeOf(schema, source), false).decode(value);
}
