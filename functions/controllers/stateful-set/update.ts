import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { pods } from '../../../lib/client/resources.js';
import type { V1Pod, V1StatefulSet } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { isBeingDeleted } from '../shared/owners.js';
import { errorMessage } from '../shared/pod-control.js';
import { isPodAvailable, isPodReady } from '../shared/pods.js';
import { slowStart } from '../shared/slow-start.js';
import { applyRetentionPolicy, claimsMatchPolicy, createMissingClaims, hasStaleClaim } from './claims.js';
import {
  identityMatches,
  isInRange,
  newStatefulPod,
  ordinalOf,
  podRevision,
  replicasOf,
  startOrdinal,
  storageMatches,
  withIdentity,
} from './identity.js';

/** One reconcile's view of a set: its templates before and after the update, and its pods by ordinal. */
export interface Plan {
  readonly context: ControllerContext;
  readonly set: V1StatefulSet;
  /** The set with the template of the current and of the update revision, by the revisions' names. */
  readonly current: { readonly name: string; readonly set: V1StatefulSet };
  readonly update: { readonly name: string; readonly set: V1StatefulSet };
  readonly nowMs: number;
}

/** A place in the set, with the pod that is there or the one that should be. */
interface Slot {
  readonly ordinal: number;
  readonly pod: V1Pod;
  readonly exists: boolean;
}

/** How far a reconcile came: pods that an update took down count no longer as current. */
export interface Progress {
  takenDown: number;
}

/**
 * Brings the pods to what the set asks for. With OrderedReady management one step at a time, each waiting until all pods before
 * it are available: creation in rising, deletion in falling order of ordinals; with Parallel management all at once. Then
 * a rolling update takes down the highest pod that is of an old revision, one at a time.
 */
export async function updatePods(plan: Plan, present: readonly V1Pod[], progress: Progress): Promise<void> {
  const { set } = plan;
  const { replicas, condemned } = arrange(plan, present);
  if (isBeingDeleted(set)) return;
  const all = [...replicas, ...[...condemned].reverse()];
  const firstUnavailable = all.find((slot) => isUnavailable(plan, slot))?.pod;

  if (await stopsAt(plan, replicas, (slot) => processReplica(plan, slot))) return;
  if (await stopsAt(plan, condemned, (slot) => keepClaimsInPolicy(plan, slot))) return;
  if (await stopsAt(plan, condemned, (slot) => processCondemned(plan, slot, firstUnavailable))) return;
  await rollOne(plan, replicas, progress);
}

/** The slots of the set in rising order, and the pods outside its range in falling order. */
function arrange(plan: Plan, present: readonly V1Pod[]): { replicas: Slot[]; condemned: Slot[] } {
  const { set } = plan;
  const byOrdinal = new Map<number, V1Pod>();
  const condemned: Slot[] = [];
  for (const pod of present) {
    const ordinal = ordinalOf(pod);
    if (ordinal === undefined) continue;
    if (isInRange(set, ordinal)) byOrdinal.set(ordinal, pod);
    else condemned.push({ ordinal, pod, exists: true });
  }
  const replicas = Array.from({ length: replicasOf(set) }, (_, index): Slot => {
    const ordinal = startOrdinal(set) + index;
    const pod = byOrdinal.get(ordinal);
    return { ordinal, pod: pod ?? newPod(plan, ordinal), exists: pod !== undefined };
  });
  return { replicas, condemned: condemned.sort((left, right) => right.ordinal - left.ordinal) };
}

/** A pod is made anew at the current revision when the update has not reached its ordinal. */
function newPod({ set, current, update }: Plan, ordinal: number): V1Pod {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec?.updateStrategy ?? {};
  const notReached = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0);
  const revision = type === 'RollingUpdate' && ordinal < startOrdinal(set) + notReached ? current : update;
  return newStatefulPod(revision.set, ordinal, revision.name);
}

function isOrdered({ set }: Plan): boolean {
  return set.spec?.podManagementPolicy !== 'Parallel';
}

function isUnavailable({ set, nowMs }: Plan, { pod }: Slot): boolean {
  return isBeingDeleted(pod) || !isPodAvailable(pod, set.spec?.minReadySeconds, nowMs);
}

/** Calls `action`, which tells whether to wait there, for all slots: in order until one waits, or for all when parallel. */
async function stopsAt(plan: Plan, slots: readonly Slot[], action: (slot: Slot) => Promise<boolean>): Promise<boolean> {
  if (isOrdered(plan)) {
    for (const slot of slots) if (await action(slot)) return true;
    return false;
  }
  const { error } = await slowStart(slots.length, async (index) => {
    const slot = slots[index];
    if (slot !== undefined) await action(slot);
  });
  if (error !== undefined) throw error;
  return false;
}

