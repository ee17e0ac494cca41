import type { Schema } from '../schema/schema.js';
import {
  BOOL,
  BYTES,
  type CelField,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  objectType,
  STRING,
  TIMESTAMP,
} from './types.js';

/** The largest request, from which sizes are estimated that a schema does not bound. */
const REQUEST_BYTES_MAX = 3 * 1024 * 1024;
const DURATION_SIZE = 32;
const DATETIME_SIZE = 32;
const DATE_SIZE = 12;
const BYTES_PER_CHARACTER_MAX = 4;

interface Sized {
  type: CelType;
  /** Bytes of the smallest JSON that the schema allows. */
  bytesMin: number;
}

/** Words that no identifier may be; properties of these names are written `__namespace__`. */
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** The name of a property in expressions; undefined when it cannot be written there. */
export function escapeProperty(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (name === '' || /^[0-9]/.test(name) || /[^a-zA-Z0-9\-./_]/.test(name)) return undefined;
  return name.replace(/__|[-./]/g, (part) => ESCAPES[part] ?? part);
}

const ESCAPES: Record<string, string> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };

/**
 * The type that values of a structural schema have in rules; undefined for what rules cannot see. `isResourceRoot` declares apiVersion,
 * kind and the name in metadata, as the root of a custom resource and embedded ones have them.
 */
export function schemaType(schema: Schema, isResourceRoot = false): CelType | undefined {
  return sized(schema, isResourceRoot, 'object')?.type;
}

function sized(schema: Schema, isResourceRoot: boolean, path: string): Sized | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    const sizeMax =
      schema.maxLength === undefined ? REQUEST_BYTES_MAX - 2 : Math.max(0, schema.maxLength) * BYTES_PER_CHARACTER_MAX;
    return { type: { ...DYN, sizeMax }, bytesMin: 1 };
  }
  switch (schema.type) {
    case 'array':
      return sizedList(schema, path);
    case 'object':
      return sizedObject(schema, isResourceRoot, path);
    case 'string':
      return sizedText(schema);
    case 'boolean':
      return { type: BOOL, bytesMin: 4 };
    case 'number':
      return { type: DOUBLE, bytesMin: 1 };
    case 'integer':
      return { type: INT, bytesMin: 1 };
    default:
      return undefined;
  }
}

const isEmbedded = (schema: Schema): boolean => schema['x-kubernetes-embedded-resource'] === true;

function sizedList(schema: Schema, path: string): Sized | undefined {
  if (schema.items === undefined) return undefined;
  const element = sized(schema.items, isEmbedded(schema.items), `${path}.@idx`);
  if (element === undefined) return undefined;
  const sizeMax = Math.max(0, schema.maxItems ?? Math.floor((REQUEST_BYTES_MAX - 2) / (element.bytesMin + 1)));
  const kind = schema['x-kubernetes-list-type'];
  const listType = kind === 'set' || kind === 'map' ? kind : undefined;
  const listMapKeys = schema['x-kubernetes-list-map-keys']?.map((key) => escapeProperty(key) ?? key);
  return { type: listOf(element.type, { sizeMax, listType, listMapKeys }), bytesMin: 2 };
}

function sizedObject(schema: Schema, isResourceRoot: boolean, path: string): Sized | undefined {
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object') {
    const value = sized(additionalProperties, isEmbedded(additionalProperties), `${path}.@elem`);
    if (value === undefined) return undefined;
    const sizeMax = Math.max(0, schema.maxProperties ?? Math.floor((REQUEST_BYTES_MAX - 2) / (value.bytesMin + 6)));
    return { type: mapOf(STRING_KEY, value.type, { sizeMax }), bytesMin: 2 };
  }
  const properties = isResourceRoot ? { ...schema.properties, ...ROOT_PROPERTIES } : (schema.properties ?? {});
  const required = new Set(schema.required);
  const fields = new Map<string, CelField>();
  let bytesMin = 2;
  for (const [name, property] of Object.entries(properties)) {
    const field = sized(property, isEmbedded(property), `${path}.${name}`);
    if (field === undefined) continue;
    const escaped = escapeProperty(name);
    if (escaped !== undefined) fields.set(escaped, { name, type: field.type });
    if (required.has(name) && property.default === undefined) bytesMin += name.length + field.bytesMin + 4;
  }
  return { type: objectType(path, fields), bytesMin };
}

const ROOT_PROPERTIES: Record<string, Schema> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', properties: { name: { type: 'string' }, generateName: { type: 'string' } } },
};
const STRING_KEY: CelType = { ...STRING, sizeMax: REQUEST_BYTES_MAX };

function sizedText(schema: Schema): Sized {
  switch (schema.format) {
    case 'byte':
      return { type: { ...BYTES, sizeMax: Math.max(0, schema.maxLength ?? REQUEST_BYTES_MAX - 2) }, bytesMin: 2 };
    case 'duration':
      return { type: { ...DURATION, sizeMax: DURATION_SIZE }, bytesMin: 3 };
    case 'date':
      return { type: { ...TIMESTAMP, sizeMax: DATE_SIZE, dateOnly: true }, bytesMin: DATE_SIZE };
    case 'date-time':
      return { type: { ...TIMESTAMP, sizeMax: DATETIME_SIZE }, bytesMin: 21 };
    default:
  }
  if (schema.maxLength !== undefined)
    return { type: { ...STRING, sizeMax: Math.max(0, schema.maxLength) * BYTES_PER_CHARACTER_MAX }, bytesMin: 2 };
  const texts = schema.enum?.filter((value) => typeof value === 'string') ?? [];
  const sizeMax = texts.length > 0 ? Math.max(...texts.map((text) => text.length)) : REQUEST_BYTES_MAX - 2;
  return { type: { ...STRING, sizeMax }, bytesMin: 2 };
}
