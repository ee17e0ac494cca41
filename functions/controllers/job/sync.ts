import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Job, V1JobCondition, V1JobStatus, V1Pod } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { jobCondition } from '../shared/jobs.js';
import { isPodActive, isPodReady, isPodTerminating } from '../shared/pods.js';
import { IndexSet } from './index-set.js';
import {
  completionIndex,
  completionsOf,
  failureCount,
  finishedMs,
  hasFailed,
  INDEX_FAILURES_ANNOTATION,
  INDEX_IGNORED_FAILURES_ANNOTATION,
  isIndexed,
  isSuspended,
  isTracked,
  validIndex,
} from './job-pods.js';
import { judgeFailure, matchSuccessPolicy } from './policies.js';

/** One reconcile of a Job: a draft of its status, its pods, and what follows from them. */
export interface JobSync {
  readonly context: ControllerContext;
  readonly nowMs: number;
  /** A copy that may be changed. */
  readonly job: V1Job;
  readonly status: V1JobStatus;
  readonly pods: readonly V1Pod[];
  readonly active: readonly V1Pod[];
  /** Pods that ended well or badly, those not counted in the status yet included. */
  succeeded: number;
  readonly failed: number;
  /** Of an indexed Job: indexes done by the status, and those done by now. */
  readonly indexesBefore: IndexSet;
  readonly succeededIndexes: IndexSet;
  /** With a back-off limit per index: the indexes that are given up. */
  readonly failedIndexes: IndexSet | undefined;
  /** With a back-off limit per index: the newest failed pod of an index that waits for its replacement. It keeps its finalizer meanwhile. */
  readonly awaitingReplacement: ReadonlyMap<number, V1Pod>;
  /** Counts for the status, kept up to date as pods are made and deleted. */
  counts: { active: number; ready: number; terminating: number };
  /** The condition that ends the Job, or is about to. */
  ending: V1JobCondition | undefined;
  /** When to look again by time alone. */
  readonly waitsMs: number[];
}

export function newCondition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): V1JobCondition {
  const now = formatTime(nowMs);
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}

/** Takes stock. `job` is a copy that may be changed. */
export function beginSync(context: ControllerContext, job: V1Job, pods: readonly V1Pod[]): JobSync {
  const nowMs = context.clock.now();
  const status = (job.status ??= {});
  const uncounted = (status.uncountedTerminatedPods ??= {});
  const active = pods.filter(isPodActive);
  if (status.startTime === undefined && !isSuspended(job)) status.startTime = formatTime(nowMs);

  const isNew = (pod: V1Pod, counted: readonly string[] | undefined): boolean =>
    isTracked(pod) &&
    !(counted ?? []).includes(pod.metadata?.uid ?? '') &&
    (!isIndexed(job) || validIndex(pod, job) !== undefined);
  const newSucceeded = pods.filter((pod) => pod.status?.phase === 'Succeeded' && isNew(pod, uncounted.succeeded));
  const newFailed = pods.filter((pod) => hasFailed(pod, job) && isNew(pod, uncounted.failed));
  const countedFailures = newFailed.filter((pod) => judgeFailure(job, pod).action !== 'Ignore').length;

  const indexesBefore = isIndexed(job) ? IndexSet.parse(status.completedIndexes, completionsOf(job)) : IndexSet.empty;
  const succeededIndexes = indexesBefore.union(indexesOf(job, pods, (pod) => pod.status?.phase === 'Succeeded'));
  const failedIndexes = hasLimitPerIndex(job)
    ? IndexSet.parse(status.failedIndexes, completionsOf(job)).union(
        indexesOf(job, pods, (pod) => givesUpIndex(job, pod)),
      )
    : undefined;
  const sync: JobSync = {
    context,
    nowMs,
    job,
    status,
    pods,
    active,
    succeeded: isIndexed(job)
      ? succeededIndexes.size
      : (status.succeeded ?? 0) + newSucceeded.length + (uncounted.succeeded ?? []).length,
    failed: (status.failed ?? 0) + countedFailures + (uncounted.failed ?? []).length,
    indexesBefore,
    succeededIndexes,
    failedIndexes,
    awaitingReplacement: awaitingReplacement(job, pods, active, succeededIndexes, failedIndexes),
    counts: {
      active: active.length,
      ready: active.filter(isPodReady).length,
      terminating: pods.filter(isPodTerminating).length,
    },
    ending: undefined,
    waitsMs: [],
  };
  sync.ending = findEnding(sync);
  return sync;
}

export function hasLimitPerIndex(job: V1Job): boolean {
  return isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined;
}

