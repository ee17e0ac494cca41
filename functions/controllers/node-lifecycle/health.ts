import type { V1Lease, V1Node, V1NodeCondition } from '../../../lib/schema/generated/types.js';

export interface NodeHealth {
  /** Nothing has been heard of the node for the grace period. */
  isSilent: boolean;
  /** When it will have been, unless something is heard. */
  silentAtMs: number;
}

/** A node that has never said whether it is ready is given so long to start, as kube-controller-manager's --node-startup-grace-period. */
const STARTUP_GRACE_MS = 60_000;

/** The newest sign of life counts: the lease, the heartbeat in the Ready condition, or the node's creation. */
export function nodeHealth(node: V1Node, lease: V1Lease | undefined, nowMs: number, graceMs: number): NodeHealth {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const signs = [
    lease?.spec?.renewTime,
    // The time in a condition that says Unknown is our own.
    ready?.status === 'Unknown' ? undefined : ready?.lastHeartbeatTime,
    node.metadata?.creationTimestamp,
  ];
  const newestMs = Math.max(...signs.map((time) => (time === undefined ? 0 : Date.parse(time))));
  const silentAtMs = newestMs + (ready === undefined ? STARTUP_GRACE_MS : graceMs);
  return { isSilent: nowMs >= silentAtMs, silentAtMs };
}

const TYPES = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** All conditions of a silent node, as kube-controller-manager words them. */
export function silentConditions(node: V1Node, now: string): V1NodeCondition[] {
  return TYPES.map((type) => {
    const present = node.status?.conditions?.find((condition) => condition.type === type);
    if (present === undefined) {
      return {
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata?.creationTimestamp,
        lastTransitionTime: now,
      };
    }
    return {
      ...present,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: present.status === 'Unknown' ? present.lastTransitionTime : now,
    };
  });
}
