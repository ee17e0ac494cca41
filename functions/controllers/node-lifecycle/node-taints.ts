import type { V1Node, V1Taint } from '../../../lib/schema/generated/types.js';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Taints by the conditions that call for them: condition type, its status, the taint's key. */
const CONDITION_TAINTS = [
  ['Ready', 'False', NOT_READY],
  ['Ready', 'Unknown', UNREACHABLE],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
] as const;

/** Those of them that also drive pods away. */
const EVICTING = new Set<string>([NOT_READY, UNREACHABLE]);

const OURS = new Set<string>([UNSCHEDULABLE, ...CONDITION_TAINTS.map(([, , key]) => key)]);

/** Our taint that drives pods away from the node, if it has one. */
export function evictingTaint(node: V1Node): V1Taint | undefined {
  return node.spec?.taints?.find(({ key, effect }) => effect === 'NoExecute' && EVICTING.has(key));
}

/** The key of the taint that should drive pods away from the node; undefined: none, the node is ready or has never said. */
export function evictingKey(node: V1Node): string | undefined {
  const status = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return status === 'False' ? NOT_READY : status === 'Unknown' ? UNREACHABLE : undefined;
}

/**
 * The node's taints as its conditions and spec.unschedulable call for them, with that which drives pods away when `mayEvict`; those of others, and
 * the times of those that stay, are kept.
 */
export function taintsFor(node: V1Node, now: string, mayEvict: boolean): V1Taint[] {
  const wanted: V1Taint[] = [];
  if (node.spec?.unschedulable === true) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule', timeAdded: now });
  const conditions = node.status?.conditions ?? [];
  const hasReady = conditions.some((condition) => condition.type === 'Ready');
  // A node that has never reported keeps the taint it was registered with.
  if (!hasReady) wanted.push({ key: NOT_READY, effect: 'NoSchedule', timeAdded: now });
  for (const [type, status, key] of CONDITION_TAINTS) {
    if (!conditions.some((condition) => condition.type === type && condition.status === status)) continue;
    wanted.push({ key, effect: 'NoSchedule', timeAdded: now });
  }
  const evicting = evictingKey(node);
  if (evicting !== undefined && mayEvict) wanted.push({ key: evicting, effect: 'NoExecute', timeAdded: now });
  const present = node.spec?.taints ?? [];
  const same = (one: V1Taint, other: V1Taint): boolean => one.key === other.key && one.effect === other.effect;
  const kept = present.filter((taint) => !OURS.has(taint.key) || wanted.some((other) => same(taint, other)));
  return [...kept, ...wanted.filter((taint) => !present.some((other) => same(taint, other)))];
}
