import { isJsonObject } from '../../json/path.js';
import { ProtobufError } from './errors.js';
import type { ElementType, FieldType, MessageType, MessageTypes, ScalarKind } from './message-types.js';
import type { BackwardWriter } from './writer.js';

type JsonObject = Record<string, unknown>;

/** Writes messages as Kubernetes' own encoder does: ascending fields, zero values wherever Go has no pointer, sorted maps. */
export class Encoder {
  readonly writer: BackwardWriter;
  readonly types: MessageTypes;

  constructor(writer: BackwardWriter, types: MessageTypes) {
    this.writer = writer;
    this.types = types;
  }

  /** The fields of `value`, without tag and length. */
  message(type: MessageType, value: unknown): void {
    if (!isJsonObject(value)) throw mismatch(type.name, 'an object', value);
    for (const index of type.descending) {
      const field = type.fields[index];
      if (field !== undefined) this.field(field, value);
    }
  }

  private field(field: FieldType, object: JsonObject): void {
    const { element, number, shape } = field;
    const value = field.inline ? object : Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value === undefined || value === null) {
      if (shape === 'one' && !field.pointer) this.zero(number, element);
    } else if (shape === 'list') {
      if (!Array.isArray(value)) throw mismatch(field.name, 'a list', value);
      for (const one of value.toReversed()) this.element(number, element, one, field.name);
    } else if (shape === 'map') {
      if (!isJsonObject(value)) throw mismatch(field.name, 'an object', value);
      const keys = Object.keys(value).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
      for (const key of keys.reverse()) {
        this.writer.delimited(number, () => {
          this.element(2, element, value[key], field.name);
          this.writer.string(1, key);
        });
      }
    } else this.element(number, element, value, field.name);
  }

  element(number: number, element: ElementType, value: unknown, name: string): void {
    if (value === null || value === undefined) {
      this.zero(number, element);
      return;
    }
    switch (element.is) {
      case 'scalar':
        this.scalar(number, element.scalar, value, name);
        return;
      case 'message':
        this.writer.delimited(number, () => this.message(element.message, value));
        return;
      case 'special':
        this.writer.delimited(number, () => element.special.encode(value, this));
        return;
      case 'wrapper':
        if (!Array.isArray(value)) throw mismatch(name, 'a list', value);
        this.writer.delimited(number, () => {
          for (const one of value.toReversed()) this.element(1, element.items, one, name);
        });
        return;
    }
  }

  private zero(number: number, element: ElementType): void {
    if (element.is === 'scalar') {
      if (element.scalar !== 'bytes') this.scalar(number, element.scalar, ZEROS[element.scalar], '');
    } else if (element.is === 'message') this.writer.delimited(number, () => this.message(element.message, {}));
    else if (element.is === 'special') this.writer.delimited(number, () => element.special.encode(null, this));
  }

  private scalar(number: number, kind: ScalarKind, value: unknown, name: string): void {
    if (kind === 'string' || kind === 'bytes') {
      if (typeof value !== 'string') throw mismatch(name, 'a string', value);
      if (kind === 'string') this.writer.string(number, value);
      else this.writer.bytes(number, Buffer.from(value, 'base64'));
    } else if (kind === 'bool') {
      if (typeof value !== 'boolean') throw mismatch(name, 'a boolean', value);
      this.writer.integer(number, value ? 1 : 0);
    } else if (kind === 'double') {
      if (typeof value !== 'number' && typeof value !== 'bigint') throw mismatch(name, 'a number', value);
      this.writer.double(number, Number(value));
    } else {
      if (typeof value !== 'bigint' && !Number.isInteger(value)) throw mismatch(name, 'an integer', value);
      this.writer.integer(number, value as number | bigint);
    }
  }
}

const ZEROS: Readonly<Record<Exclude<ScalarKind, 'bytes'>, unknown>> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  double: 0,
};

export function mismatch(name: string, wanted: string, value: unknown): ProtobufError {
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
  return new ProtobufError(`${name} must be ${wanted} to be written as protobuf, not ${found}`);
}
