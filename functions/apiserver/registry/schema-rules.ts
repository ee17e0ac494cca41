import type { FieldError } from '../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { nameIsDnsSubdomain } from '../../../lib/api/names.js';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../../lib/api/validate-metadata.js';
import { applyDefaults as fillDefaults, decodeObject, validateSchema } from '../../../lib/schema/engine/index.js';
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

/** An object as the schema of that name reads it: unknown members dropped and listed. Throws `DecodeError` for values of wrong types. */
export function decodeAs(
  registry: Pick<Registry, 'schemas'>,
  name: string,
  object: KubernetesObject,
): { object: KubernetesObject; unknownPaths: string[] } {
  const custom = registry.schemas.custom?.(name);
  return custom === undefined
    ? decodeObject(definitionOf(registry, name), object, registry.schemas)
    : custom.decode(object, registry.schemas);
}

/** Fills in what the schema and the kind give as defaults. Changes `object`. */
export function applyDefaults(registry: Pick<Registry, 'schemas'>, resource: Resource, object: WithMeta): void {
  const { custom } = resource.definition;
  if (custom !== undefined) {
    replaceMembers(object, custom.complete(object, registry.schemas));
    return;
  }
  const schema = definitionOf(registry, resource.schema);
  fillZeroValues(schema, object, registry.schemas);
  const filled = fillDefaults(schema, object, registry.schemas, { goZeroValues: true });
  if (filled !== object) Object.assign(object, filled);
  if (resource.alternate === undefined) resource.definition.defaults?.(object);
}

function replaceMembers(object: object, completed: object): void {
  if (completed === object) return;
  for (const name of Object.keys(object))
    if (!Object.hasOwn(completed, name)) delete (object as Record<string, unknown>)[name];
  Object.assign(object, completed);
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

/** What the schema demands beyond types: required fields, enums, bounds, and rules of custom resources, some of which only warn. */
export function checkSchema(
  registry: Registry,
  resource: Resource,
  write: { object: WithMeta; old: WithMeta | undefined; subresource: string; warn: (text: string) => void },
): FieldError[] {
  const { object, old, subresource } = write;
  const { custom } = resource.definition;
  if (custom !== undefined) {
    const context = { source: registry.schemas, clock: registry.clock, subresource };
    const { errors, warnings } = custom.validate(object, old, context);
    for (const text of warnings) write.warn(text);
    return errors;
  }
  return validateSchema(definitionOf(registry, resource.schema), object, registry.schemas, { goZeroValues: true });
}
