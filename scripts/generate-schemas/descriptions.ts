import { REF_PREFIX, type Schema } from '../../lib/schema/schema.js';
import { FIELD_TEXTS } from './field-texts.js';
import type { Model } from './models.js';
import type { GeneratedSchemas } from './schemas.js';
import { SPECIAL } from './special.js';

/** Of each definition its own description and those of its fields. */
export type GeneratedDescriptions = Record<string, [description: string, fields: Record<string, string>]>;

const METADATA_TEXTS: Readonly<Record<string, string>> = {
  ObjectMeta: "Standard object's metadata.",
  ListMeta: 'Standard list metadata.',
};

/**
 * The texts of client-node's models. They have none for fields whose type is a definition of its own: those get the
 * first sentence of that definition's text.
 */
export function buildDescriptions(models: Map<string, Model>, schemas: GeneratedSchemas): GeneratedDescriptions {
  const descriptions: GeneratedDescriptions = {};
  for (const [name, { description }] of Object.entries(SPECIAL)) descriptions[name] = [description, {}];
  for (const [name, schema] of Object.entries(schemas.definitions)) {
    const model = models.get(name);
    if (model === undefined) continue;
    const fields: Record<string, string> = {};
    for (const property of model.properties) {
      const text = property.description;
      const reference = schema.properties?.[property.name]?.$ref?.slice(REF_PREFIX.length);
      const ofType = reference === undefined ? '' : textOfType(reference, models);
      // For types with a form of their own, the model has the text of the type in place of the field's.
      const isOwn = text !== '' && !(reference !== undefined && text.startsWith(`${shortName(reference)} `));
      const chosen = isOwn ? text : textOfPart(property.name, name, schema, reference) || firstSentence(ofType);
      if (chosen !== '') fields[property.name] = chosen;
    }
    descriptions[name] = [model.description, fields];
  }
  return descriptions;
}

function textOfType(name: string, models: Map<string, Model>): string {
  return SPECIAL[name]?.description ?? models.get(name)?.description ?? '';
}

/** Our own words, and those for what every kind has. */
function textOfPart(property: string, name: string, schema: Schema, reference: string | undefined): string {
  const own = FIELD_TEXTS[`${shortName(name)}.${property}`];
  if (own !== undefined) return own;
  if (property === 'metadata') return METADATA_TEXTS[shortName(reference ?? '')] ?? '';
  if (schema['x-kubernetes-group-version-kind'] === undefined) return '';
  if (property === 'spec') return `Specification of the desired state of the ${shortName(name)}.`;
  if (property === 'status') return `Most recently observed state of the ${shortName(name)}.`;
  return '';
}

function firstSentence(text: string): string {
  return /^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0] ?? text;
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
