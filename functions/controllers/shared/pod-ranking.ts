import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { isPodReady, podReadySinceMs } from './pods.js';

const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';
const INT32_MAX = 2 ** 31 - 1;

/** How many pods of the same workload are on a pod's node, and the present. */
export interface RankingContext {
  readonly nowMs: number;
  readonly colocated: (pod: V1Pod) => number;
}

/**
 * Orders pods by how little is lost with them, the first to be deleted first: not assigned before assigned, Pending before
 * Unknown before Running, not ready before ready, lower deletion cost, more pods of the workload on the same node, ready for
 * a shorter time, more restarts, younger. Times are compared by their order of magnitude, so that among pods of about the same
 * age the choice is arbitrary and spreads.
 */
export function comparePodsToDelete(left: V1Pod, right: V1Pod, context: RankingContext): number {
  return (
    compareStates(left, right) ||
    deletionCost(left) - deletionCost(right) ||
    context.colocated(right) - context.colocated(left) ||
    compareReadyTimes(left, right, (one, other) => compareMagnitudes(one, other, left, right, context.nowMs)) ||
    compareRestarts(left, right) ||
    compareCreations(left, right, context.nowMs)
  );
}

/** The same without costs, colocation and magnitudes: for workloads whose pods stand for themselves, as those of Jobs. */
export function compareActivePods(left: V1Pod, right: V1Pod): number {
  return (
    compareStates(left, right) ||
    compareReadyTimes(left, right, (one, other) => other - one) ||
    compareRestarts(left, right) ||
    createdMs(right) - createdMs(left)
  );
}

function compareStates(left: V1Pod, right: V1Pod): number {
  const [leftAssigned, rightAssigned] = [Boolean(left.spec?.nodeName), Boolean(right.spec?.nodeName)];
  if (leftAssigned !== rightAssigned) return leftAssigned ? 1 : -1;
  const phases = phaseOrder(left) - phaseOrder(right);
  if (phases !== 0) return phases;
  const [leftReady, rightReady] = [isPodReady(left), isPodReady(right)];
  return leftReady === rightReady ? 0 : leftReady ? 1 : -1;
}

function phaseOrder(pod: V1Pod): number {
  return PHASE_ORDER[pod.status?.phase ?? ''] ?? 0;
}

function compareReadyTimes(left: V1Pod, right: V1Pod, compare: (left: number, right: number) => number): number {
  if (!isPodReady(left) || !isPodReady(right)) return 0;
  const [leftMs, rightMs] = [podReadySinceMs(left), podReadySinceMs(right)];
  if (leftMs === rightMs) return 0;
  // A time that is not known counts as the latest.
  if (leftMs === undefined) return -1;
  if (rightMs === undefined) return 1;
  return compare(leftMs, rightMs);
}

function compareCreations(left: V1Pod, right: V1Pod, nowMs: number): number {
  const [leftMs, rightMs] = [createdMs(left), createdMs(right)];
  return leftMs === rightMs ? 0 : compareMagnitudes(leftMs, rightMs, left, right, nowMs);
}

function compareMagnitudes(leftMs: number, rightMs: number, left: V1Pod, right: V1Pod, nowMs: number): number {
  const difference = ageMagnitude(nowMs - leftMs) - ageMagnitude(nowMs - rightMs);
  if (difference !== 0) return difference;
  return (left.metadata?.uid ?? '') < (right.metadata?.uid ?? '') ? -1 : 1;
}

/** log2 of the age in nanoseconds, as Kubernetes has it. */
function ageMagnitude(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;
}

function compareRestarts(left: V1Pod, right: V1Pod): number {
  const [leftRestarts, rightRestarts] = [maxRestarts(left), maxRestarts(right)];
  return rightRestarts.regular - leftRestarts.regular || rightRestarts.sidecar - leftRestarts.sidecar;
}

function maxRestarts(pod: V1Pod): { regular: number; sidecar: number } {
  const sidecars = new Set(
    (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  const counts = (pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name));
  return {
    regular: Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    sidecar: Math.max(0, ...counts.map(({ restartCount }) => restartCount)),
  };
}

function deletionCost(pod: V1Pod): number {
  const text = pod.metadata?.annotations?.[DELETION_COST_ANNOTATION];
  if (text === undefined || !/^(0|-?[1-9]\d*)$/.test(text)) return 0;
  const cost = Number(text);
  return Math.abs(cost) <= INT32_MAX ? cost : 0;
}

function createdMs(pod: V1Pod): number {
  return Date.parse(pod.metadata?.creationTimestamp ?? '');
}
