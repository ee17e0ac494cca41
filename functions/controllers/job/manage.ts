import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { pods as podResource } from '../../../lib/client/resources.js';
import type { V1Job, V1Pod } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { createPod, deletePod } from '../shared/pod-control.js';
import { compareActivePods } from '../shared/pod-ranking.js';
import { isPodReady, isPodTerminating } from '../shared/pods.js';
import { slowStart } from '../shared/slow-start.js';
import { remainingBackoffMs, remainingIndexBackoffMs } from './backoff.js';
import { IndexSet } from './index-set.js';
import {
  completionIndex,
  completionsOf,
  failureCount,
  INDEX_FAILURES_ANNOTATION,
  INDEX_IGNORED_FAILURES_ANNOTATION,
  isIndexed,
  isSuspended,
  isTracked,
  newIndexedPod,
  newJobPod,
  parallelismOf,
  replacesOnlyFailed,
  TRACKING_FINALIZER,
} from './job-pods.js';
import { judgeFailure } from './policies.js';
import { hasLimitPerIndex, type JobSync } from './sync.js';

/** Pods created or deleted in one reconcile. */
const BURST_PODS_MAX = 500;

/** Creates the pods that are missing for the work that is left, or deletes those that are too many. */
export async function managePods(sync: JobSync): Promise<void> {
  const { job } = sync;
  if (isSuspended(job)) return deletePods(sync, [...sync.active], true);
  const wanted = wantedActive(sync);
  const surplus = choosePodsToDelete(job, sync.active, Math.max(0, sync.active.length - wanted));
  if (surplus.length > 0) return deletePods(sync, surplus.slice(0, BURST_PODS_MAX), true);
  const terminating = replacesOnlyFailed(job) ? sync.counts.terminating : 0;
  const missing = Math.min(wanted - terminating - sync.active.length, BURST_PODS_MAX);
  if (missing > 0) await createPods(sync, missing);
}

/** Without completions one success is enough: what runs then may end, and nothing new is made. */
function wantedActive({ job, succeeded, active }: JobSync): number {
  const parallelism = parallelismOf(job);
  if (job.spec?.completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(job.spec.completions - succeeded, parallelism));
}

/** Pods that cannot count, as a second one of an index, and then as many of the least advanced as needed. */
export function choosePodsToDelete(job: V1Job, active: readonly V1Pod[], atLeast: number): V1Pod[] {
  const useless = isIndexed(job) ? uselessPods(job, active) : [];
  if (useless.length >= atLeast) return useless;
  const left = active.filter((pod) => !useless.includes(pod)).sort(compareActivePods);
  return [...useless, ...left.slice(0, atLeast - useless.length)];
}

function uselessPods(job: V1Job, active: readonly V1Pod[]): V1Pod[] {
  const byIndex = new Map<number, V1Pod[]>();
  const useless: V1Pod[] = [];
  for (const pod of active) {
    const index = completionIndex(pod);
    if (index === undefined || index >= completionsOf(job)) useless.push(pod);
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod]);
  }
  for (const pods of byIndex.values()) useless.push(...pods.sort(compareActivePods).slice(0, -1));
  return useless;
}

/**
 * Deletes active pods, those of them that cannot be deleted still count as active. Without `tracked` finalizers the pods go
 * without being counted as failed.
 */
export async function deletePods(sync: JobSync, victims: readonly V1Pod[], untrack: boolean): Promise<void> {
  const { context, job, counts } = sync;
  const results = await Promise.allSettled(
    victims.map(async (pod) => {
      if (untrack) await removeFinalizer(context, pod);
      await deletePod(context, job, pod);
    }),
  );
  for (const [index, result] of results.entries()) {
    const pod = victims[index];
    if (pod === undefined || result.status === 'rejected') continue;
    counts.active--;
    counts.terminating++;
    if (isPodReady(pod)) counts.ready--;
  }
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** Lets a pod go that the Job need not count (any more). A pod that is gone is fine. */
export async function removeFinalizer(context: ControllerContext, pod: V1Pod): Promise<void> {
  if (!isTracked(pod)) return;
  const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER] } };
  try {
    await context.client.patch(podResource, refOf(pod), 'strategic', patch);
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}

async function createPods(sync: JobSync, missing: number): Promise<void> {
  const { context, job, nowMs, waitsMs } = sync;
  if (!hasLimitPerIndex(job)) {
    const waitMs = remainingBackoffMs(job, sync.pods, nowMs);
    if (waitMs > 0) {
      waitsMs.push(waitMs);
      return;
    }
  }
  const pods = isIndexed(job) ? indexedPods(sync, missing) : Array.from({ length: missing }, () => newJobPod(job));
  const { succeeded, error } = await slowStart(pods.length, (index) => createPod(context, job, pods[index] ?? {}));
  sync.counts.active += succeeded;
  if (error !== undefined) throw error;
}

/** Pods for the lowest indexes that nobody works on, but for those whose last failure is too recent. */
function indexedPods(sync: JobSync, missing: number): V1Pod[] {
  const { job, nowMs, awaitingReplacement } = sync;
  const busy = [...sync.active, ...(replacesOnlyFailed(job) ? sync.pods.filter(isPodTerminating) : [])];
  const notPending = sync.succeededIndexes
    .union(IndexSet.of(busy.map(completionIndex).filter((index) => index !== undefined)))
    .union(sync.failedIndexes ?? IndexSet.empty);
  const pods: V1Pod[] = [];
  const waits: number[] = [];
  for (const index of notPending.firstMissing(missing, completionsOf(job))) {
    const replaced = awaitingReplacement.get(index);
    const waitMs = hasLimitPerIndex(job) ? remainingIndexBackoffMs(replaced, nowMs) : 0;
    if (waitMs > 0) waits.push(waitMs);
    else pods.push(newIndexedPod(job, index, failureAnnotations(job, replaced)));
  }
  if (waits.length > 0) sync.waitsMs.push(Math.min(...waits));
  return pods;
}

/** With a back-off limit per index each pod carries the failures of the index so far. */
function failureAnnotations(job: V1Job, replaced: V1Pod | undefined): Record<string, string> {
  if (!hasLimitPerIndex(job)) return {};
  let failures = 0;
  let ignored = 0;
  if (replaced !== undefined) {
    failures = failureCount(replaced, INDEX_FAILURES_ANNOTATION);
    ignored = failureCount(replaced, INDEX_IGNORED_FAILURES_ANNOTATION);
    if (judgeFailure(job, replaced).action === 'Ignore') ignored++;
    else failures++;
  }
  return {
    [INDEX_FAILURES_ANNOTATION]: String(failures),
    ...(ignored > 0 ? { [INDEX_IGNORED_FAILURES_ANNOTATION]: String(ignored) } : {}),
  };
}
