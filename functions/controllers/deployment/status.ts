import type {
  V1Deployment,
  V1DeploymentCondition,
  V1DeploymentStatus,
  V1ReplicaSet,
} from '../../../lib/schema/generated/types.js';
import { formatTime } from '../../../lib/clock/clock.js';
import { nonZero } from '../shared/status.js';
import { desiredReplicas, maxUnavailable, sizeOf, sum } from './sizes.js';

/** As a progress deadline or history limit: none. */
const INT32_MAX = 2 ** 31 - 1;

export function hasProgressDeadline(deployment: V1Deployment): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== INT32_MAX;
}

export function hasRevisionHistoryLimit(deployment: V1Deployment): boolean {
  const limit = deployment.spec?.revisionHistoryLimit;
  return limit !== undefined && limit !== INT32_MAX;
}

export function deploymentCondition(
  status: V1DeploymentStatus | undefined,
  type: string,
): V1DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function newCondition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  nowMs: number,
): V1DeploymentCondition {
  const now = formatTime(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** Sets the condition unless one with the same status and reason is there; its transition time changes only with its status. */
export function setCondition(status: V1DeploymentStatus, condition: V1DeploymentCondition): void {
  const present = deploymentCondition(status, condition.type);
  if (present?.status === condition.status && present.reason === condition.reason) return;
  const lastTransitionTime =
    present?.status === condition.status ? present.lastTransitionTime : condition.lastTransitionTime;
  removeCondition(status, condition.type);
  status.conditions = [...(status.conditions ?? []), { ...condition, lastTransitionTime }];
}

export function removeCondition(status: V1DeploymentStatus, type: string): void {
  if (deploymentCondition(status, type) === undefined) return;
  status.conditions = status.conditions?.filter((condition) => condition.type !== type);
}

/** The status that the ReplicaSets give, with the condition Available; the other conditions stay as they are. */
export function countedStatus(
  deployment: V1Deployment,
  all: readonly V1ReplicaSet[],
  newReplicaSet: V1ReplicaSet | undefined,
  nowMs: number,
): V1DeploymentStatus {
  const available = sum(all, ({ status }) => status?.availableReplicas ?? 0);
  const status: V1DeploymentStatus = {
    observedGeneration: deployment.metadata?.generation,
    replicas: nonZero(sum(all, ({ status }) => status?.replicas ?? 0)),
    updatedReplicas: nonZero(newReplicaSet?.status?.replicas ?? 0),
    readyReplicas: nonZero(sum(all, ({ status }) => status?.readyReplicas ?? 0)),
    availableReplicas: nonZero(available),
    unavailableReplicas: nonZero(Math.max(0, sum(all, sizeOf) - available)),
    terminatingReplicas: countTerminating(all),
    collisionCount: deployment.status?.collisionCount,
    conditions: [...(deployment.status?.conditions ?? [])],
  };
  setCondition(
    status,
    available >= desiredReplicas(deployment) - maxUnavailable(deployment)
      ? newCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
      : newCondition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
          nowMs,
        ),
  );
  return status;
}

/** Undefined while a ReplicaSet does not tell; one that no controller has seen yet has no pods. */
function countTerminating(all: readonly V1ReplicaSet[]): number | undefined {
  let total = 0;
  for (const { status } of all) {
    if (status?.terminatingReplicas === undefined) {
      if (status?.observedGeneration) return undefined;
      continue;
    }
    total += status.terminatingReplicas;
  }
  return total;
}

/** All pods are of the newest template, available, and no old one is left. */
export function isComplete(deployment: V1Deployment, status: V1DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

function isProgressing(before: V1DeploymentStatus, after: V1DeploymentStatus): boolean {
  const oldReplicas = ({ replicas = 0, updatedReplicas = 0 }: V1DeploymentStatus): number => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldReplicas(after) < oldReplicas(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: V1Deployment, status: V1DeploymentStatus, nowMs: number): boolean {
  const condition = deploymentCondition(status, 'Progressing');
  if (condition === undefined || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return nowMs > deadlineMs(deployment, condition);
}

function deadlineMs(deployment: V1Deployment, condition: V1DeploymentCondition): number {
  return Date.parse(condition.lastUpdateTime ?? '') + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
}

/** `countedStatus` with the conditions Progressing and ReplicaFailure of a rollout. */
export function rolloutStatus(
  deployment: V1Deployment,
  all: readonly V1ReplicaSet[],
  newReplicaSet: V1ReplicaSet | undefined,
  nowMs: number,
): V1DeploymentStatus {
  const status = countedStatus(deployment, all, newReplicaSet, nowMs);
  if (hasProgressDeadline(deployment)) setProgress(deployment, status, newReplicaSet, nowMs);
  else removeCondition(status, 'Progressing');

  const failure = findFailure(newReplicaSet === undefined ? all : [newReplicaSet, ...all]);
  if (failure === undefined) removeCondition(status, 'ReplicaFailure');
  else setCondition(status, failure);
  return status;
}

function setProgress(
  deployment: V1Deployment,
  status: V1DeploymentStatus,
  newReplicaSet: V1ReplicaSet | undefined,
  nowMs: number,
): void {
  const before = deployment.status ?? {};
  const present = deploymentCondition(before, 'Progressing');
  // Once complete it stays so until the template changes, even when pods fail later.
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && present?.reason === 'NewReplicaSetAvailable') return;

  const subject =
    newReplicaSet === undefined
      ? `Deployment ${JSON.stringify(deployment.metadata?.name)}`
      : `ReplicaSet ${JSON.stringify(newReplicaSet.metadata?.name)}`;
  const progress = (truth: 'True' | 'False', reason: string, message: string): V1DeploymentCondition =>
    newCondition('Progressing', truth, reason, `${subject} ${message}`, nowMs);
  if (isComplete(deployment, status)) {
    setCondition(status, progress('True', 'NewReplicaSetAvailable', 'has successfully progressed.'));
  } else if (isProgressing(before, status)) {
    const condition = progress('True', 'ReplicaSetUpdated', 'is progressing.');
    if (present?.status === 'True') condition.lastTransitionTime = present.lastTransitionTime;
    // Replaced even when nothing but the time of this progress is new: the deadline counts from it.
    removeCondition(status, 'Progressing');
    setCondition(status, condition);
  } else if (hasTimedOut(deployment, status, nowMs)) {
    setCondition(status, progress('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'));
  }
}

function findFailure(replicaSets: readonly V1ReplicaSet[]): V1DeploymentCondition | undefined {
  for (const { status } of replicaSets) {
    const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (failure !== undefined) return { ...failure, lastUpdateTime: failure.lastTransitionTime };
  }
  return undefined;
}

/** When to look again, so that a rollout that stands still is found out; undefined when time alone changes nothing. */
export function progressCheckAfterMs(
  deployment: V1Deployment,
  status: V1DeploymentStatus,
  nowMs: number,
): number | undefined {
  const condition = deploymentCondition(status, 'Progressing');
  if (!hasProgressDeadline(deployment) || condition === undefined) return undefined;
  if (isComplete(deployment, status) || condition.reason === 'ProgressDeadlineExceeded') return undefined;
  if (condition.reason === 'NewReplicaSetAvailable') return undefined;
  // A second more, because times in the API have no fractions.
  return Math.max(0, deadlineMs(deployment, condition) - nowMs) + 1000;
}
