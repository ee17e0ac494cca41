import { keyOf, parseKey } from '../../../lib/client/client.js';
import { daemonSets, nodes, pods } from '../../../lib/client/resources.js';
import type { V1DaemonSet, V1DaemonSetStatus, V1Node, V1Pod } from '../../../lib/schema/generated/types.js';
import {
  watch,
  watchSelf,
  type Controller,
  type ControllerContext,
  type Lookup,
  type ObjectChange,
  type Outcome,
} from '../../../lib/work/controller.js';
import { claimChildren, watchChildren } from '../shared/claim.js';
import { semanticEqual } from '../shared/hash.js';
import { isEmptySelector, matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { controllerReference, isBeingDeleted } from '../shared/owners.js';
import { createPod, deletePod, podFromTemplate } from '../shared/pod-control.js';
import { isPodAvailable, isPodReady, nextAvailabilityMs, podEssence } from '../shared/pods.js';
import { REVISION_HASH_LABEL } from '../shared/revisions.js';
import { allOrFirstError, slowStart } from '../shared/slow-start.js';
import { nonZero, writeStatus } from '../shared/status.js';
import { cleanUpHistory, findHistory, hashOf } from './history.js';
import { daemonTolerations, eligibility, pinnedTo } from './nodes.js';
import {
  byAssignmentAndAge,
  groupByNode,
  isUpdated,
  placePods,
  templateGeneration,
  TEMPLATE_GENERATION_LABEL,
  type Situation,
} from './placement.js';
import { rollingUpdate } from './rolling-update.js';

/** Pods created or deleted in one step. */
const BURST_REPLICAS_MAX = 250;

/** Keeps one pod of each DaemonSet on every eligible node and rolls templates out over them. */
export const daemonSetController: Controller = {
  name: 'daemonset',
  watches: [
    watchSelf(daemonSets),
    watchChildren({
      child: pods,
      owner: daemonSets,
      selects,
      concerns: (pod) => [podEssence(pod), pod.spec?.nodeName],
    }),
    watch(nodes, affectedByNode),
  ],
  reconcile: reconcileDaemonSet,
};

function selects(daemonSet: V1DaemonSet, pod: V1Pod): boolean {
  return matchesLabelSelector(daemonSet.spec?.selector, pod.metadata?.labels);
}

/** The sets for which the node became or ceased to be a place for pods. Most updates of nodes are heartbeats. */
async function affectedByNode({ type, object, previous }: ObjectChange<V1Node>, lookup: Lookup): Promise<string[]> {
  const place = ({ metadata, spec }: V1Node): unknown => [metadata?.name, metadata?.labels, spec?.taints];
  const updated = type === 'updated' && previous !== undefined;
  if (updated && semanticEqual(place(object), place(previous))) return [];
  const view = await lookup.view(daemonSets);
  return view
    .list()
    .filter((set) => !updated || !semanticEqual(eligibility(set, object), eligibility(set, previous)))
    .map(keyOf);
}

async function reconcileDaemonSet(key: string, context: ControllerContext): Promise<Outcome> {
  const { namespace, name } = parseKey(key);
  const daemonSet = (await context.view(daemonSets)).get(namespace, name);
  if (daemonSet === undefined) return;
  if (isEmptySelector(daemonSet.spec?.selector)) {
    const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
    return context.events.warning(daemonSet, 'SelectingAll', message);
  }
  if (isBeingDeleted(daemonSet)) return;

  const allNodes = [...(await context.view(nodes)).list()];
  const { current, old } = await findHistory(context, daemonSet, await claimPods(context, daemonSet));
  const situate = async (): Promise<Situation> => ({
    daemonSet,
    nodes: allNodes,
    podsByNode: groupByNode(await claimPods(context, daemonSet)),
    hash: hashOf(current),
    nowMs: context.clock.now(),
  });

  let failure: { error: unknown } | undefined;
  let retryAfterMs: number | undefined;
  try {
    retryAfterMs = await place(context, await situate());
    if (daemonSet.spec?.updateStrategy?.type !== 'OnDelete') {
      const situation = await situate();
      const step = rollingUpdate(situation);
      await apply(context, situation, step.create, step.remove);
    }
    await cleanUpHistory(context, daemonSet, await claimPods(context, daemonSet), old);
  } catch (error) {
    failure = { error };
  }
  // The status tells how things stand also when a step failed.
  const situation = await situate();
  const status = daemonSetStatus(situation);
  if (!semanticEqual(status, daemonSet.status)) await writeStatus(context, daemonSets, daemonSet, status);
  if (failure !== undefined) throw failure.error;
  const availableAfterMs =
    status.numberReady === (status.numberAvailable ?? 0) ? undefined : nextAvailabilityOf(situation);
  const waits = [retryAfterMs, availableAfterMs].filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
}

function claimPods(context: ControllerContext, daemonSet: V1DaemonSet): Promise<V1Pod[]> {
  return claimChildren(context, {
    owner: daemonSet,
    ownerResource: daemonSets,
    childResource: pods,
    selects: (pod) => selects(daemonSet, pod),
  });
}

/** Returns when to look again at failed pods that are too young to be replaced. */
async function place(context: ControllerContext, situation: Situation): Promise<number | undefined> {
  const { daemonSet } = situation;
  const changes = placePods(situation);
  for (const pod of changes.finished) {
    const subject = `daemon pod ${keyOf(pod)} on node ${pod.spec?.nodeName ?? ''}`;
    await (pod.status?.phase === 'Failed'
      ? context.events.warning(daemonSet, 'FailedDaemonPod', `Found failed ${subject}, will try to kill it`)
      : context.events.normal(daemonSet, 'SucceededDaemonPod', `Found succeeded ${subject}, will try to delete it`));
  }
  await apply(context, situation, changes.create, changes.remove);
  return changes.retryAfterMs;
}

async function apply(
  context: ControllerContext,
  situation: Situation,
  create: readonly string[],
  remove: readonly V1Pod[],
): Promise<void> {
  const { daemonSet } = situation;
  const { error } = await slowStart(Math.min(create.length, BURST_REPLICAS_MAX), (index) =>
    createPod(context, daemonSet, daemonPod(situation, create[index] ?? '')),
  );
  await allOrFirstError(remove.slice(0, BURST_REPLICAS_MAX).map((pod) => deletePod(context, daemonSet, pod)));
  if (error !== undefined) throw error;
}

function daemonPod({ daemonSet, hash }: Situation, nodeName: string): V1Pod {
  const pod = podFromTemplate(daemonSet.spec?.template, daemonSet, controllerReference(daemonSets, daemonSet));
  const generation = templateGeneration(daemonSet);
  return {
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata?.labels,
        ...(generation === undefined ? {} : { [TEMPLATE_GENERATION_LABEL]: generation }),
        [REVISION_HASH_LABEL]: hash,
      },
    },
    spec: {
      containers: [],
      ...pod.spec,
      tolerations: daemonTolerations(pod.spec),
      affinity: pinnedTo(pod.spec?.affinity, nodeName),
    },
  };
}

