import type { KubernetesObject } from '../../../lib/api/meta.js';
import { decodeObject } from '../../../lib/schema/engine/index.js';
import type { Registry } from './context.js';
import { cloneJson } from './json-values.js';
import { withMeta, type WithMeta } from './metadata.js';
import { applyDefaults, definitionOf } from './schema-rules.js';
import type { Resource } from './catalog.js';

/** A decoded object of a served version as its defaulted storage form. May change its argument. */
export function toStorage(registry: Registry, resource: Resource, object: KubernetesObject): WithMeta {
  const given = withMeta(object);
  applyDefaults(registry, resource, given);
  if (resource.alternate === undefined) return given;
  const stored = inStorageVersion(registry, resource, given);
  applyDefaults(registry, registry.catalog.storage(resource), stored);
  return stored;
}

/** An object of a served version in the version it is stored in, without defaults. Never changes its argument. */
export function convertToStorage(registry: Registry, resource: Resource, object: object): KubernetesObject {
  if (resource.alternate === undefined) return object as KubernetesObject;
  return inStorageVersion(registry, resource, withMeta(cloneJson(object) as KubernetesObject));
}

function inStorageVersion(registry: Registry, resource: Resource, given: WithMeta): WithMeta {
  if (resource.alternate === undefined) return given;
  const storage = registry.catalog.storage(resource);
  // Versions write zero values differently; decoding brings what was converted to the one form that is stored.
  const schema = definitionOf(registry, storage.schema);
  const stored = withMeta(decodeObject(schema, resource.alternate.toStorage(given), registry.schemas).object);
  stored.apiVersion = storage.apiVersion;
  stored.kind = storage.kind;
  return stored;
}

/** A stored object as a version serves it. Never changes its argument. */
export function fromStorage(resource: Resource, object: KubernetesObject): KubernetesObject {
  if (resource.alternate === undefined) return object;
  const served = resource.alternate.fromStorage(object);
  return { ...served, apiVersion: resource.apiVersion, kind: resource.kind };
}
