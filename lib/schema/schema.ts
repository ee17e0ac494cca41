/**
 * One node of an OpenAPI v3 schema with the Kubernetes extensions: the description of built-in kinds and of
 * custom resources alike. One engine reads it for defaulting, validation, unknown fields, merging and `explain`.
 */
export interface Schema {
  /** `#/components/schemas/<definition name>`; resolved through a `SchemaSource`. */
  $ref?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  /** int32, int64, double, byte (base64), date-time, int-or-string, quantity, micro-time, … */
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  not?: Schema;
  enum?: unknown[];
  default?: unknown;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`, or two of them joined by a comma. */
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  /** Server-side apply and structural validation. */
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

/** Named definitions, as `io.k8s.api.apps.v1.Deployment`. */
export interface SchemaSource {
  /** The definition of that name, without its descriptions where the source leaves them out. Undefined when there is none. */
  definition(name: string): Schema | undefined;
}

export const REF_PREFIX = '#/components/schemas/';

/** Follows `$ref` (also one wrapped in a single-element `allOf`, as OpenAPI v3 writes a described reference) until a node without one. Throws when a reference dangles. */
export function resolveSchema(schema: Schema, source: SchemaSource): Schema {
  let node = schema;
  for (;;) {
    const reference = node.$ref ?? (node.allOf?.length === 1 ? node.allOf[0]?.$ref : undefined);
    if (reference === undefined) return node;
    const target = source.definition(reference.slice(REF_PREFIX.length));
    if (target === undefined) throw new Error(`schema reference ${reference} has no definition`);
    node = target;
  }
}
