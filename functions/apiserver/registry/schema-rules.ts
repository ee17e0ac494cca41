import type { FieldError } from '../../../lib/api/field-errors.js';
import { nameIsDnsSubdomain } from '../../../lib/api/names.js';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../../lib/api/validate-metadata.js';
import { applyDefaults as fillDefaults, validateSchema } from '../../../lib/schema/engine/index.js';
import type { Schema } from '../../../lib/schema/schema.js';
import type { Registry } from './context.js';
import type { WithMeta } from './metadata.js';
import type { Resource } from './catalog.js';
import { fillZeroValues } from './zero-values.js';

/** The definition of that name; every kind has one, or the server does not start. */
export function definitionOf(registry: Pick<Registry, 'schemas'>, name: string): Schema {
  const schema = registry.schemas.definition(name);
  if (schema === undefined) throw new Error(`there is no schema named ${name}`);
  return schema;
}

/** Fills in what the schema and the kind give as defaults. Changes `object`. */
export function applyDefaults(registry: Pick<Registry, 'schemas'>, resource: Resource, object: WithMeta): void {
  const schema = definitionOf(registry, resource.schema);
  fillZeroValues(schema, object, registry.schemas);
  const filled = fillDefaults(schema, object, registry.schemas, { goZeroValues: true });
  if (filled !== object) Object.assign(object, filled);
  if (resource.alternate === undefined) resource.definition.defaults?.(object);
}

/** Names, labels, annotations, owner references and finalizers; of an update also what may not change. */
export function checkMetadata(resource: Resource, object: WithMeta, old: WithMeta | undefined): FieldError[] {
  const { metadata } = object;
  if (old !== undefined) {
    const { resourceVersion } = old.metadata;
    return validateObjectMetaUpdate({ ...metadata, resourceVersion }, old.metadata);
  }
  const { namespaced, validateName = nameIsDnsSubdomain } = resource.definition;
  return validateObjectMeta(metadata, { isNamespaced: namespaced, name: validateName });
}

/** What the schema demands beyond types: required fields, enums, bounds. */
export function checkSchema(registry: Registry, resource: Resource, object: WithMeta): FieldError[] {
  return validateSchema(definitionOf(registry, resource.schema), object, registry.schemas, { goZeroValues: true });
}
