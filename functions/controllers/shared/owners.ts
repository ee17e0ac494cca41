import { apiVersionOf, type KubernetesObject, type OwnerReference } from '../../../lib/api/meta.js';
import type { IndexFunction } from '../../../lib/client/replica.js';
import type { Resource } from '../../../lib/client/resource.js';

/** The reference to the object's controlling owner. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata?.uid;
}

/** The reference that makes `owner` the controlling owner of what carries it. */
export function controllerReference<T extends KubernetesObject>(resource: Resource<T>, owner: T): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource.group, resource.version),
    kind: resource.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Index of objects without a controlling owner, by namespace: those that a controller may adopt. */
export const orphansByNamespace: IndexFunction<KubernetesObject> = (object) =>
  controllerOf(object) === undefined ? [object.metadata?.namespace ?? ''] : [];

/** An object written under the same name after this one was deleted has another uid. */
export function sameObject(left: KubernetesObject, right: KubernetesObject): boolean {
  return left.metadata?.uid === right.metadata?.uid;
}

export function isBeingDeleted(object: KubernetesObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

/** The older first; those of one second by name. */
export function byCreation(left: KubernetesObject, right: KubernetesObject): number {
  const [leftTime, rightTime] = [left.metadata?.creationTimestamp ?? '', right.metadata?.creationTimestamp ?? ''];
  if (leftTime !== rightTime) return leftTime < rightTime ? -1 : 1;
  return compareNames(left, right);
}

export function compareNames(left: KubernetesObject, right: KubernetesObject): number {
  const [leftName, rightName] = [left.metadata?.name ?? '', right.metadata?.name ?? ''];
  return leftName < rightName ? -1 : leftName > rightName ? 1 : 0;
}
