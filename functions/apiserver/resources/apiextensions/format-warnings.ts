import { isKnownFormat } from '../../../../lib/schema/engine/index.js';
import type { V1CustomResourceDefinition, V1JSONSchemaProps } from '../../../../lib/schema/generated/types.js';
import { isSchema } from './structural-rules.js';

/** Formats that nothing checks, and that the definition did not have before. */
export function formatWarnings(crd: V1CustomResourceDefinition, old: V1CustomResourceDefinition | undefined): string[] {
  const before = new Set(old === undefined ? [] : unknownFormats(old));
  return unknownFormats(crd)
    .filter((format) => !before.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormats({ spec }: V1CustomResourceDefinition): string[] {
  return (spec?.versions ?? []).flatMap(({ schema }) => formatsOf(schema?.openAPIV3Schema));
}

function formatsOf(schema: unknown): string[] {
  if (!isSchema(schema)) return [];
  const { format, type } = schema;
  return [...(format && !isKnownFormat(format, type) ? [format] : []), ...partsOf(schema).flatMap(formatsOf)];
}

function partsOf(schema: V1JSONSchemaProps): unknown[] {
  const { items, allOf, anyOf, oneOf, not, properties, additionalProperties, patternProperties } = schema;
  return [
    items,
    ...(allOf ?? []),
    ...(anyOf ?? []),
    ...(oneOf ?? []),
    not,
    ...Object.values(properties ?? {}),
    additionalProperties,
    ...Object.values(patternProperties ?? {}),
  ];
}
