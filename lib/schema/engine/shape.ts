import { REF_PREFIX, type Schema, type SchemaSource } from '../schema.js';

/** How values of a schema node are read: its type, refined by format and by the few definitions that are one value. */
export type ShapeKind =
  | 'object'
  | 'map'
  | 'list'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'any'
  | 'int-or-string'
  | 'quantity'
  | 'time'
  | 'micro-time'
  | 'bytes';

/** A member of an object shape, or the items of a list, or the values of a map. */
export interface Field {
  /** The node as it is written at the member, before `$ref` is followed: it carries default and merge strategy. */
  readonly schema: Schema;
  readonly shape: Shape;
  readonly required: boolean;
}

/** A schema node made ready for walking: references followed, members in a map, names known. Compiled once per node. */
export interface Shape {
  readonly schema: Schema;
  readonly kind: ShapeKind;
  /** The last part of the definition's name, which is the Go type's: `DeploymentSpec`. Empty for nameless nodes. */
  readonly name: string;
  /** The part of the definition's name that Go has as package: `v1`. */
  readonly packageName: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly element: Field | undefined;
  /** Members that no schema describes belong to the object. */
  readonly keepsUnknown: boolean;
  /** Holds an object with apiVersion, kind and metadata of its own. */
  readonly embedded: boolean;
}

interface MutableShape extends Shape {
  fields: Map<string, Field>;
  element: Field | undefined;
}

const NO_FIELDS = new Map<string, Field>();
const caches = new WeakMap<SchemaSource, WeakMap<Schema, Shape>>();

/** The shape of a node; compiled at first use and kept as long as the source and the node live. */
export function shapeOf(schema: Schema, source: SchemaSource): Shape {
  let cache = caches.get(source);
  if (cache === undefined) caches.set(source, (cache = new WeakMap()));
  return cache.get(schema) ?? compile(schema, source, cache);
}

function compile(schema: Schema, source: SchemaSource, cache: WeakMap<Schema, Shape>): Shape {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const { target, definition } = follow(schema, source);
  const sharedTarget = target === schema ? undefined : cache.get(target);
  if (sharedTarget !== undefined) {
    cache.set(schema, sharedTarget);
    return sharedTarget;
  }
  const names = namesOf(definition, target);
  const kind = kindOf(target, names.name);
  const shape: MutableShape = {
    schema: target,
    kind,
    ...names,
    fields: NO_FIELDS as Map<string, Field>,
    element: undefined,
    keepsUnknown: target['x-kubernetes-preserve-unknown-fields'] === true || target.additionalProperties === true,
    embedded: target['x-kubernetes-embedded-resource'] === true,
  };
  cache.set(schema, shape);
  cache.set(target, shape);
  if (kind === 'object') shape.fields = compileFields(target, source, cache);
  const element = elementOf(target, kind);
  if (element !== undefined) {
    shape.element = { schema: element, shape: compile(element, source, cache), required: false };
  }
  return shape;
}

function compileFields(target: Schema, source: SchemaSource, cache: WeakMap<Schema, Shape>): Map<string, Field> {
  const required = new Set(target.required);
  const fields = new Map<string, Field>();
  for (const [name, schema] of Object.entries(target.properties ?? {})) {
    fields.set(name, { schema, shape: compile(schema, source, cache), required: required.has(name) });
  }
  return fields;
}

function follow(schema: Schema, source: SchemaSource): { target: Schema; definition: string } {
  let target = schema;
  let definition = '';
  for (;;) {
    const reference = target.$ref ?? (target.allOf?.length === 1 ? target.allOf[0]?.$ref : undefined);
    if (reference === undefined) return { target, definition };
    definition = reference.slice(REF_PREFIX.length);
    const next = source.definition(definition);
    if (next === undefined) throw new Error(`schema reference ${reference} has no definition`);
    target = next;
  }
}

function namesOf(definition: string, target: Schema): { name: string; packageName: string } {
  const kind = target['x-kubernetes-group-version-kind']?.[0];
  const parts = definition.split('.');
  return {
    name: parts.at(-1) || kind?.kind || '',
    packageName: parts.at(-2) ?? kind?.version ?? '',
  };
}

function kindOf(schema: Schema, name: string): ShapeKind {
  if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string' || name === 'IntOrString') {
    return 'int-or-string';
  }
  if (schema.format === 'quantity' || name === 'Quantity') return 'quantity';
  if (schema.format === 'micro-time' || name === 'MicroTime') return 'micro-time';
  switch (schema.type) {
    case 'object':
      return objectKind(schema);
    case 'array':
      return 'list';
    case 'string':
      return schema.format === 'date-time' ? 'time' : schema.format === 'byte' ? 'bytes' : 'string';
    case undefined:
      return schema.properties === undefined ? 'any' : 'object';
    default:
      return schema.type;
  }
}

function objectKind(schema: Schema): ShapeKind {
  if (schema.properties !== undefined) return 'object';
  return typeof schema.additionalProperties === 'object' ? 'map' : 'any';
}

function elementOf(schema: Schema, kind: ShapeKind): Schema | undefined {
  if (kind === 'list') return schema.items;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** How Go prints the type of a shape: `int32`, `v1.DeploymentSpec`, `[]v1.Container`, `map[string]string`. */
export function goTypeOf(shape: Shape): string {
  switch (shape.kind) {
    case 'object':
      return shape.name === '' ? 'map[string]interface {}' : `${shape.packageName}.${shape.name}`;
    case 'map':
      return shape.element?.shape.kind === 'quantity' ? 'v1.ResourceList' : `map[string]${elementType(shape)}`;
    case 'list':
      return `[]${elementType(shape)}`;
    case 'integer':
    case 'int-or-string':
      return shape.schema.format === 'int64' ? 'int64' : 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'bytes':
      return '[]uint8';
    case 'any':
      return 'interface {}';
    default:
      return 'string';
  }
}

function elementType(shape: Shape): string {
  return shape.element === undefined ? 'interface {}' : goTypeOf(shape.element.shape);
}
