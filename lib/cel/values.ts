import { CelError } from './errors.js';
import type { CelType } from './types.js';

/** An unsigned integer; plain bigints are CEL's int. */
export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A moment, in nanoseconds of Unix time. */
export class CelTimestamp {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class CelDuration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

/** A type as a value: what `type(x)` gives. */
export class CelTypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export class CelOptional {
  readonly value: CelValue | undefined;

  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

export const OPTIONAL_NONE = new CelOptional(undefined);

/** A value of a library's abstract type. */
export abstract class CelOpaque {
  /** `kubernetes.Quantity`. */
  abstract readonly typeName: string;
  abstract equals(other: CelOpaque): boolean;
}

export abstract class CelList {
  abstract readonly size: number;
  abstract at(index: number): CelValue;
  readonly listType: 'set' | 'map' | undefined = undefined;
  readonly listMapKeys: readonly string[] = [];

  *[Symbol.iterator](): Generator<CelValue> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }
}

export class ArrayList extends CelList {
  readonly values: readonly CelValue[];

  constructor(values: readonly CelValue[]) {
    super();
    this.values = values;
  }

  get size(): number {
    return this.values.length;
  }

  at(index: number): CelValue {
    return this.values[index] ?? null;
  }
}

/** Maps, and objects with declared fields. Keys are CEL values of the kinds bool, int, uint and string. */
export abstract class CelMap {
  abstract readonly size: number;
  /** Undefined when there is no such key. */
  abstract find(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;
  /** The name of an object's type; undefined for maps. */
  readonly typeName: string | undefined = undefined;
}

export class NativeMap extends CelMap {
  readonly #entries: ReadonlyMap<string, readonly [CelValue, CelValue]>;

  /** Entries by `mapKey` of their keys. */
  constructor(entries: ReadonlyMap<string, readonly [CelValue, CelValue]>) {
    super();
    this.#entries = entries;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(key: CelValue): CelValue | undefined {
    const name = mapKey(key);
    return name === undefined ? undefined : this.#entries.get(name)?.[1];
  }

  *keys(): Generator<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }

  entries(): ReadonlyMap<string, readonly [CelValue, CelValue]> {
    return this.#entries;
  }
}

/** A message made within an expression, such as `Object.spec{replicas: 1}`. Fields go by their JSON names. */
export class CelStruct extends CelMap {
  override readonly typeName: string;
  readonly fields: ReadonlyMap<string, CelValue>;

  constructor(typeName: string, fields: ReadonlyMap<string, CelValue>) {
    super();
    this.typeName = typeName;
    this.fields = fields;
  }

  get size(): number {
    return this.fields.size;
  }

  find(key: CelValue): CelValue | undefined {
    return typeof key === 'string' ? this.fields.get(key) : undefined;
  }

  keys(): Iterable<CelValue> {
    return this.fields.keys();
  }
}

export type CelValue =
  | boolean
  | bigint
  | number
  | string
  | null
  | Uint8Array
  | CelUint
  | CelTimestamp
  | CelDuration
  | CelTypeValue
  | CelOptional
  | CelOpaque
  | CelList
  | CelMap;

/** Two keys are the same entry when this is the same text; undefined for what cannot be a key. */
export function mapKey(value: CelValue): string | undefined {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'bigint') return `n${value}`;
  if (typeof value === 'boolean') return `b${value}`;
  if (value instanceof CelUint) return `n${value.value}`;
  if (typeof value === 'number' && Number.isInteger(value)) return `n${BigInt(value)}`;
  return undefined;
}

/** The name of a value's type, as `type(x)` has it. */
export function typeNameOf(value: CelValue): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    default:
  }
  if (value === null) return 'null_type';
  if (value instanceof CelList) return 'list';
  if (value instanceof CelMap) return value.typeName ?? 'map';
  if (value instanceof CelUint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp';
  if (value instanceof CelDuration) return 'google.protobuf.Duration';
  if (value instanceof CelTypeValue) return 'type';
  if (value instanceof CelOptional) return 'optional_type';
  return value instanceof CelOpaque ? value.typeName : 'dyn';
}

/** Whether the value can stand where the type is declared; looks no deeper than the value itself. */
export function isOfType(value: CelValue, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'error':
    case 'param':
      return true;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'uint':
      return value instanceof CelUint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'null':
      return value === null;
    case 'timestamp':
      return value instanceof CelTimestamp;
    case 'duration':
      return value instanceof CelDuration;
    case 'list':
      return value instanceof CelList && elementsAreOf(value, type);
    case 'map':
      return value instanceof CelMap && value.typeName === undefined;
    case 'type':
      return value instanceof CelTypeValue;
    case 'optional':
      return value instanceof CelOptional;
    case 'object':
      return value instanceof CelMap && value.typeName !== undefined;
    case 'opaque':
      return value instanceof CelOpaque && value.typeName === type.name;
  }
}

/** The overloads of functions over lists are told apart by the first element. */
function elementsAreOf(list: CelList, type: CelType): boolean {
  const element = type.params[0];
  return element === undefined || list.size === 0 || isOfType(list.at(0), element);
}

export function isCelError(value: CelValue | CelError): value is CelError {
  return value instanceof CelError;
}
