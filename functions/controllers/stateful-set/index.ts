import { parseKey } from '../../../lib/client/client.js';
import { pods, statefulSets } from '../../../lib/client/resources.js';
import type { V1Pod, V1StatefulSet, V1StatefulSetStatus } from '../../../lib/schema/generated/types.js';
import { watchSelf, type Controller, type ControllerContext, type Outcome } from '../../../lib/work/controller.js';
import { claimChildren, watchChildren } from '../shared/claim.js';
import { semanticEqual } from '../shared/hash.js';
import { matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { isBeingDeleted } from '../shared/owners.js';
import { isPodAvailable, isPodReady, nextAvailabilityMs, podEssence } from '../shared/pods.js';
import { claimRevisions } from '../shared/revisions.js';
import { nonZero, writeStatus } from '../shared/status.js';
import { isMember, podRevision, replicasOf } from './identity.js';
import { atRevision, cleanUpRevisions, findRevisions, type Revisions } from './revisions.js';
import { updatePods, type Plan, type Progress } from './update.js';

/** Keeps the pods of StatefulSets, each with its own name and claims, and rolls templates out over them in order. */
export const statefulSetController: Controller = {
  name: 'statefulset',
  watches: [
    watchSelf(statefulSets),
    watchChildren({ child: pods, owner: statefulSets, selects, concerns: podEssence }),
  ],
  reconcile: reconcileStatefulSet,
};

function selects(set: V1StatefulSet, pod: V1Pod): boolean {
  return isMember(set, pod) && matchesLabelSelector(set.spec?.selector, pod.metadata?.labels);
}

async function reconcileStatefulSet(key: string, context: ControllerContext): Promise<Outcome> {
  const { namespace, name } = parseKey(key);
  const set = (await context.view(statefulSets)).get(namespace, name);
  if (set === undefined) return;
  const history = await claimRevisions(context, statefulSets, set);
  const owned = await claimChildren(context, {
    owner: set,
    ownerResource: statefulSets,
    childResource: pods,
    selects: (pod) => selects(set, pod),
  });
  const revisions = await findRevisions(context, set, history);
  const nowMs = context.clock.now();
  const plan: Plan = {
    context,
    set,
    current: { name: revisions.current.metadata?.name ?? '', set: atRevision(set, revisions.current) },
    update: { name: revisions.update.metadata?.name ?? '', set: atRevision(set, revisions.update) },
    nowMs,
  };
  const progress: Progress = { takenDown: 0 };
  let failure: { error: unknown } | undefined;
  try {
    await updatePods(plan, owned, progress);
  } catch (error) {
    failure = { error };
  }
  // The status tells how things stand also when a step failed.
  const status = statefulSetStatus(set, owned, revisions, progress, nowMs);
  if (!semanticEqual(status, set.status)) await writeStatus(context, statefulSets, set, status);
  await cleanUpRevisions(context, set, owned, history, revisions);
  if (failure !== undefined) throw failure.error;
  if ((status.readyReplicas ?? 0) === status.availableReplicas) return;
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  return { requeueAfterMs: nextAvailabilityMs(owned, minReadySeconds, nowMs) ?? minReadySeconds * 1000 };
}

/** The counts of the pods; once all are of the update revision and ready, that becomes the current one. */
export function statefulSetStatus(
  set: V1StatefulSet,
  owned: readonly V1Pod[],
  { current, update, collisionCount }: Revisions,
  { takenDown }: Progress,
  nowMs: number,
): V1StatefulSetStatus {
  const ready = owned.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  const ofRevision = (name: string | undefined): number =>
    owned.filter((pod) => !isBeingDeleted(pod) && podRevision(pod) === name).length;
  const updated = ofRevision(update.metadata?.name);
  const desired = replicasOf(set);
  const type = set.spec?.updateStrategy?.type ?? 'RollingUpdate';
  const complete =
    type === 'RollingUpdate' && updated === desired && ready.length === desired && owned.length === desired;
  return {
    ...set.status,
    observedGeneration: set.metadata?.generation,
    replicas: owned.length,
    readyReplicas: nonZero(ready.length),
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, set.spec?.minReadySeconds, nowMs)).length,
    currentReplicas: nonZero(complete ? updated : Math.max(0, ofRevision(current.metadata?.name) - takenDown)),
    updatedReplicas: nonZero(updated),
    currentRevision: complete ? update.metadata?.name : current.metadata?.name,
    updateRevision: update.metadata?.name,
    collisionCount,
  };
}
