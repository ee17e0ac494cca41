import type { V1Deployment, V1ReplicaSet } from '../../../lib/schema/generated/types.js';
import { scaledValue } from '../shared/int-or-percent.js';
import { byCreation } from '../shared/owners.js';
import { annotationCount, MAX_REPLICAS_ANNOTATION } from './annotations.js';

/** Pure arithmetic of rollouts: how many pods each ReplicaSet should have. */

export function desiredReplicas(deployment: V1Deployment): number {
  return deployment.spec?.replicas ?? 1;
}

export function sizeOf(replicaSet: V1ReplicaSet): number {
  return replicaSet.spec?.replicas ?? 1;
}

export function isRollingUpdate(deployment: V1Deployment): boolean {
  return (deployment.spec?.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** How many pods may exist above the desired number. */
export function maxSurge(deployment: V1Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

/** How many of the desired pods may be unavailable. */
export function maxUnavailable(deployment: V1Deployment): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment) || desired === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, desired);
}

/** Surge is rounded up, unavailability down; both 0 would stop every rollout, so that then one may be unavailable. */
function fenceposts(deployment: V1Deployment): { surge: number; unavailable: number } {
  const bounds = deployment.spec?.strategy?.rollingUpdate ?? { maxSurge: '25%', maxUnavailable: '25%' };
  const desired = desiredReplicas(deployment);
  const surge = scaledValue(bounds.maxSurge ?? 0, desired, 'up');
  const unavailable = scaledValue(bounds.maxUnavailable ?? 0, desired, 'down');
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** The size that the new ReplicaSet may have now, beside the others that exist. `all` contains it, if it exists. */
export function newReplicaSetSize(
  deployment: V1Deployment,
  all: readonly V1ReplicaSet[],
  newReplicaSet: V1ReplicaSet | undefined,
): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  const size = newReplicaSet === undefined ? 0 : sizeOf(newReplicaSet);
  const total = sum(all, sizeOf);
  const totalMax = desired + maxSurge(deployment);
  if (total >= totalMax) return size;
  return size + Math.min(totalMax - total, desired - size);
}

/**
 * New sizes of the ReplicaSets of a rollout that is under way when the Deployment is scaled: the difference is split in
 * proportion to their sizes, what rounding leaves over goes to the largest (the newest of them when growing, the oldest
 * when shrinking).
 */
export function proportionalSizes(
  deployment: V1Deployment,
  active: readonly V1ReplicaSet[],
): Map<V1ReplicaSet, number> {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + maxSurge(deployment) : 0;
  const toAdd = allowed - sum(active, sizeOf);
  const sorted = [...active].sort(toAdd > 0 ? bySizeNewer : bySizeOlder);
  const sizes = new Map<V1ReplicaSet, number>();
  let added = 0;
  for (const replicaSet of sorted) {
    const share = toAdd === 0 ? 0 : proportion(deployment, replicaSet, toAdd, added);
    sizes.set(replicaSet, sizeOf(replicaSet) + share);
    added += share;
  }
  const first = sorted[0];
  if (first !== undefined && toAdd !== 0) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + toAdd - added));
  return sizes;
}

function proportion(deployment: V1Deployment, replicaSet: V1ReplicaSet, toAdd: number, added: number): number {
  if (sizeOf(replicaSet) === 0 || toAdd === added) return 0;
  const share = fraction(deployment, replicaSet);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

/** How much the ReplicaSet changes when it keeps its part of the whole, whose former size its annotation tells. */
function fraction(deployment: V1Deployment, replicaSet: V1ReplicaSet): number {
  const size = sizeOf(replicaSet);
  if (desiredReplicas(deployment) === 0) return -size;
  const before = annotationCount(replicaSet, MAX_REPLICAS_ANNOTATION) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const exact = (size * (desiredReplicas(deployment) + maxSurge(deployment))) / before;
  return Math.round(exact) - size;
}

function bySizeNewer(left: V1ReplicaSet, right: V1ReplicaSet): number {
  return sizeOf(right) - sizeOf(left) || byCreation(right, left);
}

function bySizeOlder(left: V1ReplicaSet, right: V1ReplicaSet): number {
  return sizeOf(right) - sizeOf(left) || byCreation(left, right);
}

export function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
