import type { V1Lease, V1Node, V1NodeCondition } from '../../../lib/schema/generated/types.js';

export interface NodeHealth {
  /** Nothing has been heard of the node for the grace period. */
  isSilent: boolean;
  /** When it will have been, unless something is heard. */
  silentAtMs: number;
}

/** A node that has never said whether it is ready is given so long to start, as kube-controller-manager's --node-startup-grace-period. */
const STARTUP_GRACE_MS = 60_000;

/** A node may say for how long its lease is good, within these bounds: where heartbeats cost money they are rarer. */
const GRACE_MIN_MS = 10_000;
const GRACE_MAX_MS = 300_000;

/** How long nodes may be silent, and since when that would have been noticed. */
export interface Patience {
  graceMs: number;
  listeningSinceMs(): number;
}

export function healthAt(nowMs: number, { graceMs, listeningSinceMs }: Patience): HealthOptions {
  return { nowMs, defaultMs: graceMs, listeningSinceMs: listeningSinceMs() };
}

/** What a node's Ready condition says; undefined where it has none yet. */
export function readyStatus(node: V1Node): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
}

export interface HealthOptions {
  nowMs: number;
  /** How long a node may be silent that has no lease. */
  defaultMs: number;
  /** Since when the control plane has listened: what nodes said before, while it was away, it has not heard. */
  listeningSinceMs: number;
}

/**
 * The newest sign of life counts: the lease, the heartbeat in the Ready condition, or the node's creation. A node is silent when its lease has
 * run out, of which kubelet's lasts 40 s; one without a lease after `defaultMs`. Of a lease it is the time at which the API server took it that
 * counts, as in Kubernetes: a node whose clock is wrong is neither lost nor, once it is lost, taken for alive.
 */
export function nodeHealth(node: V1Node, lease: V1Lease | undefined, options: HealthOptions): NodeHealth {
  const { nowMs, defaultMs, listeningSinceMs } = options;
  const graceMs = graceOf(lease) ?? defaultMs;
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const managed = (lease?.metadata?.managedFields ?? []) as readonly { time?: string }[];
  const taken = managed.flatMap(({ time }) => time ?? []);
  const told = [
    lease?.spec?.renewTime,
    // The time in a condition that says Unknown is our own.
    ready?.status === 'Unknown' ? undefined : ready?.lastHeartbeatTime,
  ];
  const signs = [node.metadata?.creationTimestamp, ...(taken.length > 0 ? taken : told)];
  const heardMs = signs.map((time) => (time === undefined ? 0 : Date.parse(time)));
  const newestMs = Math.max(listeningSinceMs, ...heardMs);
  const silentAtMs = newestMs + (ready === undefined ? STARTUP_GRACE_MS : graceMs);
  return { isSilent: nowMs >= silentAtMs, silentAtMs };
}

const TYPES = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

function graceOf(lease: V1Lease | undefined): number | undefined {
  const seconds = lease?.spec?.leaseDurationSeconds;
  return seconds === undefined ? undefined : Math.min(GRACE_MAX_MS, Math.max(GRACE_MIN_MS, seconds * 1_000));
}

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
