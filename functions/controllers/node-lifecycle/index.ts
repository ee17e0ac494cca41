import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import type { IndexFunction } from '../../../lib/client/replica.js';
import { leases, nodes, pods } from '../../../lib/client/resources.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Node, V1Pod } from '../../../lib/schema/generated/types.js';
import {
  watch,
  watchSelf,
  type Controller,
  type ControllerContext,
  type Outcome,
} from '../../../lib/work/controller.js';
import { nodeHealth, silentConditions } from './health.js';
import { taintsFor } from './node-taints.js';

const LEASE_NAMESPACE = 'kube-node-lease';

const nodeNameOf: IndexFunction<V1Pod> = (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []);

/**
 * Watches over nodes: one that stops heartbeating gets conditions Unknown after the grace period, its pods are no longer ready, and taints say
 * why. Who leaves it is the taint eviction's matter. Keys are nodes.
 */
export function nodeLifecycleController(graceMs: number): Controller {
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
    reconcile: (name, context) => reconcile(name, context, graceMs),
  };
}

async function reconcile(name: string, context: ControllerContext, graceMs: number): Promise<Outcome> {
  const { client, clock, events } = context;
  const node = (await context.view(nodes)).get(undefined, name);
  if (node === undefined) return undefined;
  const lease = (await context.view(leases)).get(LEASE_NAMESPACE, name);
  const now = clock.now();
  const health = nodeHealth(node, lease, now, graceMs);
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
  await updateTaints(current, context);
  if (readyStatus(current) !== 'True') await markPodsNotReady(current, context);
  return health.isSilent ? undefined : { requeueAfterMs: Math.max(0, health.silentAtMs - now) + 1 };
}

function readyStatus(node: V1Node): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
}

async function updateTaints(node: V1Node, { client, clock }: ControllerContext): Promise<void> {
  const present = node.spec?.taints ?? [];
  const wanted = taintsFor(node, formatTime(clock.now()));
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
  const onNode = (await context.view(pods)).by(nodeNameOf, node.metadata?.name ?? '');
  for (const pod of onNode) {
    const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (ready?.status !== 'True') continue;
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
