import { leases, nodes } from '../../../lib/client/resources.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Node } from '../../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext, type Outcome } from '../../../lib/work/controller.js';
import { healthAt, nodeHealth, readyStatus, silentConditions, type Patience } from './health.js';

export const LEASE_NAMESPACE = 'kube-node-lease';

/**
 * The only key. Looking at each node by itself would take a message, a delay and a reading of all leases for each node and minute, which on
 * AWS was most of what a node cost.
 */
const ALL_NODES = 'all';

/**
 * Notices nodes that stop heartbeating: after the grace period their conditions become Unknown. What follows from that is the node lifecycle's
 * matter; a node that is heard again says itself how it is.
 */
export function nodeSilenceController(patience: Patience): Controller {
  return {
    name: 'node-silence',
    watches: [
      watch(nodes, ({ type, object, previous }) => {
        const isSame = previous !== undefined && readyStatus(previous) === readyStatus(object);
        return type === 'deleted' || isSame ? [] : [ALL_NODES];
      }),
    ],
    reconcile: (_key, context) => reconcile(context, patience),
  };
}

async function reconcile(context: ControllerContext, patience: Patience): Promise<Outcome> {
  const listening = (await context.view(nodes)).list().filter((node) => readyStatus(node) !== 'Unknown');
  const held = await context.view(leases);
  const now = context.clock.now();
  const looks: number[] = [];
  const silent: V1Node[] = [];
  for (const node of listening) {
    const health = nodeHealth(node, held.get(LEASE_NAMESPACE, nameOf(node)), healthAt(now, patience));
    if (health.isSilent) silent.push(node);
    else looks.push(health.silentAtMs);
  }
  const outcomes = await Promise.allSettled(silent.map((node) => lookClosely(node, context, patience)));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
    if (outcome.value !== undefined) looks.push(outcome.value);
  }
  return looks.length === 0 ? undefined : { requeueAfterMs: Math.max(0, Math.min(...looks) - now) + 1 };
}

/** Copies of leases may be a little behind, and what has just been renewed would count as lost. The time of the next look, for a node that lives. */
async function lookClosely(node: V1Node, context: ControllerContext, patience: Patience): Promise<number | undefined> {
  const { client, clock, events } = context;
  const name = nameOf(node);
  const lease = await client.find(leases, { namespace: LEASE_NAMESPACE, name });
  const now = clock.now();
  const health = nodeHealth(node, lease, healthAt(now, patience));
  if (!health.isSilent) return health.silentAtMs;
  const conditions = silentConditions(node, formatTime(now));
  const { resourceVersion } = node.metadata ?? {};
  await client.patch(
    nodes,
    { name },
    'strategic',
    { metadata: { resourceVersion }, status: { conditions } },
    { subresource: 'status' },
  );
  await events.normal(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
  return undefined;
}

function nameOf(node: V1Node): string {
  return node.metadata?.name ?? '';
}
