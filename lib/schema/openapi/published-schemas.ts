import { REF_PREFIX, type Schema, type SchemaSource } from '../schema.js';

/** A schema source that may keep its texts apart from its definitions. */
export interface DescribedSchemaSource extends SchemaSource {
  /** Whether the definition is of a custom resource. */
  isCustom?(name: string): boolean;
  descriptions?(name: string): { description: string; fields: Readonly<Record<string, string>> } | undefined;
}

type Json = Record<string, unknown>;

const V2_REF_PREFIX = '#/definitions/';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';

/** How Kubernetes publishes the types that our own engine has finer words for. */
const PUBLISHED: Readonly<Record<string, { v3: Json; v2: Json }>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    v3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    v2: { type: 'string' },
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    v3: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
    v2: { type: 'string', format: 'int-or-string' },
  },
  [`${META}MicroTime`]: same({ type: 'string', format: 'date-time' }),
  [`${META}FieldsV1`]: same({ type: 'object' }),
  [`${META}Patch`]: same({ type: 'object' }),
  'io.k8s.apimachinery.pkg.runtime.RawExtension': same({ type: 'object' }),
  [`${APIEXTENSIONS}JSON`]: same({}),
  [`${APIEXTENSIONS}JSONSchemaPropsOrArray`]: same({}),
  [`${APIEXTENSIONS}JSONSchemaPropsOrBool`]: same({}),
  [`${APIEXTENSIONS}JSONSchemaPropsOrStringArray`]: same({}),
};

function same(schema: Json): { v3: Json; v2: Json } {
  return { v3: schema, v2: schema };
}

/** What version 2 of OpenAPI has no word for, or what Kubernetes leaves out of it. */
const NOT_IN_V2: ReadonlySet<string> = new Set(['default', 'nullable', 'oneOf', 'anyOf', 'not']);

/** Writes definitions as one version of OpenAPI has them. */
export class SchemaPublisher {
  private readonly source: DescribedSchemaSource;
  private readonly version: 2 | 3;

  constructor(source: DescribedSchemaSource, version: 2 | 3) {
    this.source = source;
    this.version = version;
  }

  reference(definition: string): Json {
    return { $ref: (this.version === 3 ? REF_PREFIX : V2_REF_PREFIX) + definition };
  }

  /** The definitions of `names` and all they refer to, in alphabetical order. Throws when a reference would dangle. */
  definitions(names: Iterable<string>): Record<string, Json> {
    const found = new Map<string, Json>();
    const pending = [...names];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (found.has(name)) continue;
      const schema = this.source.definition(name);
      if (schema === undefined) throw new Error(`OpenAPI refers to ${name}, which has no definition`);
      found.set(name, this.definition(name, schema, pending));
    }
    return Object.fromEntries([...found].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  private definition(name: string, schema: Schema, pending: string[]): Json {
    const texts = this.source.descriptions?.(name);
    const description = texts === undefined || texts.description === '' ? {} : { description: texts.description };
    const published = PUBLISHED[name];
    if (published !== undefined) return { ...description, ...(this.version === 3 ? published.v3 : published.v2) };
    const given = this.version === 2 && this.source.isCustom?.(name) === true ? forV2(schema) : schema;
    const written = this.write(given, pending);
    if (texts !== undefined) addFieldTexts(written, texts.fields);
    return { ...description, ...written };
  }

  private write(schema: Schema, pending: string[]): Json {
    const written: Json = {};
    for (const [key, value] of Object.entries(schema)) {
      if (this.version === 2 && NOT_IN_V2.has(key)) continue;
      if (key === '$ref') written[key] = this.follow(value as string, pending);
      else if (key === 'properties') written[key] = this.writeAll(value as Record<string, Schema>, pending);
      else if (key === 'items' || key === 'not' || (key === 'additionalProperties' && typeof value === 'object')) {
        written[key] = this.write(value as Schema, pending);
      } else if (key === 'allOf' || key === 'oneOf' || key === 'anyOf') {
        written[key] = (value as Schema[]).map((one) => this.write(one, pending));
      } else written[key] = value;
    }
    // Version 3 allows nothing beside a reference.
    if (this.version === 2 || written['$ref'] === undefined || Object.keys(written).length === 1) return written;
    const { $ref, ...siblings } = written;
    return { allOf: [{ $ref }], ...siblings };
  }

  private writeAll(properties: Record<string, Schema>, pending: string[]): Json {
    return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, this.write(one, pending)]));
  }

  private follow(reference: string, pending: string[]): string {
    const name = reference.slice(REF_PREFIX.length);
    pending.push(name);
    return this.reference(name)['$ref'] as string;
  }
}

/**
 * A custom schema as version 2 can have it: clients cannot read nullable values, nor members beside unknown ones, so less is said of them
 * than is known.
 */
function forV2(schema: Schema): Schema {
  const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, not: _not, nullable, ...rest } = schema;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const made: Schema = { ...rest };
  if (nullable === true) delete made.type;
  if (nullable === true || keepsUnknown) {
    delete made.items;
    delete made.properties;
  }
  if (made.type === 'array' && made.items === undefined) delete made.type;
  if (made.type === 'object' && keepsUnknown) delete made.type;
  if (made.required !== undefined) {
    const required = made.required.filter((name) => schema.properties?.[name]?.nullable !== true);
    if (required.length === 0) delete made.required;
    else made.required = required;
  }
  if (made.items !== undefined) made.items = forV2(made.items);
  if (typeof made.additionalProperties === 'object') made.additionalProperties = forV2(made.additionalProperties);
  if (made.properties !== undefined)
    made.properties = Object.fromEntries(Object.entries(made.properties).map(([name, one]) => [name, forV2(one)]));
  return made;
}

function addFieldTexts(written: Json, texts: Readonly<Record<string, string>>): void {
  const properties = written['properties'] as Record<string, Json> | undefined;
  for (const [name, property] of Object.entries(properties ?? {})) {
    const description = texts[name];
    if (properties === undefined || description === undefined) continue;
    const { $ref, ...siblings } = property;
    // A reference that stood alone gets a sibling now.
    properties[name] =
      $ref !== undefined && typeof $ref === 'string' && $ref.startsWith(REF_PREFIX)
        ? { description, allOf: [{ $ref }], ...siblings }
        : { description, ...property };
  }
}
