import { parseJson } from '../../json/parse.js';
import { isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import type { Decoder } from './decoder.js';
import { mismatch, type Encoder } from './encoder.js';
import { decodeEnvelope } from './envelope.js';
import { ProtobufError } from './errors.js';
import { MICRO_TIME, TIME } from './time-types.js';
import { BYTES, hasMagic, VARINT } from './wire.js';

/** A message whose JSON is not the object of its fields. */
export interface SpecialType {
  /** Go's JSON of the zero value. */
  zero: unknown;
  /** Reads the message from here to the reader's end. */
  decode(decoder: Decoder): unknown;
  /** Writes the fields of the message; `null` stands for the zero value. */
  encode(value: unknown, encoder: Encoder): void;
}

const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';
const JSON_SCHEMA_PROPS = `${APIEXTENSIONS}JSONSchemaProps`;

/** Calls `read` for each field with its tag; `read` returns false for what it does not know. */
function eachField({ reader }: Decoder, read: (tag: number) => boolean): void {
  while (!reader.done) {
    const tag = reader.tag();
    if (!read(tag)) reader.skip(tag & 7);
  }
}

const QUANTITY: SpecialType = {
  zero: '0',
  decode(decoder) {
    let text: string | undefined;
    eachField(decoder, (tag) => tag === 8 + BYTES && ((text = decoder.reader.string()), true));
    return text ?? '0';
  },
  encode(value, { writer }) {
    writer.string(1, value === null ? '0' : String(value));
  },
};

const INT_OR_STRING: SpecialType = {
  zero: 0,
  decode(decoder) {
    const { reader } = decoder;
    let type: number | bigint = 0;
    let integer = 0;
    let text = '';
    eachField(decoder, (tag) => {
      if (tag === 8 + VARINT) type = reader.int64();
      else if (tag === 16 + VARINT) integer = reader.int32();
      else if (tag === 24 + BYTES) text = reader.string();
      else return false;
      return true;
    });
    if (type === 0) return integer;
    if (type === 1) return text;
    throw new ProtobufError(`impossible type ${String(type)} of an integer or string`);
  },
  encode(value, { writer }) {
    const isText = typeof value === 'string';
    writer.string(3, isText ? value : '');
    writer.integer(2, typeof value === 'number' || typeof value === 'bigint' ? value : 0);
    writer.integer(1, isText ? 1 : 0);
  },
};

function readRaw(decoder: Decoder): Uint8Array | undefined {
  let raw: Uint8Array | undefined;
  eachField(decoder, (tag) => tag === 8 + BYTES && ((raw = decoder.reader.raw()), true));
  return raw === undefined || raw.length === 0 ? undefined : raw;
}

function parseRaw(raw: Uint8Array): unknown {
  try {
    return parseJson(raw);
  } catch (error) {
    throw new ProtobufError(
      `an embedded object is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      'Malformed',
      { cause: error },
    );
  }
}

/** JSON text in field 1. */
const RAW_JSON: SpecialType = {
  zero: null,
  decode(decoder) {
    const raw = readRaw(decoder);
    return raw === undefined ? null : parseRaw(raw);
  },
  encode(value, { writer }) {
    if (value !== null) writer.string(1, stringifyJson(value));
  },
};

/** An object of any kind: JSON, or an envelope of its own as clients embed objects that they know. */
const RAW_EXTENSION: SpecialType = {
  ...RAW_JSON,
  decode(decoder) {
    const raw = readRaw(decoder);
    if (raw === undefined) return null;
    if (!hasMagic(raw)) return parseRaw(raw);
    return decoder.reader.nested(raw, (reader) => decodeEnvelope(reader, decoder.types).object);
  },
};

function decodeSchema(decoder: Decoder): unknown {
  return decoder.reader.delimited(() => decoder.message(decoder.types.message(JSON_SCHEMA_PROPS)));
}

function encodeSchema(number: number, value: unknown, encoder: Encoder): void {
  encoder.writer.delimited(number, () => encoder.message(encoder.types.message(JSON_SCHEMA_PROPS), value));
}

/** A schema in field 1, or a list in field 2, of which a filled one wins. */
function schemaOrList(
  readItem: (decoder: Decoder) => unknown,
  writeItem: (value: unknown, encoder: Encoder) => void,
): SpecialType {
  return {
    zero: null,
    decode(decoder) {
      let schema: unknown = null;
      const list: unknown[] = [];
      eachField(decoder, (tag) => {
        if (tag === 8 + BYTES) schema = decodeSchema(decoder);
        else if (tag === 16 + BYTES) list.push(readItem(decoder));
        else return false;
        return true;
      });
      return list.length > 0 ? list : schema;
    },
    encode(value, encoder) {
      if (Array.isArray(value)) for (const one of value.toReversed()) writeItem(one, encoder);
      else if (value !== null) encodeSchema(1, value, encoder);
    },
  };
}

const SCHEMA_OR_ARRAY = schemaOrList(decodeSchema, (value, encoder) => encodeSchema(2, value, encoder));

const SCHEMA_OR_STRINGS = schemaOrList(
  (decoder) => decoder.reader.string(),
  (value, encoder) => {
    if (typeof value !== 'string') throw mismatch('a dependency', 'a string', value);
    encoder.writer.string(2, value);
  },
);

const SCHEMA_OR_BOOL: SpecialType = {
  zero: false,
  decode(decoder) {
    let allows = false;
    let schema: unknown;
    eachField(decoder, (tag) => {
      if (tag === 8 + VARINT) allows = decoder.reader.bool();
      else if (tag === 16 + BYTES) schema = decodeSchema(decoder);
      else return false;
      return true;
    });
    return schema ?? allows;
  },
  encode(value, encoder) {
    if (isJsonObject(value)) encodeSchema(2, value, encoder);
    encoder.writer.integer(1, value === true || isJsonObject(value) ? 1 : 0);
  },
};

/** By definition name. */
export const SPECIAL_TYPES: Readonly<Record<string, SpecialType>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': QUANTITY,
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': INT_OR_STRING,
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': TIME,
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': MICRO_TIME,
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': RAW_JSON,
  'io.k8s.apimachinery.pkg.runtime.RawExtension': RAW_EXTENSION,
  [`${APIEXTENSIONS}JSON`]: RAW_JSON,
  [`${APIEXTENSIONS}JSONSchemaPropsOrArray`]: SCHEMA_OR_ARRAY,
  [`${APIEXTENSIONS}JSONSchemaPropsOrBool`]: SCHEMA_OR_BOOL,
  [`${APIEXTENSIONS}JSONSchemaPropsOrStringArray`]: SCHEMA_OR_STRINGS,
};
