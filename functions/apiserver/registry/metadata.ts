import { badRequest } from '../../../lib/api/errors.js';
import type { KubernetesObject, ObjectMeta } from '../../../lib/api/meta.js';
import { formatTime } from '../../../lib/clock/clock.js';
import { randomNameSuffix, randomUuid } from '../../../lib/random.js';
import type { Registry } from './context.js';
import { equalJson } from './json-values.js';
import type { Resource } from './catalog.js';

export type WithMeta = KubernetesObject & { metadata: ObjectMeta };

/** Longest generated name, and how much of a prefix is kept before the random suffix. */
const NAME_MAX_CHARACTERS = 63;
const SUFFIX_CHARACTERS = 5;

/** The object with its metadata, which may have been missing. */
export function withMeta(object: KubernetesObject): WithMeta {
  object.metadata ??= {};
  return object as WithMeta;
}

/** The namespace of the request goes into the object; another one there is refused. */
export function matchNamespace(object: WithMeta, namespace: string): void {
  const { metadata } = object;
  const given = metadata.namespace ?? '';
  if (namespace === '') delete metadata.namespace;
  else if (given === '') metadata.namespace = namespace;
  else if (given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** What an update says of its name must be what its URL says. */
export function matchName(object: WithMeta, name: string): void {
  const given = object.metadata.name ?? '';
  if (given === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}

/** Fields that clients never own on a create, filled by the server. */
export function initialiseMetadata(registry: Registry, resource: Resource, object: WithMeta): void {
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.managedFields;
  delete metadata.generation;
  metadata.uid = randomUuid(registry.random);
  metadata.creationTimestamp = formatTime(registry.clock.now());
  if (resource.definition.hasGeneration === true) metadata.generation = 1;
  if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '') {
    metadata.name = generateName(registry, metadata.generateName as string);
  }
}

function generateName(registry: Registry, prefix: string): string {
  return (
    prefix.slice(0, NAME_MAX_CHARACTERS - SUFFIX_CHARACTERS) + randomNameSuffix(registry.random, SUFFIX_CHARACTERS)
  );
}

/** Fields of an update that stay what they were, whatever the client sends. */
export function keepSystemMetadata(object: WithMeta, old: WithMeta): void {
  const { metadata } = object;
  const { metadata: before } = old;
  delete metadata.selfLink;
  restore(metadata, before, 'uid');
  restore(metadata, before, 'creationTimestamp');
  restore(metadata, before, 'deletionTimestamp');
  restore(metadata, before, 'deletionGracePeriodSeconds');
  restore(metadata, before, 'generation');
  restore(metadata, before, 'generateName');
}

/** Makes a field what it is in `before`: absent where it is absent there, which is not the same as undefined. */
export function restore<K extends keyof ObjectMeta>(metadata: ObjectMeta, before: ObjectMeta, field: K): void {
  if (before[field] === undefined) delete metadata[field];
  else metadata[field] = before[field];
}

/** The generation grows with every change of what is wanted: all but metadata and status. */
export function bumpGeneration(resource: Resource, object: WithMeta, old: WithMeta): void {
  if (resource.definition.hasGeneration !== true) return;
  const before = old.metadata.generation ?? 0;
  const next = wantedDiffers(resource, object, old) ? before + 1 : before;
  object.metadata.generation = Math.max(next, object.metadata.generation ?? 0);
}

function wantedDiffers({ definition }: Resource, object: WithMeta, old: WithMeta): boolean {
  const left = object as unknown as Record<string, unknown>;
  const right = old as unknown as Record<string, unknown>;
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    // The status of a custom resource without such a subresource is a part like any other.
    if (name === 'status' && (definition.custom === undefined || definition.hasStatus === true)) continue;
    if (name === 'metadata' || name === 'kind' || name === 'apiVersion') continue;
    if (!equalJson(left[name], right[name])) return true;
  }
  return false;
}
