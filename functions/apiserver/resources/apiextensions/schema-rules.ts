import { forbidden, type FieldError, invalid, notSupported, required } from '../../../../lib/api/field-errors.js';
import type { V1JSONSchemaProps } from '../../../../lib/schema/generated/types.js';
import { CelRules } from './cel-rules.js';
import { defaultErrors } from './default-rules.js';
import { isSchema, structuralErrors } from './structural-rules.js';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** How deep a schema may nest; deeper ones would not be walked through in bounded time and stack. */
const SCHEMA_DEPTH_MAX = 250;
const STATUS_ROOT_FIELDS = new Set([
  'description',
  'example',
  'externalDocs',
  'items',
  'properties',
  'required',
  'title',
  'type',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]);

/** All that is wrong with the schema of one version: its form, its defaults, what it uses of OpenAPI, and its rules. */
export function versionSchemaErrors(root: V1JSONSchemaProps, path: string, hasStatus: boolean): FieldError[] {
  if (!isShallow(root, SCHEMA_DEPTH_MAX))
    return [invalid(path, 'object', `must not nest deeper than ${SCHEMA_DEPTH_MAX} levels`)];
  const errors = hasStatus ? statusRootErrors(root, path) : [];
  if (root.nullable === true) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  const structural = structuralErrors(root, path);
  const defaults = structural.length === 0 ? defaultErrors(root, path) : [];
  errors.push(...structural, ...defaults);
  const rules = new CelRules(root, path);
  const features = featureErrors(root, path, { isInMetadata: false, isRoot: true });
  errors.push(...features);
  if (errors.length === 0) errors.push(...rules.errors());
  return unique(errors);
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const one of Object.values(value)) if (!isShallow(one, depth - 1)) return false;
  return true;
}

function statusRootErrors(root: V1JSONSchemaProps, path: string): FieldError[] {
  for (const name of Object.keys(root)) {
    if (name === 'type' && root.type !== 'object')
      return [
        invalid(
          `${path}.type`,
          root.type ?? '',
          'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        ),
      ];
    if (!STATUS_ROOT_FIELDS.has(name))
      return [
        invalid(
          path,
          root,
          `only [description example externalDocs items properties required title type x-kubernetes-preserve-unknown-fields x-kubernetes-validations] fields are allowed at the root of the schema if the status subresource is enabled`,
        ),
      ];
  }
  return [];
}

const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

function featureErrors(
  schema: V1JSONSchemaProps,
  path: string,
  { isInMetadata, isRoot }: { isInMetadata: boolean; isRoot: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '', items, additionalProperties, properties = {} } = schema;
  if (schema.uniqueItems === true)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (additionalProperties !== undefined && Object.keys(properties).length > 0 && additionalProperties !== false)
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (type !== '' && !TYPES.includes(type)) {
    errors.push(
      type === 'null'
        ? forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')
        : notSupported(`${path}.type`, type, TYPES),
    );
  }
  for (const name of UNSUPPORTED)
    if (schema[name] !== undefined && schema[name] !== '')
      errors.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  if (Array.isArray(items)) errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  if (isInMetadata && schema['x-kubernetes-embedded-resource'] === true)
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  errors.push(...mapTypeErrors(schema, path), ...listTypeErrors(schema, path));
  for (const [name, property] of Object.entries(properties)) {
    const inMetadata =
      isInMetadata || (name === 'metadata' && (isRoot || schema['x-kubernetes-embedded-resource'] === true));
    errors.push(...featureErrors(property, `${path}.properties[${name}]`, { isInMetadata: inMetadata, isRoot: false }));
  }
  const below = { isInMetadata, isRoot: false };
  if (isSchema(items)) errors.push(...featureErrors(items, `${path}.items`, below));
  if (isSchema(additionalProperties))
    errors.push(...featureErrors(additionalProperties, `${path}.additionalProperties`, below));
  return errors;
}

function mapTypeErrors(schema: V1JSONSchemaProps, path: string): FieldError[] {
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return [];
  const errors: FieldError[] = [];
  const detail = 'must be object if x-kubernetes-map-type is specified';
  if (!schema.type) errors.push(required(`${path}.type`, detail));
  else if (schema.type !== 'object') errors.push(invalid(`${path}.type`, schema.type, detail));
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  return errors;
}

function listTypeErrors(schema: V1JSONSchemaProps, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const errors: FieldError[] = [];
  const field = `${path}.x-kubernetes-list-type`;
  const items = isSchema(schema.items) ? schema.items : undefined;
  if (listType !== undefined) {
    const detail = 'must be array if x-kubernetes-list-type is specified';
    if (!schema.type) errors.push(required(`${path}.type`, detail));
    else if (schema.type !== 'array') errors.push(invalid(`${path}.type`, schema.type, detail));
    if (!['atomic', 'set', 'map'].includes(listType))
      errors.push(notSupported(field, listType, ['atomic', 'set', 'map']));
  }
  if (listType === 'set' && items !== undefined) errors.push(...setItemErrors(items, `${path}.items`));
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(field, detail) : invalid(field, listType, detail));
  }
  if (listType === 'map') errors.push(...mapKeyErrors(schema, items, keys, path));
  if ((listType === 'map' || listType === 'set') && items?.nullable === true)
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  return errors;
}

function setItemErrors(items: V1JSONSchemaProps, path: string): FieldError[] {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  if (
    items.type === 'array' &&
    items['x-kubernetes-list-type'] !== undefined &&
    items['x-kubernetes-list-type'] !== 'atomic'
  )
    return [invalid(`${path}.x-kubernetes-list-type`, items['x-kubernetes-list-type'], detail)];
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    return [invalid(`${path}.x-kubernetes-map-type`, items['x-kubernetes-map-type'] ?? null, detail)];
  return [];
}

function mapKeyErrors(
  schema: V1JSONSchemaProps,
  items: V1JSONSchemaProps | undefined,
  keys: readonly string[],
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const field = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.push(required(field, 'must not be empty if x-kubernetes-list-type is map'));
  if (items === undefined) {
    errors.push(
      schema.items === undefined
        ? required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')
        : invalid(`${path}.items`, schema.items, 'must only have a single schema if x-kubernetes-list-type is map'),
    );
    return errors;
  }
  if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(`${path}.items.type`, items.type ?? '', detail)];
  }
  const needed = new Set(items.required);
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (property === undefined) errors.push(invalid(field, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object')
      errors.push(
        invalid(`${at}.type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"),
      );
    if (keys.indexOf(key) !== index) errors.push(invalid(field, keys, 'must not contain duplicate entries'));
    if (property === undefined) continue;
    if (!needed.has(key) && property.default === undefined)
      errors.push(
        required(
          `${at}.default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    if (property.nullable === true)
      errors.push(
        forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      );
  }
  return errors;
}

function unique(errors: readonly FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return errors.filter(({ field, body }) => {
    const text = `${field}: ${body}`;
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}
