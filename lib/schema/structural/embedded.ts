import { type FieldError, invalid, required } from '../../api/field-errors.js';
import type { KubernetesObject } from '../../api/meta.js';
import { nameIsDnsSubdomain } from '../../api/names.js';
import { validateObjectMeta } from '../../api/validate-metadata.js';
import { isJsonObject, setMember } from '../../json/path.js';
import { decodeObject } from '../engine/index.js';
import { REF_PREFIX, type Schema, type SchemaSource } from '../schema.js';
import { type StructuralSchema, valuesOf } from './structural-schema.js';

export const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** What every resource is, whatever its schema says: of its metadata no more than Kubernetes knows. */
const ANY_RESOURCE: Schema = {
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { $ref: REF_PREFIX + OBJECT_META },
  },
  'x-kubernetes-preserve-unknown-fields': true,
};

/**
 * Reads apiVersion, kind and metadata of a resource, and of those embedded in it, as Kubernetes' own types: unknown members of metadata are
 * dropped and listed. Shares what did not change with the input. Throws `DecodeError` for values of wrong types.
 */
export function readResourceMeta(
  schema: StructuralSchema,
  object: Record<string, unknown>,
  source: SchemaSource,
): { object: Record<string, unknown>; unknownPaths: string[] } {
  const unknownPaths: string[] = [];
  const root = decodeObject(ANY_RESOURCE, object, source);
  unknownPaths.push(...root.unknownPaths);
  const read = hasEmbedded(schema) ? readEmbedded(schema, root.object, '', true, source, unknownPaths) : root.object;
  return { object: isJsonObject(read) ? read : root.object, unknownPaths };
}

const embeddedIn = new WeakMap<StructuralSchema, boolean>();

function hasEmbedded(schema: StructuralSchema): boolean {
  const known = embeddedIn.get(schema);
  if (known !== undefined) return known;
  const values = valuesOf(schema);
  const found =
    schema['x-kubernetes-embedded-resource'] === true ||
    Object.values(schema.properties ?? {}).some(hasEmbedded) ||
    (schema.items !== undefined && hasEmbedded(schema.items)) ||
    (values !== undefined && hasEmbedded(values));
  embeddedIn.set(schema, found);
  return found;
}

function readEmbedded(
  schema: StructuralSchema,
  value: unknown,
  path: string,
  isRoot: boolean,
  source: SchemaSource,
  unknownPaths: string[],
): unknown {
  if (!hasEmbedded(schema)) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    return value.map((one, index) => readEmbedded(items, one, `${path}[${index}]`, false, source, unknownPaths));
  }
  if (!isJsonObject(value)) return value;
  let object = value;
  if (!isRoot && schema['x-kubernetes-embedded-resource'] === true) {
    const read = decodeObject(ANY_RESOURCE, value, source);
    unknownPaths.push(...read.unknownPaths.map((one) => `${path}.${one}`));
    object = read.object;
  }
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    const below = schema.properties?.[name] ?? valuesOf(schema);
    const at = path === '' ? name : `${path}.${name}`;
    const one = object[name];
    setMember(copy, name, below === undefined ? one : readEmbedded(below, one, at, false, source, unknownPaths));
  }
  return copy;
}

/** What embedded resources must say of themselves. */
export function embeddedErrors(schema: StructuralSchema, value: unknown, path = ''): FieldError[] {
  if (!hasEmbedded(schema)) return [];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((one, index) => embeddedErrors(items, one, `${path}[${index}]`));
  }
  if (!isJsonObject(value)) return [];
  const errors = path !== '' && schema['x-kubernetes-embedded-resource'] === true ? resourceErrors(value, path) : [];
  const values = valuesOf(schema);
  for (const [name, one] of Object.entries(value)) {
    const property = schema.properties?.[name];
    const below = property ?? values;
    if (below === undefined) continue;
    const at = property === undefined ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    errors.push(...embeddedErrors(below, one, at));
  }
  return errors;
}

function resourceErrors(value: Record<string, unknown>, path: string): FieldError[] {
  const { apiVersion, kind, metadata } = value as KubernetesObject;
  const errors: FieldError[] = [];
  if (!apiVersion) errors.push(required(`${path}.apiVersion`, 'must not be empty'));
  else if (apiVersion.split('/').length > 2)
    errors.push(invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  if (!kind) errors.push(required(`${path}.kind`, 'must not be empty'));
  if (metadata === undefined || metadata === null) return errors;
  const isNamespaced = metadata.namespace !== undefined && metadata.namespace !== '';
  const named =
    (metadata.name ?? '') === '' && (metadata.generateName ?? '') === '' ? { ...metadata, name: 'x' } : metadata;
  for (const error of validateObjectMeta(named, { isNamespaced, name: nameIsDnsSubdomain }))
    errors.push({ ...error, field: `${path}.${error.field}` });
  return errors;
}
