import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { leases, nodes, pods } from '../../../lib/client/resources.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Node } from '../../../lib/schema/generated/types.js';
import {
  watch,
  watchSelf,
  type Controller,
  type ControllerContext,
  type Outcome,
} from '../../../lib/work/controller.js';
import { byNodeName } from '../shared/pod-indexes.js';
import { isPodReady } from '../shared/pods.js';
import { nodeHealth, silentConditions, type HealthOptions } from './health.js';
import { evictingKey, evictingTaint, taintsFor } from './node-taints.js';
import { evictionPace, zoneOf } from './zones.js';

const LEASE_NAMESPACE = 'kube-node-lease';

/** Whether pods are to be driven away depends on other nodes too. */
const NOT_READY_RECHECK_MS = 10_000;

/** How long nodes may be silent, and since when that would have been noticed. */
export interface Patience {
  graceMs: number;
  listeningSinceMs(): number;
}

/**
 * Watches over nodes: one that stops heartbeating gets conditions Unknown after the grace period, its pods are no longer ready, and taints say
 * why. Who leaves it is the taint eviction's matter. Keys are nodes.
 */
export function nodeLifecycleController(patience: Patience): Controller {
  return {
    name: 'node-lifecycle',
    watches: [
      watchSelf(nodes),
      // A renewed lease brings a silent node back; of a healthy one it changes nothing that the next look would not see.
      watch(leases, async ({ type, object }, lookup) => {
        const { namespace, name = '' } = object.metadata ?? {};
        if (namespace !== LEASE_NAMESPACE || type !== 'updated') return [];
        const node = (await lookup.view(nodes)).get(undefined, name);
        return node !== undefined && readyStatus(node) === 'Unknown' ? [name] : [];
      }),
    ],
    reconcile: (name, context) => reconcile(name, context, patience),
  };
}

async function reconcile(name: string, context: ControllerContext, patience: Patience): Promise<Outcome> {
  const { client, clock, events } = context;
  const node = (await context.view(nodes)).get(undefined, name);
  if (node === undefined) return undefined;
  const lease = (await context.view(leases)).get(LEASE_NAMESPACE, name);
  const now = clock.now();
  let health = nodeHealth(node, lease, at(now, patience));
  if (health.isSilent && readyStatus(node) !== 'Unknown') {
    // Copies of leases may be a little behind, and what has just been renewed would count as lost.
    health = nodeHealth(node, await client.find(leases, { namespace: LEASE_NAMESPACE, name }), at(now, patience));
  }
  let current: V1Node = node;
  if (health.isSilent && readyStatus(node) !== 'Unknown') {
    const conditions = silentConditions(node, formatTime(now));
    const { resourceVersion } = node.metadata ?? {};
    current = await client.patch(
      nodes,
      { name },
      'strategic',
      { metadata: { resourceVersion }, status: { conditions } },
      { subresource: 'status' },
    );
    await events.normal(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
  }
  if (readyStatus(current) !== 'True') await markPodsNotReady(current, context);
  const waitMs = evictingKey(current) === undefined ? 0 : await evictionWaitMs(current, context, patience);
  await updateTaints(current, context, waitMs === 0);
  const looks = [
    ...(health.isSilent ? [] : [Math.max(0, health.silentAtMs - now) + 1]),
    ...(evictingKey(current) === undefined ? [] : [Math.min(waitMs || Infinity, NOT_READY_RECHECK_MS)]),
  ];
  return looks.length === 0 ? undefined : { requeueAfterMs: Math.min(...looks) };
}

/** How long the node has to wait for its turn to have its pods driven away; 0: now, or it is at it; Infinity: not as things are. */
async function evictionWaitMs(node: V1Node, context: ControllerContext, patience: Patience): Promise<number> {
  const now = context.clock.now();
  const all = (await context.view(nodes)).list();
  const allLeases = await context.view(leases);
  const isReady = (one: V1Node): boolean => {
    const lease = allLeases.get(LEASE_NAMESPACE, one.metadata?.name ?? '');
    return readyStatus(one) === 'True' && !nodeHealth(one, lease, at(now, patience)).isSilent;
  };
  const zone = zoneOf(node);
  const { isStopped, intervalMs } = evictionPace(zone, all, isReady);
  if (isStopped) return Infinity;
  if (evictingTaint(node) !== undefined) return 0;
  if (intervalMs === Infinity) return Infinity;
  const latestMs = all
    .filter((one) => zoneOf(one) === zone)
    .flatMap((one) => evictingTaint(one)?.timeAdded ?? [])
    .reduce((latest, time) => Math.max(latest, Date.parse(time)), -Infinity);
  return Math.max(0, latestMs + intervalMs - now);
}

function at(nowMs: number, { graceMs, listeningSinceMs }: Patience): HealthOptions {
  return { nowMs, defaultMs: graceMs, listeningSinceMs: listeningSinceMs() };
}

function readyStatus(node: V1Node): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
}

async function updateTaints(node: V1Node, { client, clock }: ControllerContext, mayEvict: boolean): Promise<void> {
  const present = node.spec?.taints ?? [];
  const wanted = taintsFor(node, formatTime(clock.now()), mayEvict);
  if (deepEqual(present, wanted)) return;
  const { resourceVersion } = node.metadata ?? {};
  await client.patch(nodes, refOf(node), 'merge', {
    metadata: { resourceVersion },
    spec: { taints: wanted.length === 0 ? null : wanted },
  });
}

/** Pods of a node that is not ready cannot be told to be ready: services leave them out. */
async function markPodsNotReady(node: V1Node, context: ControllerContext): Promise<void> {
  const { client, clock, events } = context;
  const onNode = (await context.view(pods)).by(byNodeName, node.metadata?.name ?? '');
  for (const pod of onNode) {
    if (!isPodReady(pod)) continue;
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: formatTime(clock.now()) };
    const { uid } = pod.metadata ?? {};
    try {
      await client.patch(
        pods,
        refOf(pod),
        'strategic',
        { metadata: { uid }, status: { conditions: [condition] } },
        { subresource: 'status' },
      );
    } catch (error) {
      if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) continue;
      throw error;
    }
    await events.warning(pod, 'NodeNotReady', 'Node is not ready');
  }
}
