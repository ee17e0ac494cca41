import { jobs } from '../../../lib/client/resources.js';
import type { V1Job, V1JobStatus, V1Pod, V1UncountedTerminatedPods } from '../../../lib/schema/generated/types.js';
import { jobCondition } from '../shared/jobs.js';
import { semanticEqual } from '../shared/hash.js';
import { isBeingDeleted } from '../shared/owners.js';
import { nonZero } from '../shared/status.js';
import { IndexSet } from './index-set.js';
import { completionIndex, hasFailed, isIndexed, isTracked, validIndex } from './job-pods.js';
import { removeFinalizer } from './manage.js';
import { judgeFailure } from './policies.js';
import { newCondition, type JobSync } from './sync.js';

/** Pods that a status names as ended but not counted yet. */
const UNCOUNTED_PODS_MAX = 500;

/**
 * Counts ended pods exactly once, whatever crashes in between. A pod's uid is first written into the status as uncounted; then
 * its finalizer is removed; a uid whose pod no longer has the finalizer is moved into the counts. Until then the finalizer keeps
 * the pod, and the uid keeps it from being counted again. Indexes need no such list: a set counts nothing twice.
 */
export async function trackPods(sync: JobSync, before: V1JobStatus | undefined): Promise<void> {
  const { status } = sync;
  const tracked = new Set(sync.pods.filter(isTracked).map(({ metadata }) => metadata?.uid ?? ''));
  const uncounted = (status.uncountedTerminatedPods ??= {});
  countReleased(status, uncounted, tracked);

  const released = chooseReleased(sync, uncounted);
  if (isIndexed(sync.job)) writeIndexes(sync, released);
  noteEnding(sync);
  writeCounts(sync);
  let written = before;
  if (!semanticEqual(status, before)) written = await writeDraft(sync);

  const results = await Promise.allSettled(released.map((pod) => removeFinalizer(sync.context, pod)));
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') tracked.delete(released[index]?.metadata?.uid ?? '');
  }
  countReleased(status, uncounted, tracked);
  const failure = results.find((result) => result.status === 'rejected');
  const finished = failure === undefined && released.length < UNCOUNTED_PODS_MAX && finish(sync, uncounted);
  if (!semanticEqual(status, written)) await writeDraft(sync);
  if (failure !== undefined) throw failure.reason;
  if (finished) await recordFinished(sync);
}

/** Moves uncounted pods that nothing holds any more into the counts. */
function countReleased(status: V1JobStatus, uncounted: V1UncountedTerminatedPods, tracked: ReadonlySet<string>): void {
  const { succeeded = [], failed = [] } = uncounted;
  const isHeld = (uid: string): boolean => tracked.has(uid);
  status.succeeded = nonZero((status.succeeded ?? 0) + succeeded.filter((uid) => !isHeld(uid)).length);
  status.failed = nonZero((status.failed ?? 0) + failed.filter((uid) => !isHeld(uid)).length);
  setList(uncounted, 'succeeded', succeeded.filter(isHeld));
  setList(uncounted, 'failed', failed.filter(isHeld));
}

function setList(uncounted: V1UncountedTerminatedPods, field: 'succeeded' | 'failed', uids: string[]): void {
  if (uids.length > 0) uncounted[field] = uids;
  else delete uncounted[field];
}

/** The tracked pods whose end is settled; their uids are added to the uncounted ones. */
function chooseReleased(sync: JobSync, uncounted: V1UncountedTerminatedPods): V1Pod[] {
  const { job, ending } = sync;
  const succeeded = [...(uncounted.succeeded ?? [])];
  const failed = [...(uncounted.failed ?? [])];
  const endsInFailure = ending !== undefined && ending.type !== 'SuccessCriteriaMet';
  const pods: V1Pod[] = [];
  for (const pod of [...sync.pods].sort(byIndex)) {
    const uid = pod.metadata?.uid ?? '';
    if (!isTracked(pod) || !mayRelease(sync, pod)) continue;
    pods.push(pod);
    const countsAtAll = !isIndexed(job) || validIndex(pod, job) !== undefined;
    if (pod.status?.phase === 'Succeeded' && !failed.includes(uid)) {
      if (!isIndexed(job) && !succeeded.includes(uid)) succeeded.push(uid);
    } else if ((hasFailed(pod, job) || endsInFailure) && countsAtAll && !failed.includes(uid)) {
      if (judgeFailure(job, pod).action !== 'Ignore') failed.push(uid);
    }
    if (pods.length >= UNCOUNTED_PODS_MAX) break;
  }
  setList(uncounted, 'succeeded', succeeded);
  setList(uncounted, 'failed', failed);
  return pods;
}

