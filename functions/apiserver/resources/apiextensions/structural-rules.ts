import { deepEqual } from '../../../../lib/api/equality.js';
import { forbidden, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { compileRegex, isRegexFault } from '../../../../lib/regex.js';
import type { V1JSONSchemaProps } from '../../../../lib/schema/generated/types.js';

type Level = 'root' | 'item' | 'field';

const TYPE_MISSING: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/**
 * What makes a schema structural: every specified field has a type outside of the logical parts, those parts only restrict what is specified
 * beside them, metadata is left to the server, and extensions do not contradict each other.
 */
export function structuralErrors(root: V1JSONSchemaProps, path: string): FieldError[] {
  const errors = [...nodeErrors(root, 'root', path), ...completenessErrors(root, root, path, path)];
  return errors.toSorted((left, right) => compare(left, right));
}

function compare(left: FieldError, right: FieldError): number {
  const [one, other] = [`${left.field}: ${left.body}`, `${right.field}: ${right.body}`];
  return one < other ? -1 : one > other ? 1 : 0;
}

function nodeErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  return [
    ...childErrors(schema, level, path),
    ...extensionErrors(schema, path),
    ...restrictionsOf(schema, path),
    ...typeErrors(schema, level, path),
    ...metadataErrors(schema, level, path),
  ];
}

function childErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { properties = {}, additionalProperties, items } = schema;
  const errors: FieldError[] = [];
  if (schema.type === 'array' && items === undefined) errors.push(required(`${path}.items`, 'must be specified'));
  if (isSchema(items)) errors.push(...nodeErrors(items, 'item', `${path}.items`));
  for (const [name, property] of Object.entries(properties))
    errors.push(...nodeErrors(property, 'field', `${path}.properties[${name}]`));
  if (additionalProperties === undefined) return errors;
  if (level === 'root') errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  if (isSchema(additionalProperties))
    errors.push(...nodeErrors(additionalProperties, 'field', `${path}.additionalProperties`));
  return errors;
}

function typeErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { type = '' } = schema;
  const field = `${path}.type`;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const errors: FieldError[] = [];
  if (isEmbedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(field, detail) : invalid(field, type, detail));
  } else if (type === '' && schema['x-kubernetes-int-or-string'] !== true && !keepsUnknown)
    errors.push(required(field, TYPE_MISSING[level]));
  if (isEmbedded && schema.additionalProperties !== undefined)
    errors.push(forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'));
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalid(field, type, 'must be object at the root'));
  if (isEmbedded && !keepsUnknown && Object.keys(schema.properties ?? {}).length === 0)
    errors.push(
      required(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  return errors;
}

function extensionErrors(schema: V1JSONSchemaProps, path: string): FieldError[] {
  if (schema['x-kubernetes-int-or-string'] !== true) return [];
  const detail = 'must be false if x-kubernetes-int-or-string is true';
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const).flatMap((extension) =>
    schema[extension] === true ? [invalid(`${path}.${extension}`, true, detail)] : [],
  );
}

function patternErrors(pattern: string | undefined, field: string): FieldError[] {
  if (!pattern) return [];
  const regex = compileRegex(pattern);
  return isRegexFault(regex)
    ? [invalid(field, pattern, `must be a valid regular expression, but isn't: ${regex.message}`)]
    : [];
}

export function isSchema(value: unknown): value is V1JSONSchemaProps {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The server knows what apiVersion, kind and metadata are; a schema may only restrict names. */
function metadataErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { properties = {} } = schema;
  const isResource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true;
  if (!isResource) return [];
  const errors = ['kind', 'apiVersion'].flatMap((name) => {
    const type = properties[name]?.type ?? '';
    return properties[name] === undefined || type === 'string'
      ? []
      : [invalid(`${path}.properties[${name}].type`, type, 'must be string')];
  });
  const { metadata } = properties;
  if (metadata === undefined) return errors;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== 'object') errors.push(invalid(`${at}.type`, metadata.type ?? '', 'must be object'));
  const others = Object.keys(metadata.properties ?? {}).filter((name) => name !== 'name' && name !== 'generateName');
  const extra = Object.keys(metadata).filter((name) => !['type', 'properties', 'default'].includes(name));
  return level !== 'root' || others.length + extra.length === 0
    ? errors
    : [
        ...errors,
        forbidden(
          at,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      ];
}

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

