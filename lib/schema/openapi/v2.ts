import type { Operation, Path, Paths } from './operations.js';
import type { Parameter } from './parameters.js';
import { SchemaPublisher, type DescribedSchemaSource } from './published-schemas.js';
import { codeText, extensions, referredDefinitions, sorted, type ServerInfo } from './v3.js';

type Json = Record<string, unknown>;

/** Some paths of a document, and all definitions that they refer to. */
export interface V2Part {
  readonly paths: Json;
  readonly definitions: Record<string, Json>;
}

export function buildV2Part(paths: Paths, source: DescribedSchemaSource): V2Part {
  const publisher = new SchemaPublisher(source, 2);
  return {
    paths: Object.fromEntries(sorted(paths).map(([path, about]) => [path, writePath(about, publisher)])),
    definitions: publisher.definitions(referredDefinitions(paths)),
  };
}

/** A complete OpenAPI 2.0 document of these parts. */
export function joinV2(parts: readonly V2Part[], info: ServerInfo): Json {
  return {
    swagger: '2.0',
    info: { title: info.title, version: info.version },
    paths: byName(parts.map(({ paths }) => paths)),
    definitions: byName(parts.map(({ definitions }) => definitions)),
    securityDefinitions: {
      BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}

function byName(parts: readonly Json[]): Json {
  const all = new Map(parts.flatMap((part) => Object.entries(part)));
  return Object.fromEntries([...all].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function writePath({ operations, parameters }: Path, publisher: SchemaPublisher): Json {
  return {
    ...Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [method, writeOperation(operation, publisher)]),
    ),
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(writeParameter) }),
  };
}

function writeOperation(operation: Operation, publisher: SchemaPublisher): Json {
  const { body, answer } = operation;
  const parameters: Json[] = operation.parameters.map(writeParameter);
  if (body !== undefined) {
    parameters.unshift({
      name: 'body',
      in: 'body',
      ...(body.required ? { required: true } : {}),
      schema: publisher.reference(body.definition),
    });
  }
  const schema = answer === undefined ? { type: 'string' } : publisher.reference(answer);
  return {
    description: operation.description,
    consumes: body?.mediaTypes ?? ['*/*'],
    produces: operation.mediaTypes,
    schemes: ['https'],
    tags: [operation.tag],
    operationId: operation.id,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: {
      ...Object.fromEntries(operation.codes.map((code) => [String(code), { description: codeText(code), schema }])),
      '401': { description: 'Unauthorized' },
    },
    ...extensions(operation),
  };
}

function writeParameter({ name, in: place, description, type }: Parameter): Json {
  return {
    name,
    in: place,
    description,
    ...(place === 'path' ? { required: true } : {}),
    type,
    uniqueItems: true,
  };
}