/** Indexes of pods that are still tracked and of which `test` holds. */
function indexesOf(job: V1Job, pods: readonly V1Pod[], test: (pod: V1Pod) => boolean): IndexSet {
  if (!isIndexed(job)) return IndexSet.empty;
  const indexes = pods
    .filter((pod) => isTracked(pod) && test(pod))
    .map((pod) => validIndex(pod, job))
    .filter((index) => index !== undefined);
  return IndexSet.of(indexes);
}

function givesUpIndex(job: V1Job, pod: V1Pod): boolean {
  if (!hasFailed(pod, job)) return false;
  const { action } = judgeFailure(job, pod);
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && failureCount(pod, INDEX_FAILURES_ANNOTATION) >= (job.spec?.backoffLimitPerIndex ?? 0);
}

function awaitingReplacement(
  job: V1Job,
  pods: readonly V1Pod[],
  active: readonly V1Pod[],
  succeeded: IndexSet,
  failed: IndexSet | undefined,
): Map<number, V1Pod> {
  const newest = new Map<number, V1Pod>();
  if (failed === undefined) return newest;
  const busy = new Set(active.map(completionIndex));
  const failures = (pod: V1Pod): number =>
    failureCount(pod, INDEX_FAILURES_ANNOTATION) + failureCount(pod, INDEX_IGNORED_FAILURES_ANNOTATION);
  for (const pod of pods) {
    const index = validIndex(pod, job);
    if (index === undefined || !isTracked(pod) || !hasFailed(pod, job)) continue;
    if (succeeded.has(index) || failed.has(index) || busy.has(index)) continue;
    const other = newest.get(index);
    const isNewer = other === undefined || (failures(other) <= failures(pod) && finishedMs(other) <= finishedMs(pod));
    if (isNewer) newest.set(index, pod);
  }
  return newest;
}

/** Why the Job is to end, if it is: what was found before, else a failure, else success by policy. */
function findEnding(sync: JobSync): V1JobCondition | undefined {
  const { job, pods, nowMs } = sync;
  const met = jobCondition(job, 'SuccessCriteriaMet');
  if (met?.status === 'True') return met;
  const target = jobCondition(job, 'FailureTarget');
  if (target?.status === 'True')
    return newCondition('Failed', 'True', target.reason ?? '', target.message ?? '', nowMs);
  const failure = findFailure(sync, pods);
  if (failure !== undefined) return newCondition('FailureTarget', 'True', failure.reason, failure.message, nowMs);
  const matched = isIndexed(job) ? matchSuccessPolicy(job, sync.succeededIndexes) : undefined;
  return matched === undefined
    ? undefined
    : newCondition('SuccessCriteriaMet', 'True', 'SuccessPolicy', matched, nowMs);
}

function findFailure(sync: JobSync, pods: readonly V1Pod[]): { reason: string; message: string } | undefined {
  const { job, nowMs, status } = sync;
  for (const pod of pods) {
    if (job.spec?.podFailurePolicy === undefined || !hasFailed(pod, job)) continue;
    const { action, message } = judgeFailure(job, pod);
    if (action === 'FailJob') return { reason: 'PodFailurePolicy', message };
  }
  if (sync.failed > backoffLimit(job) || restartsExceedLimit(job, pods)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const { activeDeadlineSeconds, maxFailedIndexes } = job.spec ?? {};
  if (activeDeadlineSeconds !== undefined && status.startTime !== undefined && !isSuspended(job)) {
    const leftMs = Date.parse(status.startTime) + activeDeadlineSeconds * 1000 - nowMs;
    if (leftMs <= 0) {
      return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
    }
    sync.waitsMs.push(leftMs);
  }
  const failedIndexes = sync.failedIndexes?.size ?? 0;
  if (maxFailedIndexes !== undefined && failedIndexes > maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return { reason: 'MaxFailedIndexesExceeded', message };
  }
  if (failedIndexes > 0 && failedIndexes + sync.succeededIndexes.size >= completionsOf(job)) {
    return { reason: 'FailedIndexes', message: 'Job has failed indexes' };
  }
  return undefined;
}

/** The API server's default, which depends on whether there is a limit per index, is in the object already. */
function backoffLimit(job: V1Job): number {
  return job.spec?.backoffLimit ?? 6;
}

/** With restartPolicy OnFailure containers fail without their pods: their restarts count. */
function restartsExceedLimit(job: V1Job, pods: readonly V1Pod[]): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += container.restartCount;
    }
  }
  const limit = backoffLimit(job);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
