import type { Model, ModelProperty } from './models.js';

/** Types that the project writes itself, under client-node's names. */
const OWN_TYPES: Record<string, string> = { V1ObjectMeta: 'ObjectMeta', V1OwnerReference: 'OwnerReference' };

/** Optional on every root kind: clients may leave them out, and builders of objects fill them step by step. */
const ROOT_PARTS = new Set(['metadata', 'spec', 'status']);

const HEADER = `// Written by scripts/generate-schemas.ts from the models of @kubernetes/client-node: do not edit.
import type { ObjectMeta, OwnerReference } from '../../api/meta.js';

`;

/** The text of a TypeScript module with one type per model, in the shape the objects have in JSON. */
export function writeTypes(models: Map<string, Model>): string {
  const parts = [HEADER];
  for (const model of models.values()) {
    const own = OWN_TYPES[model.name];
    parts.push(own === undefined ? writeType(model) : `export type ${model.name} = ${own};\n`);
  }
  return parts.join('');
}

function writeType(model: Model): string {
  const isRoot = ['apiVersion', 'kind'].every((name) => model.properties.some((one) => one.name === name));
  const lines = model.properties.map((property) => {
    const optional = !property.required || (isRoot && ROOT_PARTS.has(property.name));
    return `  ${quoted(property.name)}${optional ? '?' : ''}: ${typeOf(property)};\n`;
  });
  // Type aliases, because only they are assignable to Record<string, unknown>.
  return `export type ${model.name} = {\n${lines.join('')}};\n`;
}

function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `'${name}'`;
}

function typeOf(property: ModelProperty): string {
  return property.type
    .replace(/\bDate\b/g, 'string')
    .replace(/\bV1MicroTime\b/g, 'string')
    .replace(/\bIntOrString\b/g, 'number | string')
    .replace(/\bany\b/g, 'unknown')
    .replace(/; }/g, ' }');
}