/** Under allOf, anyOf, oneOf and not, values are restricted but structure is not specified. */
function restrictionsOf(schema: V1JSONSchemaProps, path: string, skipsAnyOf?: boolean): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const skipAnyOf = skipsAnyOf ?? deepEqual(anyOf, INT_OR_STRING);
  const skipFirst = skipsAnyOf === undefined && deepEqual(allOf[0]?.anyOf ?? [], INT_OR_STRING);
  return [
    ...(skipAnyOf ? [] : anyOf.flatMap((one, index) => restrictionErrors(one, `${path}.anyOf[${index}]`, false))),
    ...allOf.flatMap((one, index) => restrictionErrors(one, `${path}.allOf[${index}]`, skipFirst && index === 0)),
    ...oneOf.flatMap((one, index) => restrictionErrors(one, `${path}.oneOf[${index}]`, false)),
    ...(not === undefined ? [] : restrictionErrors(not, `${path}.not`, false)),
    ...patternErrors(schema.pattern, `${path}.pattern`),
  ];
}

const MUST_BE_EMPTY = [
  'type',
  'title',
  'description',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
] as const;
const MUST_BE_UNDEFINED = [
  'additionalProperties',
  'default',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
] as const;
const MUST_BE_FALSE = [
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const;

function restrictionErrors(schema: V1JSONSchemaProps, path: string, skipsAnyOf: boolean): FieldError[] {
  const { properties = {}, items } = schema;
  const isEmpty = (value: unknown): boolean =>
    value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  return [
    ...restrictionsOf(schema, path, skipsAnyOf),
    ...(isSchema(items) ? restrictionErrors(items, `${path}.items`, false) : []),
    ...Object.entries(properties).flatMap(([name, one]) =>
      restrictionErrors(one, `${path}.properties[${name}]`, false),
    ),
    ...MUST_BE_EMPTY.filter((name) => !isEmpty(schema[name])).map((name) =>
      forbidden(`${path}.${name}`, 'must be empty to be structural'),
    ),
    ...MUST_BE_UNDEFINED.filter((name) => schema[name] !== undefined).map((name) =>
      forbidden(`${path}.${name}`, 'must be undefined to be structural'),
    ),
    ...MUST_BE_FALSE.filter((name) => schema[name] === true).map((name) =>
      forbidden(`${path}.${name}`, 'must be false to be structural'),
    ),
    ...(properties['metadata'] === undefined
      ? []
      : [forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context')]),
  ];
}

/** What a logical part speaks of must be specified beside it. */
function completenessErrors(
  schema: V1JSONSchemaProps,
  specified: V1JSONSchemaProps,
  at: string,
  from: string,
): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const lists = { allOf, anyOf, oneOf };
  return [
    ...(not === undefined ? [] : nestedCompleteness(not, specified, at, `${from}.not`)),
    ...Object.entries(lists).flatMap(([name, list]) =>
      list.flatMap((one, index) => nestedCompleteness(one, specified, at, `${from}.${name}[${index}]`)),
    ),
  ];
}

function nestedCompleteness(
  nested: V1JSONSchemaProps,
  specified: V1JSONSchemaProps,
  at: string,
  from: string,
): FieldError[] {
  const errors = completenessErrors(nested, specified, at, from);
  if (isSchema(nested.items)) {
    if (isSchema(specified.items))
      errors.push(...nestedCompleteness(nested.items, specified.items, `${at}.items`, `${from}.items`));
    else errors.push(required(`${at}.items`, `because it is defined in ${from}.items`));
  }
  for (const [name, one] of Object.entries(nested.properties ?? {})) {
    const known = specified.properties?.[name];
    const [place, source] = [`${at}.properties[${name}]`, `${from}.properties[${name}]`];
    if (known === undefined) errors.push(required(place, `because it is defined in ${source}`));
    else errors.push(...nestedCompleteness(one, known, place, source));
  }
  return errors;
}
