import { resolveSchema, type Schema, type SchemaSource } from './schema.js';

const CIRCULAR: Schema = { type: 'object' };

/**
 * A schema with the definitions that it refers to in the place of its references, for readers that know none. A definition inside itself is
 * an object of unknown members. Never changes its argument. Throws when a reference dangles.
 */
export function inlineReferences(
  schema: Schema,
  source: SchemaSource,
  inside: ReadonlySet<Schema> = new Set(),
): Schema {
  const node = resolveSchema(schema, source);
  if (inside.has(node)) return CIRCULAR;
  const within = node === schema ? inside : new Set([...inside, node]);
  const inline = (part: Schema): Schema => inlineReferences(part, source, within);
  const { properties, items, additionalProperties } = node;
  return {
    ...node,
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, inline(part)])) }),
    ...(items === undefined ? {} : { items: inline(items) }),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: inline(additionalProperties) } : {}),
  };
}
