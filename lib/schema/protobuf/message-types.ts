import type { MessageSource } from './message-source.js';
import { INLINE, OMIT_EMPTY, OMIT_ZERO, type FieldRow } from './message-table.js';
import { SPECIAL_TYPES, type SpecialType } from './special-types.js';

export type ScalarKind = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes';

/** One value on the wire: a scalar, a message, a list that is a message of its own, or a type with a form of its own. */
export type ElementType =
  | { is: 'scalar'; scalar: ScalarKind }
  | { is: 'message'; message: MessageType }
  | { is: 'wrapper'; items: ElementType }
  | { is: 'special'; special: SpecialType };

export interface FieldType {
  name: string;
  number: number;
  shape: 'one' | 'list' | 'map';
  /** Go has a pointer: absence is not the zero value. */
  pointer: boolean;
  element: ElementType;
  omitEmpty: boolean;
  omitZero: boolean;
  inline: boolean;
}

export interface MessageType {
  name: string;
  /** In the order of Kubernetes' own JSON. */
  fields: FieldType[];
  /** Indexes into `fields` by protobuf number. */
  indexes: Map<number, number>;
  /** Indexes into `fields` of those on the wire, highest number first. */
  descending: number[];
}

const SCALARS: ReadonlySet<string> = new Set(['string', 'bool', 'int32', 'int64', 'double', 'bytes']);

/** The messages of a source, compiled when first needed. */
export class MessageTypes {
  private readonly source: MessageSource;
  private readonly compiled = new Map<string, MessageType>();

  constructor(source: MessageSource) {
    this.source = source;
  }

  /** The message's name of a kind. */
  definitionOf(apiVersion: string, kind: string): string | undefined {
    return this.source.definitionOf(apiVersion, kind);
  }

  message(name: string): MessageType {
    const known = this.compiled.get(name);
    if (known !== undefined) return known;
    const rows = this.source.message(name);
    if (!Array.isArray(rows)) throw new Error(`there is no protobuf message ${name}`);
    // Registered before its fields are looked at: messages may contain themselves.
    const message: MessageType = { name, fields: [], indexes: new Map(), descending: [] };
    this.compiled.set(name, message);
    for (const [index, row] of rows.entries()) {
      message.fields.push(this.field(row));
      if (row[1] !== 0) message.indexes.set(row[1], index);
    }
    message.descending = [...message.indexes].sort(([left], [right]) => right - left).map(([, index]) => index);
    return message;
  }

  private field([name, number, notation, flags]: FieldRow): FieldType {
    const map = /^map\[string\](.*)$/.exec(notation)?.[1];
    const list = notation.startsWith('[]');
    const pointer = notation.startsWith('*');
    return {
      name,
      number,
      shape: map !== undefined ? 'map' : list ? 'list' : 'one',
      pointer,
      element: this.element(map ?? (list ? notation.slice(2) : pointer ? notation.slice(1) : notation)),
      omitEmpty: flags.includes(OMIT_EMPTY),
      omitZero: flags.includes(OMIT_ZERO),
      inline: flags.includes(INLINE),
    };
  }

  private element(notation: string): ElementType {
    if (SCALARS.has(notation)) return { is: 'scalar', scalar: notation as ScalarKind };
    const special = SPECIAL_TYPES[notation];
    if (special !== undefined) return { is: 'special', special };
    const row = this.source.message(notation);
    if (row !== undefined && !Array.isArray(row)) return { is: 'wrapper', items: this.element(row.items) };
    return { is: 'message', message: this.message(notation) };
  }
}

const cache = new WeakMap<MessageSource, MessageTypes>();

/** The one `MessageTypes` of a source. */
export function messageTypes(source: MessageSource): MessageTypes {
  let types = cache.get(source);
  if (types === undefined) cache.set(source, (types = new MessageTypes(source)));
  return types;
}
