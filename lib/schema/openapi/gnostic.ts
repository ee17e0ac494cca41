import { BackwardWriter } from '../protobuf/writer.js';

/**
 * OpenAPI 2.0 in the protobuf form that kubectl asks for: the messages of gnostic's openapi_v2, of which this has what
 * our documents use. Values of any type are YAML text there; JSON is YAML.
 */

type Json = Record<string, unknown>;

/** Writes `value` as field `number`. */
type Write = (writer: BackwardWriter, number: number, value: unknown) => void;

interface Message {
  /** By the name in JSON. */
  fields: Record<string, [number: number, write: Write]>;
  /** Number of the list that takes names beginning with `x-`. */
  extensions?: number;
  /** Takes all other names, as pairs. */
  rest?: [number: number, write: Write];
}

const text: Write = (writer, number, value) => {
  if (value !== '') writer.string(number, String(value));
};

const flag: Write = (writer, number, value) => {
  if (value === true) writer.integer(number, 1);
};

const integer: Write = (writer, number, value) => {
  if (value !== 0) writer.integer(number, Number(value));
};

const double: Write = (writer, number, value) => {
  if (value !== 0) writer.double(number, Number(value));
};

const any: Write = (writer, number, value) => {
  writer.delimited(number, () => writer.string(2, `${JSON.stringify(value)}\n`));
};

function repeated(write: Write): Write {
  return (writer, number, value) => {
    for (const one of (value as unknown[]).toReversed()) write(writer, number, one);
  };
}

function message(fields: Message['fields'], more: Omit<Message, 'fields'> = {}): Write {
  const type = { fields, ...more };
  return (writer, number, value) => writer.delimited(number, () => writeMessage(writer, type, value as Json));
}

/** A message whose one field, 1, is `write`. */
function wrapped(write: Write, inner = 1): Write {
  return (writer, number, value) => writer.delimited(number, () => write(writer, inner, value));
}

/** A pair of name and value. */
function pair(writer: BackwardWriter, number: number, name: string, write: Write, value: unknown): void {
  writer.delimited(number, () => {
    write(writer, 2, value);
    writer.string(1, name);
  });
}

/** An object of any names as a message with a list of pairs in field 1. */
function pairs(write: Write): Write {
  return message({}, { rest: [1, write] });
}

function writeMessage(writer: BackwardWriter, type: Message, value: Json): void {
  const parts: { number: number; name: string; write: Write; isPair: boolean }[] = [];
  for (const name of Object.keys(value)) {
    const field = type.fields[name];
    if (field !== undefined) parts.push({ number: field[0], name, write: field[1], isPair: false });
    else if (name.startsWith('x-') && type.extensions !== undefined) {
      parts.push({ number: type.extensions, name, write: any, isPair: true });
    } else if (type.rest !== undefined) parts.push({ number: type.rest[0], name, write: type.rest[1], isPair: true });
    else throw new Error(`OpenAPI 2.0 has no place for ${JSON.stringify(name)} in protobuf`);
  }
  // Sorting is stable, so that pairs keep their order.
  for (const { number, name, write, isPair } of parts.sort((left, right) => left.number - right.number).reverse()) {
    if (isPair) pair(writer, number, name, write, value[name]);
    else write(writer, number, value[name]);
  }
}

/** Schemas contain themselves, hence the function. */
const schema: Write = (writer, number, value) => SCHEMA(writer, number, value);

const SCHEMA = message(
  {
    $ref: [1, text],
    format: [2, text],
    title: [3, text],
    description: [4, text],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, flag],
    minimum: [9, double],
    exclusiveMinimum: [10, flag],
    maxLength: [11, integer],
    minLength: [12, integer],
    pattern: [13, text],
    maxItems: [14, integer],
    minItems: [15, integer],
    uniqueItems: [16, flag],
    maxProperties: [17, integer],
    minProperties: [18, integer],
    required: [19, repeated(text)],
    enum: [20, repeated(any)],
    additionalProperties: [
      21,
      (writer, number, value) => {
        if (typeof value === 'boolean') writer.delimited(number, () => writer.integer(2, value ? 1 : 0));
        else wrapped(schema)(writer, number, value);
      },
    ],
    type: [22, wrapped(text)],
    items: [23, wrapped(schema)],
    allOf: [24, repeated(schema)],
    properties: [25, pairs(schema)],
    example: [30, any],
  },
  { extensions: 31 },
);

const BODY_PARAMETER = message({
  description: [1, text],
  name: [2, text],
  in: [3, text],
  required: [4, flag],
  schema: [5, schema],
});

const QUERY_PARAMETER = message({
  required: [1, flag],
  in: [2, text],
  description: [3, text],
  name: [4, text],
  type: [6, text],
  uniqueItems: [20, flag],
});

const PATH_PARAMETER = message({
  required: [1, flag],
  in: [2, text],
  description: [3, text],
  name: [4, text],
  type: [5, text],
  uniqueItems: [19, flag],
});

/** An alternative of alternatives: an item is a parameter, which is a body or not, which is in the query or in the path. */
const parameter: Write = (writer, number, value) => {
  const place = (value as { in: string }).in;
  const inner =
    place === 'body'
      ? wrapped(BODY_PARAMETER)
      : wrapped(place === 'query' ? wrapped(QUERY_PARAMETER, 3) : wrapped(PATH_PARAMETER, 4), 2);
  wrapped(inner)(writer, number, value);
};

const RESPONSE = message({ description: [1, text], schema: [2, wrapped(schema)] });

const OPERATION = message(
  {
    tags: [1, repeated(text)],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    produces: [6, repeated(text)],
    consumes: [7, repeated(text)],
    parameters: [8, repeated(parameter)],
    responses: [9, message({}, { rest: [1, wrapped(RESPONSE)], extensions: 2 })],
    schemes: [10, repeated(text)],
    deprecated: [11, flag],
  },
  { extensions: 13 },
);

const PATH_ITEM = message(
  {
    $ref: [1, text],
    get: [2, OPERATION],
    put: [3, OPERATION],
    post: [4, OPERATION],
    delete: [5, OPERATION],
    options: [6, OPERATION],
    head: [7, OPERATION],
    patch: [8, OPERATION],
    parameters: [9, repeated(parameter)],
  },
  { extensions: 10 },
);

const API_KEY = message({ type: [1, text], name: [2, text], in: [3, text], description: [4, text] });

const DOCUMENT: Message = {
  fields: {
    swagger: [1, text],
    info: [2, message({ title: [1, text], version: [2, text], description: [3, text] })],
    paths: [8, message({}, { rest: [2, PATH_ITEM], extensions: 1 })],
    definitions: [9, pairs(schema)],
    security: [12, repeated(pairs(wrapped(repeated(text))))],
    securityDefinitions: [13, pairs(wrapped(API_KEY, 2))],
  },
  extensions: 16,
};

/** The bytes of an openapi_v2.Document. Throws when the document has what this encoder does not know. */
export function encodeOpenApiV2(document: Json): Uint8Array {
  const writer = new BackwardWriter();
  writeMessage(writer, DOCUMENT, document);
  return writer.result();
}