/** The counts of nodes; of several pods on a node the first by assignment and age counts. */
export function daemonSetStatus({ daemonSet, nodes: all, podsByNode, hash, nowMs }: Situation): V1DaemonSetStatus {
  const counts = { desired: 0, scheduled: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of all) {
    const [pod] = [...(podsByNode.get(node.metadata?.name ?? '') ?? [])].sort(byAssignmentAndAge);
    if (!eligibility(daemonSet, node).shouldRun) {
      if (pod !== undefined) counts.misscheduled++;
      continue;
    }
    counts.desired++;
    if (pod === undefined) continue;
    counts.scheduled++;
    if (isPodReady(pod)) counts.ready++;
    if (isPodAvailable(pod, daemonSet.spec?.minReadySeconds, nowMs)) counts.available++;
    if (isUpdated(daemonSet, pod, hash)) counts.updated++;
  }
  return {
    ...daemonSet.status,
    observedGeneration: daemonSet.metadata?.generation,
    desiredNumberScheduled: counts.desired,
    currentNumberScheduled: counts.scheduled,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    numberAvailable: nonZero(counts.available),
    numberUnavailable: nonZero(counts.desired - counts.available),
    updatedNumberScheduled: nonZero(counts.updated),
  };
}

function nextAvailabilityOf({ daemonSet, podsByNode, nowMs }: Situation): number {
  const minReadySeconds = daemonSet.spec?.minReadySeconds ?? 0;
  return nextAvailabilityMs([...podsByNode.values()].flat(), minReadySeconds, nowMs) ?? minReadySeconds * 1000;
}
