import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { leases, nodes, pods } from '../../../lib/client/resources.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Node } from '../../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext, type Outcome } from '../../../lib/work/controller.js';
import { byNodeName } from '../shared/pod-indexes.js';
import { isPodReady } from '../shared/pods.js';
import { healthAt, nodeHealth, readyStatus, type Patience } from './health.js';
import { evictingKey, evictingTaint, taintsFor } from './node-taints.js';
import { LEASE_NAMESPACE } from './silence.js';
import { evictionPace, zoneOf } from './zones.js';

/** Whether pods are to be driven away depends on other nodes too. */
const NOT_READY_RECHECK_MS = 10_000;

/**
 * Acts on what nodes say of themselves, and on what their silence says (see node-silence): taints tell why pods should not be there, and pods of
 * a node that is not ready are not ready either. Who leaves it is the taint eviction's matter. Keys are nodes.
 */
export function nodeLifecycleController(patience: Patience): Controller {
  return {
    name: 'node-lifecycle',
    watches: [
      watch(nodes, ({ type, object, previous }) => {
        const isSame = previous !== undefined && deepEqual(decisiveOf(previous), decisiveOf(object));
        return type === 'deleted' || isSame ? [] : [object.metadata?.name ?? ''];
      }),
    ],
    reconcile: (name, context) => reconcile(name, context, patience),
  };
}

/** All that is decided by. Healthy nodes tell every few minutes that nothing has changed. */
function decisiveOf({ metadata, spec, status }: V1Node): object {
  const conditions = status?.conditions?.map(({ type, status: is }) => [type, is]);
  return { labels: metadata?.labels, unschedulable: spec?.unschedulable, taints: spec?.taints, conditions };
}

async function reconcile(name: string, context: ControllerContext, patience: Patience): Promise<Outcome> {
  const node = (await context.view(nodes)).get(undefined, name);
  if (node === undefined) return undefined;
  if (readyStatus(node) !== 'True') await markPodsNotReady(node, context);
  const isToEvict = evictingKey(node) !== undefined;
  const waitMs = isToEvict ? await evictionWaitMs(node, context, patience) : 0;
  await updateTaints(node, context, waitMs === 0);
  return isToEvict ? { requeueAfterMs: Math.min(waitMs || Infinity, NOT_READY_RECHECK_MS) } : undefined;
}

/** How long the node has to wait for its turn to have its pods driven away; 0: now, or it is at it; Infinity: not as things are. */
async function evictionWaitMs(node: V1Node, context: ControllerContext, patience: Patience): Promise<number> {
  const now = context.clock.now();
  const all = (await context.view(nodes)).list();
  const allLeases = await context.view(leases);
  const isReady = (one: V1Node): boolean => {
    const lease = allLeases.get(LEASE_NAMESPACE, nameOf(one));
    return readyStatus(one) === 'True' && !nodeHealth(one, lease, healthAt(now, patience)).isSilent;
  };
  const zone = zoneOf(node);
  const { isStopped, intervalMs } = evictionPace(zone, all, isReady);
  if (isStopped) return Infinity;
  if (evictingTaint(node) !== undefined) return 0;
  if (intervalMs === Infinity) return Infinity;
  const inZone = all.filter((one) => zoneOf(one) === zone);
  // Many may be lost at one moment, and are looked at at the same time: they go in the order of their names.
  const waiting = inZone.filter((one) => evictingKey(one) !== undefined && evictingTaint(one) === undefined);
  if (waiting.some((one) => nameOf(one) < nameOf(node))) return intervalMs;
  const latestMs = inZone
    .flatMap((one) => evictingTaint(one)?.timeAdded ?? [])
    .reduce((latest, time) => Math.max(latest, Date.parse(time)), -Infinity);
  return Math.max(0, latestMs + intervalMs - now);
}

function nameOf(node: V1Node): string {
  return node.metadata?.name ?? '';
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
