import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1JSONSchemaProps } from '../../../../lib/schema/generated/types.js';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

type Level = 'root' | 'item' | 'field';

const TYPE_MISSING: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/**
 * What makes a schema structural: every specified field has a type outside of the logical parts, metadata is left to the server,
 * and extensions do not contradict each other.
 */
export function structuralErrors(root: V1JSONSchemaProps, path: string): FieldError[] {
  const errors = nodeErrors(root, 'root', path);
  if (root.nullable === true) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  return errors;
}

function nodeErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  return [
    ...typeErrors(schema, level, path),
    ...extensionErrors(schema, path),
    ...patternErrors(schema.pattern, `${path}.pattern`),
    ...(schema.uniqueItems === true
      ? [
          forbidden(
            `${path}.uniqueItems`,
            'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
          ),
        ]
      : []),
    ...childErrors(schema, level, path),
    ...metadataErrors(schema, level, path),
    ...logicalErrors(schema, path),
  ];
}

function typeErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { type = '' } = schema;
  const field = `${path}.type`;
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    return [type === '' ? required(field, detail) : invalid(field, type, detail)];
  }
  if (type === '') {
    const isFree =
      schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
    return isFree ? [] : [required(field, TYPE_MISSING[level])];
  }
  if (!TYPES.includes(type)) return [notSupported(field, type, TYPES)];
  return level === 'root' && type !== 'object' ? [invalid(field, type, 'must be object at the root')] : [];
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
  try {
    // Kubernetes' expressions are RE2's, which know flags at the start and another way to name groups.
    new RegExp(pattern.replace(/^\(\?[imsU]+\)/, '').replaceAll('(?P<', '(?<'));
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [invalid(field, pattern, `must be a valid regular expression, but isn't: ${reason}`)];
  }
}

function childErrors(schema: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { properties = {}, additionalProperties, items } = schema;
  const errors = Object.entries(properties).flatMap(([name, property]) =>
    nodeErrors(property, 'field', `${path}.properties[${name}]`),
  );
  if (schema.type === 'array' && items === undefined) errors.push(required(`${path}.items`, 'must be specified'));
  if (isSchema(items)) errors.push(...nodeErrors(items, 'item', `${path}.items`));
  if (additionalProperties === undefined) return errors;
  if (level === 'root') errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  if (Object.keys(properties).length > 0) {
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  return isSchema(additionalProperties)
    ? [...errors, ...nodeErrors(additionalProperties, 'field', `${path}.additionalProperties`)]
    : errors;
}

function isSchema(value: unknown): value is V1JSONSchemaProps {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The server knows what apiVersion, kind and metadata are; a schema may only restrict names. */
function metadataErrors({ properties = {} }: V1JSONSchemaProps, level: Level, path: string): FieldError[] {
  if (level !== 'root') return [];
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
  return others.length === 0
    ? errors
    : [
        ...errors,
        forbidden(
          at,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      ];
}

/** Under allOf, anyOf, oneOf and not, values are restricted but structure is not specified. */
function logicalErrors(schema: V1JSONSchemaProps, path: string): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  return [
    ...allOf.flatMap((one, index) => restrictionErrors(one, `${path}.allOf[${index}]`, isIntOrString)),
    ...anyOf.flatMap((one, index) => restrictionErrors(one, `${path}.anyOf[${index}]`, isIntOrString)),
    ...oneOf.flatMap((one, index) => restrictionErrors(one, `${path}.oneOf[${index}]`, false)),
    ...(not === undefined ? [] : restrictionErrors(not, `${path}.not`, false)),
  ];
}

function restrictionErrors(schema: V1JSONSchemaProps, path: string, mayHaveType: boolean): FieldError[] {
  const { type, properties = {}, items, additionalProperties, default: fallback, nullable } = schema;
  const structural = 'must be undefined to be structural';
  return [
    ...Object.entries(properties).flatMap(([name, one]) =>
      restrictionErrors(one, `${path}.properties[${name}]`, false),
    ),
    ...(isSchema(items) ? restrictionErrors(items, `${path}.items`, false) : []),
    ...(type && !mayHaveType ? [forbidden(`${path}.type`, 'must be empty to be structural')] : []),
    ...(additionalProperties === undefined ? [] : [forbidden(`${path}.additionalProperties`, structural)]),
    ...(fallback === undefined ? [] : [forbidden(`${path}.default`, structural)]),
    ...(nullable === true ? [forbidden(`${path}.nullable`, 'must be false to be structural')] : []),
    ...(mayHaveType
      ? (schema.anyOf ?? []).flatMap((one, index) => restrictionErrors(one, `${path}.anyOf[${index}]`, true))
      : logicalErrors(schema, path)),
  ];
}
