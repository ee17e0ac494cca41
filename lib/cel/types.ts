/** The types of CEL as Kubernetes declares them: the primitives, lists, maps, objects with declared fields, and abstract ones. */
export type CelKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'dyn'
  | 'error'
  | 'list'
  | 'map'
  | 'type'
  | 'object'
  | 'opaque'
  | 'optional'
  | 'param';

/** A field of an object type. `name` is the key in the JSON; the field is called by its escaped name in expressions. */
export interface CelField {
  readonly name: string;
  readonly type: CelType;
}

export interface CelType {
  readonly kind: CelKind;
  /** Of objects, abstract types and type parameters. */
  readonly name: string;
  /** The element of a list or optional; key and value of a map; what a type is the type of. */
  readonly params: readonly CelType[];
  /** Of objects, by their escaped names. */
  readonly fields?: ReadonlyMap<string, CelField>;
  /** The most characters, elements or entries that a value can have, where the schema bounds them: for estimates of cost. */
  readonly sizeMax?: number;
  /** How lists are compared and added: as Kubernetes' list types. */
  readonly listType?: 'set' | 'map' | undefined;
  readonly listMapKeys?: readonly string[] | undefined;
  /** Texts whose value is a date without a time. */
  readonly dateOnly?: boolean;
}

function simple(kind: CelKind): CelType {
  return { kind, name: kind, params: [] };
}

export const BOOL = simple('bool');
export const INT = simple('int');
export const UINT = simple('uint');
export const DOUBLE = simple('double');
export const STRING = simple('string');
export const BYTES = simple('bytes');
export const NULL = simple('null');
export const TIMESTAMP = simple('timestamp');
export const DURATION = simple('duration');
export const DYN = simple('dyn');
export const ERROR = simple('error');

export function listOf(element: CelType, more: Partial<CelType> = {}): CelType {
  return { kind: 'list', name: 'list', params: [element], ...more };
}

export function mapOf(key: CelType, value: CelType, more: Partial<CelType> = {}): CelType {
  return { kind: 'map', name: 'map', params: [key, value], ...more };
}

export function optionalOf(element: CelType): CelType {
  return { kind: 'optional', name: 'optional_type', params: [element] };
}

export function typeOf(of: CelType): CelType {
  return { kind: 'type', name: 'type', params: [of] };
}

/** A message or resource with declared fields (`fields` by escaped name). Types of one name are one type. */
export function objectType(name: string, fields: ReadonlyMap<string, CelField>): CelType {
  return { kind: 'object', name, params: [], fields };
}

/** A type of the libraries, such as `kubernetes.Quantity`. */
export function opaqueType(name: string): CelType {
  return { kind: 'opaque', name, params: [] };
}

export function typeParam(name: string): CelType {
  return { kind: 'param', name, params: [] };
}

/** The element of a list or optional, or the key of a map; `dyn` where there is none. */
export function firstParam(type: CelType): CelType {
  return type.params[0] ?? DYN;
}

export function secondParam(type: CelType): CelType {
  return type.params[1] ?? DYN;
}

/** As cel-go prints types in its messages. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case 'error':
      return '!error!';
    case 'list':
    case 'map':
    case 'optional':
    case 'type':
      return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(formatType).join(', ')})`;
    default:
      return type.name;
  }
}