function byIndex(left: V1Pod, right: V1Pod): number {
  return (completionIndex(left) ?? -1) - (completionIndex(right) ?? -1);
}

function mayRelease({ job, ending, awaitingReplacement }: JobSync, pod: V1Pod): boolean {
  if (isBeingDeleted(job) || ending !== undefined || pod.status?.phase === 'Succeeded') return true;
  if (!hasFailed(pod, job)) return false;
  // It is what its index's replacement takes the number of failures from.
  const index = completionIndex(pod);
  return index === undefined || awaitingReplacement.get(index)?.metadata?.uid !== pod.metadata?.uid;
}

/** Indexes of pods that are about to be released are done; they are kept before the finalizers go. */
function writeIndexes({ job, status, indexesBefore, failedIndexes }: JobSync, released: readonly V1Pod[]): void {
  const done = released
    .filter((pod) => pod.status?.phase === 'Succeeded')
    .map((pod) => validIndex(pod, job))
    .filter((index) => index !== undefined);
  const completed = indexesBefore.union(IndexSet.of(done));
  status.succeeded = nonZero(completed.size);
  status.completedIndexes = completed.toString() || undefined;
  if (failedIndexes !== undefined) status.failedIndexes = failedIndexes.toString();
}

/** FailureTarget and SuccessCriteriaMet tell of the decision before all pods have ended; what follows is Failed or Complete. */
function noteEnding(sync: JobSync): void {
  const { job, status, ending, nowMs } = sync;
  if (ending?.type === 'FailureTarget') {
    status.conditions = [...(status.conditions ?? []), ending];
    sync.ending = newCondition('Failed', 'True', ending.reason ?? '', ending.message ?? '', nowMs);
  } else if (ending?.type === 'SuccessCriteriaMet') {
    if (jobCondition(job, 'SuccessCriteriaMet') === undefined)
      status.conditions = [...(status.conditions ?? []), ending];
    sync.ending = newCondition('Complete', 'True', ending.reason ?? '', ending.message ?? '', nowMs);
  }
}

function writeCounts({ status, counts }: JobSync): void {
  status.active = nonZero(counts.active);
  status.ready = counts.ready;
  status.terminating = counts.terminating;
}

/** Ends the Job once every pod is counted and has ended. */
function finish(sync: JobSync, uncounted: V1UncountedTerminatedPods): boolean {
  const { status, ending, counts } = sync;
  if (ending === undefined || counts.terminating > 0) return false;
  if ((uncounted.succeeded ?? []).length + (uncounted.failed ?? []).length > 0) return false;
  status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== ending.type), ending];
  if (ending.type === 'Complete') status.completionTime = ending.lastTransitionTime;
  return true;
}

/** Writes the draft; it stays what further changes are made to, at the version written. */
async function writeDraft(sync: JobSync): Promise<V1JobStatus | undefined> {
  const { job, status } = sync;
  const written: V1Job = await sync.context.client.updateStatus(jobs, { ...job, status });
  job.metadata = written.metadata;
  return structuredClone(status);
}

async function recordFinished({ context, job, status, ending }: JobSync): Promise<void> {
  if (ending?.type !== 'Complete') {
    return context.events.warning(job, ending?.reason ?? '', ending?.message ?? '');
  }
  if (job.spec?.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions) {
    const message = 'Too many succeeded pods running after completion count reached';
    await context.events.warning(job, 'TooManySucceededPods', message);
  }
  await context.events.normal(job, 'Completed', 'Job completed');
}