async function processReplica(plan: Plan, slot: Slot): Promise<boolean> {
  const { context, set, update, nowMs } = plan;
  const { pod, ordinal, exists } = slot;
  const identity = { set, pod, ordinal };
  const { phase } = pod.status ?? {};
  if (phase === 'Failed' || phase === 'Succeeded') {
    if (!isBeingDeleted(pod)) await deleteStatefulPod(context, set, pod);
    return true;
  }
  if (!exists) {
    if (await hasStaleClaim(context, identity))
      throw new Error(`a claim of ${pod.metadata?.name} is of an earlier pod`);
    await createStatefulPod(plan, slot);
    return isOrdered(plan);
  }
  if (phase === 'Pending') {
    await createMissingClaims(context, identity);
    await applyRetentionPolicy(context, identity);
  }
  if (isOrdered(plan)) {
    if (isBeingDeleted(pod) || phase !== 'Running' || !isPodReady(pod)) return true;
    if (!isPodAvailable(pod, set.spec?.minReadySeconds, nowMs)) return true;
  }
  const updated = { ...identity, set: update.set };
  if (identityMatches(pod) && storageMatches(set, pod, ordinal) && (await claimsMatchPolicy(context, updated)))
    return false;
  await repairPod(plan, slot);
  return false;
}

async function keepClaimsInPolicy({ context, update }: Plan, { pod, ordinal }: Slot): Promise<boolean> {
  const identity = { set: update.set, pod, ordinal };
  if (!(await claimsMatchPolicy(context, identity))) await applyRetentionPolicy(context, identity);
  return false;
}

/** An unhealthy pod holds the ones below it up, unless it is the first unhealthy one itself. */
async function processCondemned(plan: Plan, { pod }: Slot, firstUnavailable: V1Pod | undefined): Promise<boolean> {
  const { context, set, nowMs } = plan;
  if (isBeingDeleted(pod)) return true;
  const isHealthy = pod.status?.phase === 'Running' && isPodAvailable(pod, set.spec?.minReadySeconds, nowMs);
  if (isOrdered(plan) && !isHealthy && pod !== firstUnavailable) return true;
  await deleteStatefulPod(context, set, pod);
  return true;
}

/** Takes down the highest pod of an old revision, unless a higher one of the new revision is not available yet. */
async function rollOne(plan: Plan, replicas: readonly Slot[], progress: Progress): Promise<void> {
  const { set, context, update } = plan;
  const { type = 'RollingUpdate', rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return;
  const partition = rollingUpdate?.partition ?? 0;
  for (let index = replicas.length - 1; index >= partition; index--) {
    const slot = replicas[index];
    if (slot === undefined) return;
    if (podRevision(slot.pod) !== update.name && !isBeingDeleted(slot.pod)) {
      await deleteStatefulPod(context, set, slot.pod);
      progress.takenDown++;
      return;
    }
    if (isUnavailable(plan, slot)) return;
  }
}

async function createStatefulPod({ context, set }: Plan, { pod, ordinal }: Slot): Promise<void> {
  const identity = { set, pod, ordinal };
  try {
    await createMissingClaims(context, identity);
    const created = await context.client.create(pods, pod);
    await applyRetentionPolicy(context, { ...identity, pod: created });
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) await recordFailure(context, set, pod, 'Create', error);
    throw error;
  }
  await recordSuccess(context, set, pod, 'Create');
}

async function repairPod({ context, set, update }: Plan, { pod, ordinal }: Slot): Promise<void> {
  try {
    await createMissingClaims(context, { set, pod, ordinal });
    await applyRetentionPolicy(context, { set: update.set, pod, ordinal });
    if (identityMatches(pod) && storageMatches(set, pod, ordinal)) return;
    await context.client.update(pods, withIdentity(set, pod, ordinal));
  } catch (error) {
    await recordFailure(context, set, pod, 'Update', error);
    throw error;
  }
  await recordSuccess(context, set, pod, 'Update');
}

async function deleteStatefulPod(context: ControllerContext, set: V1StatefulSet, pod: V1Pod): Promise<void> {
  try {
    await context.client.ensureDeleted(pods, refOf(pod), { preconditions: { uid: pod.metadata?.uid } });
  } catch (error) {
    await recordFailure(context, set, pod, 'Delete', error);
    throw error;
  }
  await recordSuccess(context, set, pod, 'Delete');
}

type Verb = 'Create' | 'Update' | 'Delete';

function recordSuccess(context: ControllerContext, set: V1StatefulSet, pod: V1Pod, verb: Verb): Promise<void> {
  return context.events.normal(set, `Successful${verb}`, `${subject(set, pod, verb)} successful`);
}

function recordFailure(
  context: ControllerContext,
  set: V1StatefulSet,
  pod: V1Pod,
  verb: Verb,
  error: unknown,
): Promise<void> {
  return context.events.warning(
    set,
    `Failed${verb}`,
    `${subject(set, pod, verb)} failed error: ${errorMessage(error)}`,
  );
}

function subject(set: V1StatefulSet, pod: V1Pod, verb: Verb): string {
  return `${verb.toLowerCase()} Pod ${pod.metadata?.name ?? ''} in StatefulSet ${set.metadata?.name ?? ''}`;
}
