import { isApiError } from '../../lib/api/errors.js';
import { refOf } from '../../lib/client/client.js';
import { nodes, pods } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import { tolerates } from '../../lib/scheduling/taints.js';
import type { V1Node, V1Pod, V1Taint } from '../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext } from '../../lib/work/controller.js';
import { byNodeName } from './shared/pod-indexes.js';
import { podCondition } from './shared/pods.js';

/**
 * Deletes pods that do not, or no longer, tolerate a NoExecute taint of their node: at once without a toleration, else when the shortest
 * tolerationSeconds has passed since the taint was added, or the pod came. Keys are nodes.
 */
export const taintEvictionController: Controller = {
  name: 'taint-eviction',
  watches: [
    watch(nodes, ({ type, object }) =>
      type !== 'deleted' && hasNoExecute(object) ? [object.metadata?.name ?? ''] : [],
    ),
    watch(pods, async ({ type, object }, lookup) => {
      const name = object.spec?.nodeName;
      if (!name || type === 'deleted') return [];
      const node = (await lookup.view(nodes)).get(undefined, name);
      return node !== undefined && hasNoExecute(node) ? [name] : [];
    }),
  ],
  async reconcile(name, context) {
    const present = (await context.view(nodes)).get(undefined, name);
    if (present === undefined || !hasNoExecute(present)) return undefined;
    const node = await withTimes(present, context);
    const now = context.clock.now();
    let nextMs = Infinity;
    for (const pod of (await context.view(pods)).by(byNodeName, name)) {
      if (pod.metadata?.deletionTimestamp !== undefined) continue;
      const dueMs = evictionTime(pod, node, now);
      if (dueMs <= now) await evict(pod, context);
      else nextMs = Math.min(nextMs, dueMs - now);
    }
    return nextMs === Infinity ? undefined : { requeueAfterMs: nextMs };
  },
};

function noExecuteTaints(node: V1Node): V1Taint[] {
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
}

function hasNoExecute(node: V1Node): boolean {
  return noExecuteTaints(node).length > 0;
}

/** Taints that people add carry no time: from now on they do, since tolerations count from it. */
async function withTimes(node: V1Node, { client, clock }: ControllerContext): Promise<V1Node> {
  if (noExecuteTaints(node).every(({ timeAdded }) => timeAdded !== undefined)) return node;
  const { resourceVersion } = node.metadata ?? {};
  const timeAdded = formatTime(clock.now());
  const taints = (node.spec?.taints ?? []).map((taint) =>
    taint.effect === 'NoExecute' ? { ...taint, timeAdded: taint.timeAdded ?? timeAdded } : taint,
  );
  return client.patch(nodes, refOf(node), 'merge', { metadata: { resourceVersion }, spec: { taints } });
}

/** When the pod has to leave, in epoch milliseconds; Infinity: it may stay. */
export function evictionTime(pod: V1Pod, node: V1Node, nowMs: number): number {
  const cameMs = Date.parse(podCondition(pod, 'PodScheduled')?.lastTransitionTime ?? '') || 0;
  let dueMs = Infinity;
  for (const taint of noExecuteTaints(node)) {
    const used = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (used.length === 0) return nowMs;
    const seconds = used.flatMap((toleration) => toleration.tolerationSeconds ?? []);
    if (seconds.length === 0) continue;
    const fromMs = Math.max(cameMs, taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded));
    dueMs = Math.min(dueMs, fromMs + Math.max(0, Math.min(...seconds)) * 1000);
  }
  return dueMs;
}

async function evict(pod: V1Pod, { client, clock, events }: ControllerContext): Promise<void> {
  const ref = refOf(pod);
  const { uid } = pod.metadata ?? {};
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: formatTime(clock.now()),
  };
  try {
    await client.patch(
      pods,
      ref,
      'strategic',
      { metadata: { uid }, status: { conditions: [condition] } },
      { subresource: 'status' },
    );
    await client.delete(pods, ref, { preconditions: { uid } });
  } catch (error) {
    if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return;
    throw error;
  }
  await events.normal(pod, 'TaintManagerEviction', `Marking for deletion Pod ${ref.namespace}/${ref.name}`);
}
