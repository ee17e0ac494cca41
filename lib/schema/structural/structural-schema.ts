import type { Schema } from '../schema.js';

/** A rule in CEL on a node of a schema. */
export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** A node of a custom resource's schema, which stands for itself: there are no references in it. */
export interface StructuralSchema extends Schema {
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema | boolean;
  items?: StructuralSchema;
  allOf?: StructuralSchema[];
  'x-kubernetes-validations'?: ValidationRule[];
}

/** What a list's elements are told apart by where it is a map; undefined for other lists. */
export function listKeysOf(schema: Schema): readonly string[] | undefined {
  return schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
}

export function valuesOf(schema: StructuralSchema): StructuralSchema | undefined {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** The key of a list's element as a text; an absent one counts as its default. */
export function elementKey(schema: Schema, keys: readonly string[], element: unknown): string {
  if (typeof element !== 'object' || element === null) return JSON.stringify(element) ?? '';
  const record = element as Record<string, unknown>;
  return JSON.stringify(keys.map((key) => showKey(record[key] ?? schema.properties?.[key]?.default)));
}

function showKey(value: unknown): unknown {
  return typeof value === 'bigint' ? `n${value}` : (value ?? null);
}
