import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Registry } from './context.js';
import { withMeta, type WithMeta } from './metadata.js';
import { applyDefaults } from './schema-rules.js';
import type { Resource } from './catalog.js';

/** A decoded object of a served version as its defaulted storage form. May change its argument. */
export function toStorage(registry: Registry, resource: Resource, object: KubernetesObject): WithMeta {
  const given = withMeta(object);
  applyDefaults(registry, resource, given);
  if (resource.alternate === undefined) return given;
  const stored = withMeta(resource.alternate.toStorage(given));
  const storage = registry.catalog.storage(resource);
  stored.apiVersion = storage.apiVersion;
  stored.kind = storage.kind;
  applyDefaults(registry, storage, stored);
  return stored;
}

/** A stored object as a version serves it. Never changes its argument. */
export function fromStorage(resource: Resource, object: KubernetesObject): KubernetesObject {
  if (resource.alternate === undefined) return object;
  const served = resource.alternate.fromStorage(object);
  return { ...served, apiVersion: resource.apiVersion, kind: resource.kind };
}
