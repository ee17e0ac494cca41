import { CelError } from './errors.js';
import { base64ToBytes } from './base64.js';
import { parseDuration, parseTimestamp } from './time.js';
import { type CelType, DYN, firstParam, secondParam } from './types.js';
import {
  ArrayList,
  CelDuration,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  OPTIONAL_NONE,
  typeNameOf,
} from './values.js';

/** A JSON array, its elements made values when they are asked for. */
class JsonList extends CelList {
  readonly #raw: readonly unknown[];
  readonly #element: CelType;
  override readonly listType: 'set' | 'map' | undefined;
  override readonly listMapKeys: readonly string[];

  constructor(raw: readonly unknown[], type: CelType) {
    super();
    this.#raw = raw;
    this.#element = firstParam(type);
    this.listType = type.listType;
    this.listMapKeys = type.listMapKeys ?? [];
  }

  get size(): number {
    return this.#raw.length;
  }

  at(index: number): CelValue {
    return strict(fromJson(this.#raw[index], this.#element));
  }
}

class JsonMap extends CelMap {
  readonly #raw: Readonly<Record<string, unknown>>;
  readonly #value: CelType;
  #size: number | undefined;

  constructor(raw: Readonly<Record<string, unknown>>, type: CelType) {
    super();
    this.#raw = raw;
    this.#value = secondParam(type);
  }

  get size(): number {
    return (this.#size ??= Object.keys(this.#raw).length);
  }

  find(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#raw, key)) return undefined;
    return strict(fromJson(this.#raw[key], this.#value));
  }

  keys(): Iterable<CelValue> {
    return Object.keys(this.#raw);
  }
}

/** An object with declared fields, found by their escaped names. What is not declared cannot be seen. */
class JsonObject extends CelMap {
  readonly #raw: Readonly<Record<string, unknown>>;
  readonly #type: CelType;

  constructor(raw: Readonly<Record<string, unknown>>, type: CelType) {
    super();
    this.#raw = raw;
    this.#type = type;
  }

  override readonly typeName = 'object';

  get size(): number {
    return [...this.keys()].length;
  }

  find(key: CelValue): CelValue | undefined {
    const field = typeof key === 'string' ? this.#type.fields?.get(key) : undefined;
    if (field === undefined || !Object.hasOwn(this.#raw, field.name)) return undefined;
    return strict(fromJson(this.#raw[field.name], field.type));
  }

  *keys(): Generator<CelValue> {
    for (const [escaped, { name }] of this.#type.fields ?? []) if (Object.hasOwn(this.#raw, name)) yield escaped;
  }
}

/** An object whose fields are computed when they are first asked for: the `variables` of admission policies. */
export class LazyObject extends CelMap {
  override readonly typeName = 'object';
  readonly #names: readonly string[];
  readonly #compute: (name: string) => CelValue | CelError;
  readonly #known = new Map<string, CelValue>();

  constructor(names: readonly string[], compute: (name: string) => CelValue | CelError) {
    super();
    this.#names = names;
    this.#compute = compute;
  }

  get size(): number {
    return this.#names.length;
  }

  find(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !this.#names.includes(key)) return undefined;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = strict(this.#compute(key));
    this.#known.set(key, value);
    return value;
  }

  keys(): Iterable<CelValue> {
    return this.#names;
  }
}

/** A value inside a list or map that cannot be made: unwinds to the access that asked for it. */
export class CelValueFault extends Error {
  readonly code = 'CelValue';
  readonly fault: CelError;

  constructor(fault: CelError) {
    super(fault.message);
    this.name = 'CelValueFault';
    this.fault = fault;
  }
}

function strict(value: CelValue | CelError): CelValue {
  if (value instanceof CelError) throw new CelValueFault(value);
  return value;
}

/** What is already a value of CEL is handed through. */
function isMade(
  raw: object,
): raw is
  | CelList
  | CelMap
  | CelOptional
  | CelOpaque
  | CelTimestamp
  | CelDuration
  | CelUint
  | CelTypeValue
  | Uint8Array {
  return (
    raw instanceof CelMap ||
    raw instanceof CelList ||
    raw instanceof CelOpaque ||
    raw instanceof CelOptional ||
    raw instanceof CelTimestamp ||
    raw instanceof CelDuration ||
    raw instanceof CelUint ||
    raw instanceof CelTypeValue ||
    raw instanceof Uint8Array
  );
}

/**
 * A JSON value as the declared type has it: a number is a double where the schema says so and else an int when it is whole; texts of
 * the formats byte, date, date-time and duration become what they mean. Nothing is copied: lists and maps are read when asked.
 */
export function fromJson(raw: unknown, type: CelType): CelValue | CelError {
  if (type.kind === 'optional' && !(raw instanceof CelOptional)) return optionalFromJson(raw, type);
  if (raw === null || raw === undefined) return null;
  switch (typeof raw) {
    case 'boolean':
      return raw;
    case 'bigint':
      return type.kind === 'double' ? Number(raw) : raw;
    case 'number':
      if (type.kind === 'double' || !Number.isSafeInteger(raw)) return raw;
      return BigInt(raw);
    case 'string':
      return fromText(raw, type);
    case 'object':
      break;
    default:
      return new CelError(`unsupported value of JavaScript's type ${typeof raw}`);
  }
  if (Array.isArray(raw)) return new JsonList(raw, type);
  if (isMade(raw)) return raw;
  const record = raw as Readonly<Record<string, unknown>>;
  return type.kind === 'object' && type.fields !== undefined ? new JsonObject(record, type) : new JsonMap(record, type);
}

/** An optional variable: undefined is none. */
function optionalFromJson(raw: unknown, type: CelType): CelValue | CelError {
  if (raw === undefined) return OPTIONAL_NONE;
  const value = fromJson(raw, firstParam(type));
  return value instanceof CelError ? value : new CelOptional(value);
}

function fromText(text: string, type: CelType): CelValue | CelError {
  switch (type.kind) {
    case 'timestamp':
      return parseTimestamp(type.dateOnly === true ? `${text}T00:00:00Z` : text);
    case 'duration':
      return parseDuration(text);
    case 'bytes':
      return base64ToBytes(text) ?? new CelError(`failed to base64 decode ${JSON.stringify(text)}`);
    default:
      return text;
  }
}

/** The JSON of a value; an error for what JSON cannot have. Optionals without a value are left out of maps by their makers. */
export function toJson(value: CelValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof CelUint) return toJson(value.value);
  if (value instanceof CelList) return [...value].map(toJson);
  if (value instanceof CelMap) {
    const result: Record<string, unknown> = {};
    for (const key of value.keys()) {
      const found = value.find(key);
      if (found === undefined) continue;
      const name =
        typeof key === 'bigint' || typeof key === 'boolean' || typeof key === 'string' ? String(key) : undefined;
      if (name !== undefined)
        Object.defineProperty(result, name, {
          value: toJson(found),
          enumerable: true,
          writable: true,
          configurable: true,
        });
    }
    return result;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value);
  if (value instanceof CelTypeValue) return value.name;
  return textOf(value);
}

function textOf(value: CelTimestamp | CelDuration | CelOpaque): unknown {
  if (value instanceof CelOpaque) return typeNameOf(value);
  return `${value.nanoseconds}`;
}

export const EMPTY_LIST = new ArrayList([]);

/** `dyn` for values whose schema nobody knows. */
export function fromDynamic(raw: unknown): CelValue | CelError {
  return fromJson(raw, DYN);
}
