import type { KubernetesObject, OwnerReference } from '../../../lib/api/meta.js';
import { keyOf, parseKey, type ObjectRef } from '../../../lib/client/client.js';
import { collectionName, type Resource } from '../../../lib/client/resource.js';
import type { Lookup, ObjectChange } from '../../../lib/work/controller.js';
import { allResources, ownerResource, resourceOf } from './resources.js';

/** What a key of the garbage collector asks to look at: an object, or what a deleted owner has left behind. */
export type Subject = { resource: Resource<KubernetesObject>; ref: ObjectRef } | { goneUid: string };

export const ORPHAN_FINALIZER = 'orphan';
export const FOREGROUND_FINALIZER = 'foregroundDeletion';

const GONE = 'gone#';

export async function parseSubject(key: string, lookup: Lookup): Promise<Subject | undefined> {
  if (key.startsWith(GONE)) return { goneUid: key.slice(GONE.length) };
  const [collection = '', objectKey = ''] = key.split('#');
  const resource = await resourceOf(collection, lookup);
  return resource === undefined ? undefined : { resource, ref: parseKey(objectKey) };
}

export function subjectKey(resource: Resource<KubernetesObject>, object: KubernetesObject): string {
  return `${collectionName(resource)}#${keyOf(object)}`;
}

/**
 * Which subjects a change of an object concerns. What this leaves out because a lookup is behind comes with the event it is behind of: a
 * dependent is looked at when it appears, an owner when it begins to wait.
 */
export async function subjectsOf(
  resource: Resource<KubernetesObject>,
  { type, object, previous }: ObjectChange<KubernetesObject>,
  lookup: Lookup,
): Promise<string[]> {
  if (type === 'deleted') {
    // Its dependents have one owner less; its own owners may be waiting for it.
    const { uid = '', ownerReferences = [] } = object.metadata ?? {};
    const waiting = await waitingOwners(ownerReferences, object, lookup);
    return (await hasDependents(uid, lookup)) ? [GONE + uid, ...waiting] : waiting;
  }
  const owners = object.metadata?.ownerReferences ?? [];
  const ownersChanged = previous === undefined || !sameOwners(previous, object);
  const waits = isWaiting(object) && (previous === undefined || !isWaiting(previous));
  const keys = (owners.length > 0 && ownersChanged) || waits ? [subjectKey(resource, object)] : [];
  // An owner that waits for its blocking dependents is told when one stops blocking.
  if (previous !== undefined && ownersChanged) {
    keys.push(...(await waitingOwners(previous.metadata?.ownerReferences ?? [], object, lookup)));
  }
  return keys;
}

async function hasDependents(uid: string, lookup: Lookup): Promise<boolean> {
  for (const resource of await allResources(lookup)) {
    if ((await lookup.view(resource)).ownedBy(uid).length > 0) return true;
  }
  return false;
}

/** The keys of those owners that are being deleted and wait for their dependents. */
async function waitingOwners(
  references: readonly OwnerReference[],
  dependent: KubernetesObject,
  lookup: Lookup,
): Promise<string[]> {
  const keys: string[] = [];
  for (const reference of references) {
    const resource = await ownerResource(reference, lookup);
    if (resource === undefined) continue;
    const namespace = resource.namespaced ? dependent.metadata?.namespace : undefined;
    const owner = (await lookup.view(resource)).get(namespace, reference.name);
    if (owner !== undefined && isWaiting(owner)) keys.push(subjectKey(resource, owner));
  }
  return keys;
}

function sameOwners(one: KubernetesObject, other: KubernetesObject): boolean {
  return JSON.stringify(one.metadata?.ownerReferences) === JSON.stringify(other.metadata?.ownerReferences);
}

function isWaiting(object: KubernetesObject): boolean {
  return waitsToOrphan(object) || waitsForDependents(object);
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
