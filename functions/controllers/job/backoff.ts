import type { V1Job, V1Pod } from '../../../lib/schema/generated/types.js';
import {
  failureCount,
  finishedMs,
  hasFailed,
  INDEX_FAILURES_ANNOTATION,
  INDEX_IGNORED_FAILURES_ANNOTATION,
} from './job-pods.js';

/** How long a failed pod's replacement waits: doubled from the first to the last of these with every failure. */
export const POD_FAILURE_BACKOFF_MIN_MS = 10_000;
export const POD_FAILURE_BACKOFF_MAX_MS = 600_000;

/**
 * What is left of the wait after the failures since the last success. It is counted from the pods that are still there, so
 * that it needs no memory; one that was removed is forgotten.
 */
export function remainingBackoffMs(job: V1Job, pods: readonly V1Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...pods.filter(({ status }) => status?.phase === 'Succeeded').map(finishedMs));
  const failures = pods
    .filter((pod) => hasFailed(pod, job))
    .map(finishedMs)
    .filter((failedMs) => failedMs > lastSuccessMs);
  return remainingMs(failures.length, Math.max(0, ...failures), nowMs);
}

/** The same for the replacement of one failed pod of an index, whose earlier failures the pod carries in annotations. */
export function remainingIndexBackoffMs(replaced: V1Pod | undefined, nowMs: number): number {
  if (replaced === undefined) return 0;
  const failures =
    failureCount(replaced, INDEX_FAILURES_ANNOTATION) + failureCount(replaced, INDEX_IGNORED_FAILURES_ANNOTATION) + 1;
  return remainingMs(failures, finishedMs(replaced), nowMs);
}

function remainingMs(failures: number, lastFailureMs: number, nowMs: number): number {
  if (failures === 0) return 0;
  const backoffMs = Math.min(POD_FAILURE_BACKOFF_MIN_MS * 2 ** (failures - 1), POD_FAILURE_BACKOFF_MAX_MS);
  return Math.max(0, lastFailureMs + backoffMs - nowMs);
}
