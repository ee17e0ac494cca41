import { forbidden, invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1JSONSchemaProps } from '../../../../lib/schema/generated/types.js';
import { applyDefaults, pruneUnknown, validateSchema } from '../../../../lib/schema/engine/index.js';
import type { SchemaSource } from '../../../../lib/schema/schema.js';
import {
  compileRuleTree,
  evaluateRules,
  type StructuralSchema,
  valuesOf,
} from '../../../../lib/schema/structural/index.js';
import { equalJson } from '../../registry/json-values.js';

/** Schemas of custom resources refer to nothing. */
const NO_REFERENCES: SchemaSource = { definition: () => undefined };

/** A default is a value that its own schema prunes nothing of and finds nothing wrong with. */
export function defaultErrors(root: V1JSONSchemaProps, path: string): FieldError[] {
  return nodeErrors(root as StructuralSchema, path, true, false);
}

function nodeErrors(schema: StructuralSchema, path: string, isRoot: boolean, isMetadata: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const field = `${path}.default`;
  if (schema.default !== undefined) {
    if (isRoot) errors.push(forbidden(field, 'must not be set at the root'));
    else if (isMetadata) errors.push(forbidden(field, 'must not be set in metadata'));
    else errors.push(...valueErrors(schema, field));
  }
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    errors.push(
      ...nodeErrors(property, `${path}.properties[${name}]`, false, isMetadata || (isResource && name === 'metadata')),
    );
  if (schema.items !== undefined) errors.push(...nodeErrors(schema.items, `${path}.items`, false, isMetadata));
  const values = valuesOf(schema);
  if (values !== undefined) errors.push(...nodeErrors(values, `${path}.additionalProperties`, false, isMetadata));
  return errors;
}

/** The schema is wrapped, since a root keeps apiVersion, kind and metadata whatever it says. */
function valueErrors(schema: StructuralSchema, field: string): FieldError[] {
  const wrapped: StructuralSchema = { type: 'object', properties: { default: schema } };
  const given = { default: schema.default };
  if (
    !equalJson(pruneUnknown(wrapped, given, NO_REFERENCES), given) &&
    schema['x-kubernetes-embedded-resource'] !== true
  )
    return [invalid(field, schema.default, 'must not have unknown fields')];
  if (schema.default === null)
    return schema.nullable === true ? [] : [invalid(field, null, 'must not be null if the field is not nullable')];
  const completed = applyDefaults(wrapped, given, NO_REFERENCES).default;
  const errors = validateSchema(schema, completed, NO_REFERENCES, { path: field });
  if (errors.length > 0) return errors;
  const tree = compileRuleTree(schema, false);
  if (tree === undefined) return [];
  return evaluateRules(tree, completed, undefined).errors.map((error) => ({
    ...error,
    field: error.field === '<nil>' ? field : `${field}.${error.field}`,
  }));
}
