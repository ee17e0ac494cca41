import type { V1Pod, V1PodCondition } from '../../../lib/schema/generated/types.js';
import { formatTime } from '../../../lib/clock/clock.js';

/** Sets a condition of the pod; its transition time moves only when its status does. */
export function setPodCondition(
  pod: V1Pod,
  condition: Omit<V1PodCondition, 'lastTransitionTime'>,
  nowMs: number,
): void {
  pod.status ??= {};
  const conditions = (pod.status.conditions ??= []);
  const at = conditions.findIndex(({ type }) => type === condition.type);
  const before = at < 0 ? undefined : conditions[at];
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : formatTime(nowMs);
  const next = { ...condition, lastTransitionTime };
  if (at < 0) conditions.push(next);
  else conditions[at] = next;
}

export function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}
