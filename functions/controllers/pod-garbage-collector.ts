import { isApiError } from '../../lib/api/errors.js';
import { keyOf, parseKey, refOf } from '../../lib/client/client.js';
import type { IndexFunction } from '../../lib/client/replica.js';
import { nodes, pods } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext, type Outcome } from '../../lib/work/controller.js';
import { InFlight } from '../../lib/work/in-flight.js';
import { byCreation, isBeingDeleted } from './shared/owners.js';
import { byNodeName } from './shared/pod-indexes.js';
import { isPodTerminal } from './shared/pods.js';

/** Pods that have ended are kept up to this number. */
export const TERMINATED_PODS_MAX = 12_500;

/** A node may come back under its name before its pods are given up, and one may be there a little after its first pods. */
const QUARANTINE_MS = 40_000;

const DELETES_AT_A_TIME = 16;

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

const TERMINATED_KEY = 'terminated';
const UNBOUND_PREFIX = 'unbound#';
const NODE_PREFIX = 'node#';

const terminated: IndexFunction<V1Pod> = (pod) => (isPodTerminal(pod) ? [''] : []);

/**
 * Removes pods that nobody else will: those of nodes that do not exist, those that are being deleted and were never bound or are on a node
 * declared out of service, and the oldest of too many that have ended. Keys say which of these to look for.
 */
export function podGarbageCollector(terminatedMax = TERMINATED_PODS_MAX): Controller {
  return {
    name: 'pod-garbage-collector',
    watches: [
      watch(nodes, ({ type, object }) => {
        if (type === 'deleted') return [nodeKey(keyOf(object), object.metadata?.deletionTimestamp)];
        return isOutOfService(object) ? [nodeKey(keyOf(object))] : [];
      }),
      watch(pods, async ({ type, object, previous }, lookup) => {
        if (type === 'deleted') return [];
        const keys: string[] = [];
        const node = object.spec?.nodeName ?? '';
        const isMarked = isBeingDeleted(object) && (previous === undefined || !isBeingDeleted(previous));
        if (isMarked && node === '') keys.push(UNBOUND_PREFIX + keyOf(object));
        const isNewlyBound = node !== '' && (previous?.spec?.nodeName ?? '') === '';
        if (isNewlyBound || (isMarked && node !== '')) {
          const found = (await lookup.view(nodes)).get(undefined, node);
          if (found === undefined ? isNewlyBound : isOutOfService(found)) keys.push(nodeKey(node));
        }
        if (isPodTerminal(object) && (previous === undefined || !isPodTerminal(previous))) {
          const count = (await lookup.view(pods)).by(terminated, '').length;
          if (count > terminatedMax) keys.push(TERMINATED_KEY);
        }
        return keys;
      }),
    ],
    async reconcile(key, context) {
      if (key === TERMINATED_KEY) return removeOldest(terminatedMax, context);
      if (key.startsWith(UNBOUND_PREFIX)) return removeUnbound(key.slice(UNBOUND_PREFIX.length), context);
      const [name = '', deletionTime = ''] = key.slice(NODE_PREFIX.length).split('@');
      return lookAtNode(name, Date.parse(deletionTime) || 0, context);
    },
  };
}

function nodeKey(name: string, deletionTime = ''): string {
  return `${NODE_PREFIX}${name}@${deletionTime}`;
}

function isOutOfService({ spec, status }: V1Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status !== 'True' && (spec?.taints ?? []).some(({ key }) => key === OUT_OF_SERVICE);
}

async function lookAtNode(name: string, deletedMs: number, context: ControllerContext): Promise<Outcome> {
  const node = (await context.view(nodes)).get(undefined, name);
  const onNode = (await context.view(pods)).by(byNodeName, name);
  if (node !== undefined) {
    if (isOutOfService(node)) await removeAll(onNode.filter(isBeingDeleted), context);
    return undefined;
  }
  const now = context.clock.now();
  const dueMs = (pod: V1Pod): number =>
    Math.max(deletedMs, Date.parse(pod.metadata?.creationTimestamp ?? '') || 0) + QUARANTINE_MS;
  await removeAll(
    onNode.filter((pod) => dueMs(pod) <= now),
    context,
    'PodGC: node no longer exists',
  );
  const later = onNode.map(dueMs).filter((due) => due > now);
  return later.length === 0 ? undefined : { requeueAfterMs: Math.min(...later) - now };
}

async function removeUnbound(key: string, context: ControllerContext): Promise<void> {
  const { namespace, name } = parseKey(key);
  const pod = (await context.view(pods)).get(namespace, name);
  if (pod === undefined || !isBeingDeleted(pod) || (pod.spec?.nodeName ?? '') !== '') return;
  await removeAll([pod], context);
}

/** Evicted pods first, then the oldest. */
async function removeOldest(max: number, context: ControllerContext): Promise<void> {
  const ended = (await context.view(pods)).by(terminated, '').filter((pod) => !isBeingDeleted(pod));
  const isEvicted = (pod: V1Pod): number => (pod.status?.reason === 'Evicted' ? 0 : 1);
  ended.sort((left, right) => isEvicted(left) - isEvicted(right) || byCreation(left, right));
  await removeAll(ended.slice(0, Math.max(0, ended.length - max)), context);
}

/** Several at a time; the first error is thrown once all have been tried. */
async function removeAll(some: readonly V1Pod[], context: ControllerContext, disruption?: string): Promise<void> {
  const underWay = new InFlight(DELETES_AT_A_TIME);
  const errors: unknown[] = [];
  for (const pod of some) {
    await underWay.start(() => remove(pod, context, disruption).catch((error: unknown) => void errors.push(error)));
  }
  await underWay.drain();
  if (errors.length > 0) throw errors[0];
}

/** There is no kubelet that would tell how the pod ended: it failed, and goes at once. */
async function remove(pod: V1Pod, { client, clock }: ControllerContext, disruption?: string): Promise<void> {
  const { uid, generation } = pod.metadata ?? {};
  try {
    if (!isPodTerminal(pod)) {
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByPodGC',
        message: disruption,
        lastTransitionTime: formatTime(clock.now()),
        observedGeneration: generation,
      };
      const conditions = disruption === undefined ? {} : { conditions: [condition] };
      const status = { phase: 'Failed', observedGeneration: generation, ...conditions };
      await client.patch(pods, refOf(pod), 'strategic', { metadata: { uid }, status }, { subresource: 'status' });
    }
    await client.delete(pods, refOf(pod), { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    // Somebody else removed it, or another pod has its name by now.
    if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
  }
}
