import type { V1Node } from '../../../lib/schema/generated/types.js';

const REGION_LABEL = 'topology.kubernetes.io/region';
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** From this share of nodes that are not ready on, it is more likely the zone's network than its nodes. */
const UNHEALTHY_SHARE = 0.55;

/** So few nodes that are not ready are never taken for a disruption. */
const UNHEALTHY_NODES_MIN = 3;

/** Zones above this size go on evicting during a partial disruption, slowly; smaller ones stop. */
const LARGE_ZONE_NODES = 50;

/** Time between two nodes of one zone that pods are driven away from: ten nodes in 100 s, or one in a disrupted large zone. */
const EVICTION_INTERVAL_MS = 10_000;
const SLOW_EVICTION_INTERVAL_MS = 100_000;

export type ZoneState = 'normal' | 'partial-disruption' | 'full-disruption';

/** What the readiness of all nodes says about driving pods away from one: rules and numbers are kube-controller-manager's. */
export interface EvictionPace {
  /** No node of any zone is ready: the fault is on our side, and no pod would be better off elsewhere. */
  readonly isStopped: boolean;
  /** Between two nodes of this zone; Infinity: none. */
  readonly intervalMs: number;
}

export function zoneOf(node: V1Node): string {
  const labels = node.metadata?.labels;
  return `${labels?.[REGION_LABEL] ?? ''}/${labels?.[ZONE_LABEL] ?? ''}`;
}

export function evictionPace(zone: string, all: readonly V1Node[], isReady: (node: V1Node) => boolean): EvictionPace {
  const counts = new Map<string, { ready: number; unready: number }>();
  for (const node of all) {
    const of = zoneOf(node);
    let count = counts.get(of);
    if (count === undefined) counts.set(of, (count = { ready: 0, unready: 0 }));
    if (isReady(node)) count.ready++;
    else count.unready++;
  }
  const isStopped = [...counts.values()].every((count) => zoneState(count) === 'full-disruption');
  const count = counts.get(zone) ?? { ready: 0, unready: 0 };
  if (zoneState(count) !== 'partial-disruption') return { isStopped, intervalMs: EVICTION_INTERVAL_MS };
  const isLarge = count.ready + count.unready > LARGE_ZONE_NODES;
  return { isStopped, intervalMs: isLarge ? SLOW_EVICTION_INTERVAL_MS : Infinity };
}

export function zoneState({ ready, unready }: { ready: number; unready: number }): ZoneState {
  if (ready === 0 && unready > 0) return 'full-disruption';
  const isPartial = unready >= UNHEALTHY_NODES_MIN && unready / (ready + unready) >= UNHEALTHY_SHARE;
  return isPartial ? 'partial-disruption' : 'normal';
}
