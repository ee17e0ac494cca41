import type { V1Pod, V1PodCondition } from '../../../lib/schema/generated/types.js';
import { isBeingDeleted } from './owners.js';

export function isPodTerminal(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither finished nor being deleted. */
export function isPodActive(pod: V1Pod): boolean {
  return !isPodTerminal(pod) && !isBeingDeleted(pod);
}

/** Being deleted and not finished yet. */
export function isPodTerminating(pod: V1Pod): boolean {
  return !isPodTerminal(pod) && isBeingDeleted(pod);
}

export function podCondition(pod: V1Pod, type: string): V1PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: V1Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Ready for at least minReadySeconds. */
export function isPodAvailable(pod: V1Pod, minReadySeconds: number | undefined, nowMs: number): boolean {
  if (!minReadySeconds) return isPodReady(pod);
  const readyMs = podReadySinceMs(pod);
  return readyMs !== undefined && readyMs + minReadySeconds * 1000 <= nowMs;
}

/** When the pod became ready; undefined while it is not, or when its condition does not say. */
export function podReadySinceMs(pod: V1Pod): number | undefined {
  const condition = podCondition(pod, 'Ready');
  if (condition?.status !== 'True' || condition.lastTransitionTime === undefined) return undefined;
  return Date.parse(condition.lastTransitionTime);
}

/** How long until the next ready pod becomes available by time alone. */
export function nextAvailabilityMs(
  pods: readonly V1Pod[],
  minReadySeconds: number | undefined,
  nowMs: number,
): number | undefined {
  if (!minReadySeconds) return undefined;
  let next: number | undefined;
  for (const pod of pods) {
    const readyMs = podReadySinceMs(pod);
    if (readyMs === undefined) continue;
    const waitMs = readyMs + minReadySeconds * 1000 - nowMs;
    if (waitMs > 0 && (next === undefined || waitMs < next)) next = waitMs;
  }
  return next;
}

/** What a workload's status is made from: an update that leaves this alone does not concern the pod's owner. */
export function podEssence(pod: V1Pod): unknown[] {
  const ready = podCondition(pod, 'Ready');
  return [pod.status?.phase, ready?.status, ready?.lastTransitionTime];
}
