import { jobs } from '../../../lib/client/resources.js';
import type { V1Container, V1Job, V1Pod } from '../../../lib/schema/generated/types.js';
import { controllerReference, isBeingDeleted } from '../shared/owners.js';
import { GENERATED_NAME_PREFIX_LENGTH_MAX, podFromTemplate } from '../shared/pod-control.js';
import { podCondition } from '../shared/pods.js';

/** Facts about a Job and its pods, and how its pods are made. */

/** Holds a pod until the Job has counted how it ended. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
export const COMPLETION_INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index';
export const INDEX_FAILURES_ANNOTATION = 'batch.kubernetes.io/job-index-failure-count';
export const INDEX_IGNORED_FAILURES_ANNOTATION = 'batch.kubernetes.io/job-index-ignored-failure-count';
export const JOB_NAME_LABELS = ['batch.kubernetes.io/job-name', 'job-name'] as const;

const COMPLETION_INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';
const INT32_MAX = 2 ** 31 - 1;

export function isIndexed(job: V1Job): boolean {
  return job.spec?.completionMode === 'Indexed';
}

export function isSuspended(job: V1Job): boolean {
  return job.spec?.suspend === true;
}

export function parallelismOf(job: V1Job): number {
  return job.spec?.parallelism ?? 1;
}

export function completionsOf(job: V1Job): number {
  return job.spec?.completions ?? 1;
}

/** Pods being deleted are not replaced before they have ended. */
export function replacesOnlyFailed(job: V1Job): boolean {
  return job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined;
}

/** Failed, or being deleted without having succeeded, unless the Job waits for such pods to end. */
export function hasFailed(pod: V1Pod, job: V1Job): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && isBeingDeleted(pod) && pod.status?.phase !== 'Succeeded';
}

export function isTracked(pod: V1Pod): boolean {
  return pod.metadata?.finalizers?.includes(TRACKING_FINALIZER) ?? false;
}

/** The completion index of a pod of an indexed Job; undefined when it has none. */
export function completionIndex(pod: V1Pod): number | undefined {
  const text = pod.metadata?.annotations?.[COMPLETION_INDEX_ANNOTATION];
  return text !== undefined && /^\+?\d+$/.test(text) ? Number(text) : undefined;
}

/** The same, but undefined also for an index above the Job's completions. */
export function validIndex(pod: V1Pod, job: V1Job): number | undefined {
  const index = completionIndex(pod);
  return index !== undefined && index < completionsOf(job) ? index : undefined;
}

export function failureCount(pod: V1Pod, annotation: string): number {
  const count = Number(pod.metadata?.annotations?.[annotation] ?? 0);
  return Number.isInteger(count) && count >= 0 && count <= INT32_MAX ? count : 0;
}

/**
 * When the pod ended: when its last container did, else when it ceased to be ready, else when its deletion was asked for,
 * else when it was created.
 */
export function finishedMs(pod: V1Pod): number {
  const containers = containersFinishedMs(pod);
  if (containers !== undefined) return containers;
  const ready = podCondition(pod, 'Ready');
  if (ready?.status === 'False' && ready.lastTransitionTime !== undefined) return Date.parse(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp = '' } = pod.metadata ?? {};
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp);
}

function containersFinishedMs(pod: V1Pod): number | undefined {
  const sidecars = new Set(
    (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ];
  let latest: number | undefined;
  for (const { state } of statuses) {
    const finishedAt = state?.terminated?.finishedAt;
    if (!finishedAt) return undefined;
    latest = Math.max(latest ?? 0, Date.parse(finishedAt));
  }
  return latest;
}

/** A pod of the Job, tracked by a finalizer. */
export function newJobPod(job: V1Job): V1Pod {
  const pod = podFromTemplate(job.spec?.template, job, controllerReference(jobs, job));
  const finalizers = (pod.metadata?.finalizers ?? []).filter((finalizer) => finalizer !== TRACKING_FINALIZER);
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...finalizers, TRACKING_FINALIZER] } };
}

/** The pod of an indexed Job that works on one index: it knows it from an annotation, a label, its host name and a variable. */
export function newIndexedPod(job: V1Job, index: number, failures: Readonly<Record<string, string>>): V1Pod {
  const pod = newJobPod(job);
  const { name = '' } = job.metadata ?? {};
  const suffix = `-${index}-`;
  const value = { [COMPLETION_INDEX_ANNOTATION]: String(index) };
  return {
    metadata: {
      ...pod.metadata,
      generateName: name.slice(0, GENERATED_NAME_PREFIX_LENGTH_MAX - suffix.length) + suffix,
      annotations: { ...pod.metadata?.annotations, ...value, ...failures },
      labels: { ...pod.metadata?.labels, ...value },
    },
    spec: {
      ...pod.spec,
      hostname: `${name}-${index}`,
      containers: (pod.spec?.containers ?? []).map(withIndexVariable),
      initContainers: pod.spec?.initContainers?.map(withIndexVariable),
    },
  };
}

function withIndexVariable(container: V1Container): V1Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === COMPLETION_INDEX_VARIABLE)) return container;
  const fieldPath = `metadata.labels['${COMPLETION_INDEX_ANNOTATION}']`;
  return { ...container, env: [...env, { name: COMPLETION_INDEX_VARIABLE, valueFrom: { fieldRef: { fieldPath } } }] };
}
