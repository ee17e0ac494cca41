import { setMember } from '../../json/path.js';
import { ProtobufError } from './errors.js';
import type { ElementType, FieldType, MessageType, MessageTypes, ScalarKind } from './message-types.js';
import type { Reader } from './reader.js';
import { BYTES, FIXED64, VARINT } from './wire.js';

type JsonObject = Record<string, unknown>;

/** Values by index of field; a message field that may come in pieces holds another `Values` until the end. */
type Values = unknown[];

const SCALAR_WIRE_TYPES: Readonly<Record<ScalarKind, number>> = {
  string: BYTES,
  bytes: BYTES,
  bool: VARINT,
  int32: VARINT,
  int64: VARINT,
  double: FIXED64,
};

const SCALAR_ZEROS: Readonly<Record<ScalarKind, unknown>> = {
  string: '',
  bytes: null,
  bool: false,
  int32: 0,
  int64: 0,
  double: 0,
};

/**
 * Reads messages into the objects that Go's JSON of them would give: fields in the same order, zero values dropped or
 * written as Go's `omitempty` has it.
 */
export class Decoder {
  readonly reader: Reader;
  readonly types: MessageTypes;

  constructor(reader: Reader, types: MessageTypes) {
    this.reader = reader;
    this.types = types;
  }

  /** The message from here to the reader's end. `typeMeta` is given to root kinds, which do not carry it themselves. */
  message(type: MessageType, typeMeta?: JsonObject): JsonObject {
    const object: JsonObject = {};
    this.finish(type, this.read(type, []), object, typeMeta);
    return object;
  }

  private read(type: MessageType, values: Values): Values {
    const { reader } = this;
    while (!reader.done) {
      const tag = reader.tag();
      const index = type.indexes.get(tag >>> 3);
      const field = index === undefined ? undefined : type.fields[index];
      if (index === undefined || field === undefined) reader.skip(tag & 7);
      else this.readField(type, field, index, tag & 7, values);
    }
    return values;
  }

  private readField(type: MessageType, field: FieldType, index: number, wireType: number, values: Values): void {
    const { element } = field;
    const expected = field.shape !== 'map' && element.is === 'scalar' ? SCALAR_WIRE_TYPES[element.scalar] : BYTES;
    if (wireType === expected) {
      if (field.shape === 'map') this.readEntry(element, ((values[index] as JsonObject | undefined) ??= {}));
      else if (field.shape === 'list') ((values[index] as unknown[] | undefined) ??= []).push(this.element(element));
      else if (element.is === 'message') {
        // A message may come in pieces, which are merged.
        const before = (values[index] as Values | undefined) ?? [];
        values[index] = this.reader.delimited(() => this.read(element.message, before));
      } else values[index] = this.element(element);
    } else if (wireType === BYTES && field.shape === 'list' && element.is === 'scalar') {
      const list = ((values[index] as unknown[] | undefined) ??= []);
      this.reader.delimited(() => {
        while (!this.reader.done) list.push(this.scalar(element.scalar));
      });
    } else {
      throw new ProtobufError(`wrong wire type ${wireType} for field ${field.name} of ${shortName(type.name)}`);
    }
  }

  private readEntry(element: ElementType, map: JsonObject): void {
    const { reader } = this;
    let key = '';
    let value: unknown;
    reader.delimited(() => {
      while (!reader.done) {
        const tag = reader.tag();
        const expected = element.is === 'scalar' ? SCALAR_WIRE_TYPES[element.scalar] : BYTES;
        if (tag === 8 + BYTES) key = reader.string();
        else if (tag === 16 + expected) value = this.element(element);
        else if (tag >>> 3 <= 2) throw new ProtobufError(`wrong wire type ${tag & 7} in a map entry`);
        else reader.skip(tag & 7);
      }
    });
    setMember(map, key, value === undefined ? this.entryZero(element) : value);
  }

  element(element: ElementType): unknown {
    const { reader } = this;
    switch (element.is) {
      case 'scalar':
        return this.scalar(element.scalar);
      case 'message':
        return reader.delimited(() => this.message(element.message));
      case 'special':
        return reader.delimited(() => element.special.decode(this));
      case 'wrapper':
        return reader.delimited(() => this.wrapped(element.items));
    }
  }

  /** A list that is a message of its own, in field 1. */
  private wrapped(items: ElementType): unknown[] {
    const list: unknown[] = [];
    while (!this.reader.done) {
      const tag = this.reader.tag();
      if (tag === 8 + BYTES) list.push(this.element(items));
      else this.reader.skip(tag & 7);
    }
    return list;
  }

  private scalar(kind: ScalarKind): unknown {
    switch (kind) {
      case 'string':
        return this.reader.string();
      case 'bytes':
        return this.reader.raw().toString('base64');
      case 'bool':
        return this.reader.bool();
      case 'int32':
        return this.reader.int32();
      case 'int64':
        return this.reader.int64();
      case 'double':
        return this.reader.double();
    }
  }

  private finish(type: MessageType, values: Values, object: JsonObject, typeMeta?: JsonObject): void {
    const { fields } = type;
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index];
      if (field === undefined) continue;
      if (field.number === 0) {
        const value = typeMeta?.[field.name];
        if (value !== undefined) object[field.name] = value;
      } else if (field.inline && field.element.is === 'message') {
        this.finish(field.element.message, (values[index] as Values | undefined) ?? [], object);
      } else {
        const value = this.finished(field, values[index]);
        if (value !== undefined) object[field.name] = value;
      }
    }
  }

  /** Undefined when Go's JSON leaves the field out. */
  private finished(field: FieldType, value: unknown): unknown {
    const { element, omitEmpty } = field;
    if (value === undefined) {
      if (field.pointer || field.shape !== 'one' || isList(element)) return omitEmpty ? undefined : null;
      if (element.is === 'scalar' && omitEmpty) return undefined;
      return field.omitZero ? undefined : this.zero(element);
    }
    if (field.shape === 'one') {
      if (element.is === 'message') {
        const object: JsonObject = {};
        this.finish(element.message, value as Values, object);
        return object;
      }
      if (field.omitZero && value === null) return undefined;
      if (omitEmpty && !field.pointer && element.is === 'scalar' && isEmptyScalar(value)) return undefined;
      if (omitEmpty && element.is === 'wrapper' && (value as unknown[]).length === 0) return undefined;
    }
    return value;
  }

  private zero(element: ElementType): unknown {
    switch (element.is) {
      case 'scalar':
        return SCALAR_ZEROS[element.scalar];
      case 'wrapper':
        return null;
      case 'special':
        return element.special.zero;
      case 'message': {
        const object: JsonObject = {};
        this.finish(element.message, [], object);
        return object;
      }
    }
  }

  /** An entry without a value has the zero value; bytes and lists are then empty rather than absent. */
  private entryZero(element: ElementType): unknown {
    if (element.is === 'wrapper') return [];
    return element.is === 'scalar' && element.scalar === 'bytes' ? '' : this.zero(element);
  }
}

function isList(element: ElementType): boolean {
  return element.is === 'wrapper' || (element.is === 'scalar' && element.scalar === 'bytes');
}

function isEmptyScalar(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
