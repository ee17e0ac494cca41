import type { KubernetesObject, OwnerReference } from '../../../lib/api/meta.js';
import { keyOf, parseKey, type ObjectRef } from '../../../lib/client/client.js';
import { collectionName, type Resource } from '../../../lib/client/resource.js';
import type { ObjectChange } from '../../../lib/work/controller.js';
import { collectedResources, ownerResource } from './resources.js';

/** What a key of the garbage collector asks to look at: an object, or what a deleted owner has left behind. */
export type Subject = { resource: Resource<KubernetesObject>; ref: ObjectRef } | { goneUid: string };

export const ORPHAN_FINALIZER = 'orphan';
export const FOREGROUND_FINALIZER = 'foregroundDeletion';

const GONE = 'gone#';

export function parseSubject(key: string): Subject | undefined {
  if (key.startsWith(GONE)) return { goneUid: key.slice(GONE.length) };
  const [collection = '', objectKey = ''] = key.split('#');
  const resource = collectedResources.get(collection);
  return resource === undefined ? undefined : { resource, ref: parseKey(objectKey) };
}

export function subjectKey(resource: Resource<KubernetesObject>, object: KubernetesObject): string {
  return `${collectionName(resource)}#${keyOf(object)}`;
}

/** Which subjects a change of an object concerns. */
export function subjectsOf(
  resource: Resource<KubernetesObject>,
  { type, object, previous }: ObjectChange<KubernetesObject>,
): string[] {
  const owners = object.metadata?.ownerReferences ?? [];
  if (type === 'deleted') {
    // Its dependents have one owner less; its own owners may be waiting for it.
    return [`${GONE}${object.metadata?.uid}`, ...owners.flatMap((owner) => ownerKey(owner, object))];
  }
  const isOwned = owners.length > 0 && (previous === undefined || !sameOwners(previous, object));
  const waits = previous === undefined ? isWaiting(object) : isWaiting(object) && !isWaiting(previous);
  const keys = isOwned || waits ? [subjectKey(resource, object)] : [];
  // An owner that waits for its blocking dependents is told when one stops blocking.
  if (previous !== undefined && isOwned) {
    for (const owner of previous.metadata?.ownerReferences ?? []) keys.push(...ownerKey(owner, object));
  }
  return keys;
}

function ownerKey(owner: OwnerReference, dependent: KubernetesObject): string[] {
  const resource = ownerResource(owner);
  if (resource === undefined) return [];
  const { namespace } = dependent.metadata ?? {};
  const metadata = resource.namespaced ? { namespace, name: owner.name } : { name: owner.name };
  return [subjectKey(resource, { metadata })];
}

function sameOwners(one: KubernetesObject, other: KubernetesObject): boolean {
  return JSON.stringify(one.metadata?.ownerReferences) === JSON.stringify(other.metadata?.ownerReferences);
}

function isWaiting(object: KubernetesObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined && (waitsToOrphan(object) || waitsForDependents(object));
}

/** It is being deleted, and its dependents are to be let go first. */
export function waitsToOrphan(object: KubernetesObject): boolean {
  return isDeleting(object) && (object.metadata?.finalizers ?? []).includes(ORPHAN_FINALIZER);
}

/** It is being deleted, and its dependents are to be deleted first. */
export function waitsForDependents(object: KubernetesObject): boolean {
  return isDeleting(object) && (object.metadata?.finalizers ?? []).includes(FOREGROUND_FINALIZER);
}

export function isDeleting(object: KubernetesObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}
