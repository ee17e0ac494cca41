import { STATUS, type Operation, type Path, type Paths } from './operations.js';
import type { Parameter } from './parameters.js';
import { SchemaPublisher, type DescribedSchemaSource } from './published-schemas.js';

type Json = Record<string, unknown>;

/** What the documents say of the server. */
export interface ServerInfo {
  title: string;
  /** `v1.36.0` */
  version: string;
}

/** A complete OpenAPI 3.0 document of these paths and of all that they refer to. */
export function buildV3(paths: Paths, source: DescribedSchemaSource, info: ServerInfo): Json {
  const publisher = new SchemaPublisher(source, 3);
  return {
    openapi: '3.0.0',
    info: { title: info.title, version: info.version },
    paths: Object.fromEntries(sorted(paths).map(([path, about]) => [path, writePath(about, publisher)])),
    components: {
      schemas: publisher.definitions(referredDefinitions(paths)),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

export function sorted(paths: Paths): [string, Path][] {
  return [...paths].sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Definitions that bodies and answers name. */
export function referredDefinitions(paths: Paths): Set<string> {
  const names = new Set<string>([STATUS]);
  for (const { operations } of paths.values()) {
    for (const { body, answer } of Object.values(operations)) {
      if (body !== undefined) names.add(body.definition);
      if (answer !== undefined) names.add(answer);
    }
  }
  return names;
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
  const { body } = operation;
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.id,
    ...(operation.parameters.length === 0 ? {} : { parameters: operation.parameters.map(writeParameter) }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: content(body.mediaTypes, publisher.reference(body.definition)),
            ...(body.required ? { required: true } : {}),
          },
        }),
    responses: responses(operation, publisher),
    ...extensions(operation),
  };
}

function responses({ codes, answer, mediaTypes }: Operation, publisher: SchemaPublisher): Json {
  const schema = answer === undefined ? { type: 'string' } : publisher.reference(answer);
  return {
    ...Object.fromEntries(
      codes.map((code) => [String(code), { description: codeText(code), content: content(mediaTypes, schema) }]),
    ),
    '401': { description: 'Unauthorized' },
  };
}

export function codeText(code: number): string {
  return code === 201 ? 'Created' : code === 202 ? 'Accepted' : 'OK';
}

/** What clients find an operation by. */
export function extensions({ action, kind }: Operation): Json {
  return {
    ...(action === undefined ? {} : { 'x-kubernetes-action': action }),
    ...(kind === undefined
      ? {}
      : { 'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: kind.version } }),
  };
}

function content(mediaTypes: readonly string[], schema: Json): Json {
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema }]));
}

function writeParameter({ name, in: place, description, type }: Parameter): Json {
  return {
    name,
    in: place,
    description,
    ...(place === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}
