import { pods } from '../../../lib/client/resources.js';
import type { V1ReplicaSet } from '../../../lib/schema/generated/types.js';
import { isPodTerminal } from '../shared/pods.js';
import { annotationCount, DESIRED_REPLICAS_ANNOTATION } from './annotations.js';
import { isComplete } from './status.js';
import type { Rollout } from './rollout.js';
import {
  desiredReplicas,
  isRollingUpdate,
  maxUnavailable,
  newReplicaSetSize,
  proportionalSizes,
  sizeOf,
  sum,
} from './sizes.js';

/** Since the last rollout step the Deployment was scaled: some ReplicaSet was sized for another number of replicas. */
export function isScalingEvent(rollout: Rollout): boolean {
  const desired = desiredReplicas(rollout.deployment);
  return rollout.all.some((replicaSet) => {
    const sizedFor = annotationCount(replicaSet, DESIRED_REPLICAS_ANNOTATION);
    return sizeOf(replicaSet) > 0 && sizedFor !== undefined && sizedFor !== desired;
  });
}

/** Brings the ReplicaSets to the Deployment's size without rolling anything out: for scaling, and while paused. */
export async function scaleInPlace(rollout: Rollout): Promise<void> {
  const desired = desiredReplicas(rollout.deployment);
  const single = activeOrLatest(rollout);
  if (single !== undefined) {
    await rollout.scale(single, desired);
    return;
  }
  const { current } = rollout;
  if (current !== undefined && isSaturated(current, desired)) {
    for (const replicaSet of rollout.activeOld) await rollout.scale(replicaSet, 0);
    return;
  }
  if (!isRollingUpdate(rollout.deployment)) return;
  const active = rollout.all.filter((replicaSet) => sizeOf(replicaSet) > 0);
  for (const [replicaSet, size] of proportionalSizes(rollout.deployment, active)) await rollout.scale(replicaSet, size);
}

/** The only ReplicaSet with pods; without any, the current one or else the newest. Undefined when several have pods. */
function activeOrLatest(rollout: Rollout): V1ReplicaSet | undefined {
  const active = rollout.all.filter((replicaSet) => sizeOf(replicaSet) > 0);
  if (active.length === 0) return rollout.current ?? rollout.all.at(-1);
  return active.length === 1 ? active[0] : undefined;
}

function isSaturated(replicaSet: V1ReplicaSet, desired: number): boolean {
  return (
    sizeOf(replicaSet) === desired &&
    annotationCount(replicaSet, DESIRED_REPLICAS_ANNOTATION) === desired &&
    (replicaSet.status?.availableReplicas ?? 0) === desired
  );
}

/** One step of a rolling update: first grow the new ReplicaSet, else shrink old ones, else clean up. */
export async function rollOut(rollout: Rollout): Promise<void> {
  const { deployment } = rollout;
  const current = await rollout.ensureCurrent();
  const desired = desiredReplicas(deployment);
  if (sizeOf(current) !== desired) {
    const size = sizeOf(current) > desired ? desired : newReplicaSetSize(deployment, rollout.all, current);
    if (await rollout.scale(current, size)) return;
  }
  if (await shrinkOld(rollout, current)) return;
  if (isComplete(deployment, deployment.status ?? {})) await rollout.cleanUpHistory();
}

/**
 * Shrinks old ReplicaSets as far as enough pods stay available. What is unhealthy goes first and is not counted as available,
 * so that a rollout away from a broken template never waits for it.
 */
async function shrinkOld(rollout: Rollout, current: V1ReplicaSet): Promise<boolean> {
  const { deployment } = rollout;
  if (rollout.activeOld.length === 0) return false;
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  const unavailableOfCurrent = sizeOf(current) - (current.status?.availableReplicas ?? 0);
  let toShrink = sum(rollout.all, sizeOf) - minAvailable - unavailableOfCurrent;
  if (toShrink <= 0) return false;

  let shrunk = false;
  for (const replicaSet of rollout.activeOld) {
    const unhealthy = sizeOf(replicaSet) - (replicaSet.status?.availableReplicas ?? 0);
    const count = Math.min(toShrink, unhealthy);
    if (count <= 0) continue;
    await rollout.scale(replicaSet, sizeOf(replicaSet) - count);
    toShrink -= count;
    shrunk = true;
  }
  let surplus = sum(rollout.all, ({ status }) => status?.availableReplicas ?? 0) - minAvailable;
  for (const replicaSet of rollout.activeOld) {
    if (surplus <= 0) break;
    const count = Math.min(sizeOf(replicaSet), surplus);
    await rollout.scale(replicaSet, sizeOf(replicaSet) - count);
    surplus -= count;
    shrunk = true;
  }
  return shrunk;
}

/** Removes every old pod before the first new one is made. */
export async function recreate(rollout: Rollout): Promise<void> {
  let shrunk = false;
  for (const replicaSet of rollout.activeOld) shrunk = (await rollout.scale(replicaSet, 0)) || shrunk;
  if (shrunk || (await oldPodsRun(rollout))) return;
  const current = await rollout.ensureCurrent();
  await rollout.scale(current, desiredReplicas(rollout.deployment));
  if (isComplete(rollout.deployment, rollout.deployment.status ?? {})) await rollout.cleanUpHistory();
}

/** Pods that are being deleted still run. */
async function oldPodsRun(rollout: Rollout): Promise<boolean> {
  const view = await rollout.context.view(pods);
  return rollout.old.some(
    ({ metadata, status }) =>
      (status?.replicas ?? 0) > 0 || view.ownedBy(metadata?.uid ?? '').some((pod) => !isPodTerminal(pod)),
  );
}
