import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { V1Deployment, V1ReplicaSet } from '../../../lib/schema/generated/types.js';

export const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY_ANNOTATION = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/max-replicas';
export const ROLLBACK_ANNOTATION = 'deprecated.deployment.rollback.to';
export const TEMPLATE_HASH_LABEL = 'pod-template-hash';

/** Annotations of the Deployment's own that its ReplicaSets do not get. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION_ANNOTATION,
  REVISION_HISTORY_ANNOTATION,
  DESIRED_REPLICAS_ANNOTATION,
  MAX_REPLICAS_ANNOTATION,
  ROLLBACK_ANNOTATION,
]);

/** The list of a ReplicaSet's former revisions is at most this long. */
const REVISION_HISTORY_LENGTH_MAX = 2000;

const INT32_MAX = 2 ** 31 - 1;

/** The revision that the annotation says, a 64-bit number; 0 without one, undefined when it is no number. */
export function revisionOf(object: KubernetesObject): bigint | undefined {
  const text = object.metadata?.annotations?.[REVISION_ANNOTATION];
  if (text === undefined) return 0n;
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

/** Newest first; what has no number counts as 0. */
function revisionsOf(replicaSets: readonly V1ReplicaSet[]): bigint[] {
  return replicaSets
    .map((replicaSet) => revisionOf(replicaSet) ?? 0n)
    .sort((left, right) => compareRevisions(right, left));
}

export function compareRevisions(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

export function maxRevision(replicaSets: readonly V1ReplicaSet[]): bigint {
  const [newest = 0n] = revisionsOf(replicaSets);
  return newest > 0n ? newest : 0n;
}

/** The revision before the newest; 0 when there is none. */
export function lastRevision(replicaSets: readonly V1ReplicaSet[]): bigint {
  const [, last = 0n] = revisionsOf(replicaSets);
  return last > 0n ? last : 0n;
}

/** A count that an annotation carries; undefined when it is absent or no such number. */
export function annotationCount(object: KubernetesObject, annotation: string): number | undefined {
  const text = object.metadata?.annotations?.[annotation];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const count = Number(text);
  return count > INT32_MAX ? undefined : count;
}

/**
 * The annotations of the Deployment's current ReplicaSet: the Deployment's own, its revision, and when it had another
 * revision before, that one in its history. A revision never falls.
 */
export function annotationsOfNewReplicaSet(
  deployment: V1Deployment,
  present: Readonly<Record<string, string>>,
  revision: bigint,
): Record<string, string> {
  const annotations = { ...present };
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const former = present[REVISION_ANNOTATION];
  if (former !== undefined && !/^-?\d+$/.test(former)) return annotations;
  if (BigInt(former ?? 0) >= revision) return annotations;
  annotations[REVISION_ANNOTATION] = String(revision);
  if (former === undefined) return annotations;

  const history = (present[REVISION_HISTORY_ANNOTATION] ?? '').split(',').filter((entry) => entry !== '');
  history.push(former);
  while (history.length > 1 && history.join(',').length > REVISION_HISTORY_LENGTH_MAX) history.shift();
  annotations[REVISION_HISTORY_ANNOTATION] = history.join(',');
  return annotations;
}

/** What tells a later scaling which size the rollout had: on every ReplicaSet that is scaled. */
export function sizeAnnotations(desired: number, max: number): Record<string, string> {
  return { [DESIRED_REPLICAS_ANNOTATION]: String(desired), [MAX_REPLICAS_ANNOTATION]: String(max) };
}

/** The Deployment's annotations after a rollback: its own bookkeeping, and else those of the ReplicaSet. */
export function annotationsAfterRollback(deployment: V1Deployment, target: V1ReplicaSet): Record<string, string> {
  const kept = Object.entries(deployment.metadata?.annotations ?? {}).filter(([key]) => NOT_COPIED.has(key));
  const restored = Object.entries(target.metadata?.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  return Object.fromEntries([...kept, ...restored]);
}
