import type { V1DaemonSet, V1Node, V1Pod } from '../../../lib/schema/generated/types.js';
import { scaledValue } from '../shared/int-or-percent.js';
import { byCreation, isBeingDeleted } from '../shared/owners.js';
import { isPodAvailable, isPodReady, isPodTerminal } from '../shared/pods.js';
import { REVISION_HASH_LABEL } from '../shared/revisions.js';
import { eligibility, targetNode } from './nodes.js';

/** Pure decisions: which nodes get a pod and which pods go. */

/**
 * A failed pod is replaced when it is at least this old, so that one that fails at once is not made again and again
 * without a pause.
 */
export const FAILED_POD_AGE_MIN_MS = 5000;

const TEMPLATE_GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';
export const TEMPLATE_GENERATION_LABEL = 'pod-template-generation';

/** What the decisions are made from. */
export interface Situation {
  readonly daemonSet: V1DaemonSet;
  readonly nodes: readonly V1Node[];
  /** The set's pods by the node they are on or meant for. */
  readonly podsByNode: ReadonlyMap<string, readonly V1Pod[]>;
  /** The hash of the present template's revision. */
  readonly hash: string;
  readonly nowMs: number;
}

export interface Changes {
  /** Names of nodes that get a pod. */
  create: string[];
  remove: V1Pod[];
  /** Finished pods among those to remove: each is worth an event. */
  finished: V1Pod[];
  /** When a failed pod becomes old enough to be replaced. */
  retryAfterMs?: number;
}

/** Groups the pods by node. What has finished and is being deleted no longer takes a place. */
export function groupByNode(pods: readonly V1Pod[]): Map<string, V1Pod[]> {
  const byNode = new Map<string, V1Pod[]>();
  for (const pod of pods) {
    if (isPodTerminal(pod) && isBeingDeleted(pod)) continue;
    const node = targetNode(pod);
    if (node === undefined) continue;
    const group = byNode.get(node);
    if (group === undefined) byNode.set(node, [pod]);
    else group.push(pod);
  }
  return byNode;
}

/** One pod on each eligible node, none elsewhere. */
export function placePods(situation: Situation): Changes {
  const changes: Changes = { create: [], remove: [], finished: [] };
  const known = new Set<string>();
  for (const node of situation.nodes) {
    const name = node.metadata?.name ?? '';
    known.add(name);
    placeOnNode(situation, node, situation.podsByNode.get(name), changes);
  }
  // The scheduler never binds a pod to a node that is gone; what ran there is the pod garbage collector's.
  for (const [name, pods] of situation.podsByNode) {
    if (!known.has(name)) changes.remove.push(...pods.filter(({ spec }) => !spec?.nodeName));
  }
  return changes;
}

function placeOnNode(situation: Situation, node: V1Node, pods: readonly V1Pod[] | undefined, changes: Changes): void {
  const { daemonSet } = situation;
  const { shouldRun, mayStay } = eligibility(daemonSet, node);
  const name = node.metadata?.name ?? '';
  if (pods === undefined) {
    if (shouldRun) changes.create.push(name);
    return;
  }
  const alive = pods.filter((pod) => !isBeingDeleted(pod));
  if (!mayStay) {
    changes.remove.push(...alive);
    return;
  }
  const running = alive.filter((pod) => !replaceFinished(situation, pod, changes)).sort(byAssignmentAndAge);
  if (!allowsSurge(daemonSet)) {
    changes.remove.push(...running.slice(1));
    return;
  }
  if (running.length === 0 && shouldRun) changes.create.push(name);
  if (running.length > 1) changes.remove.push(...surplusDuringSurge(situation, running));
}

/** True for a finished pod, which does not count as running. */
function replaceFinished({ nowMs }: Situation, pod: V1Pod, changes: Changes): boolean {
  if (!isPodTerminal(pod)) return false;
  const waitMs =
    pod.status?.phase === 'Failed'
      ? Date.parse(pod.metadata?.creationTimestamp ?? '') + FAILED_POD_AGE_MIN_MS - nowMs
      : 0;
  if (waitMs > 0) {
    changes.retryAfterMs = Math.min(changes.retryAfterMs ?? Infinity, waitMs);
  } else {
    changes.finished.push(pod);
    changes.remove.push(pod);
  }
  return true;
}

/** Of the new and of the old pods the oldest stay; the old one goes once it is not ready or the new one is available. */
function surplusDuringSurge(situation: Situation, running: readonly V1Pod[]): V1Pod[] {
  const { daemonSet, hash, nowMs } = situation;
  const isNew = (pod: V1Pod): boolean => pod.metadata?.labels?.[REVISION_HASH_LABEL] === hash;
  const newest = running.find(isNew);
  const oldest = running.find((pod) => !isNew(pod));
  const surplus = running.filter((pod) => pod !== newest && pod !== oldest);
  if (newest !== undefined && oldest !== undefined) {
    const replaced = isPodAvailable(newest, daemonSet.spec?.minReadySeconds, nowMs);
    if (!isPodReady(oldest) || replaced) surplus.push(oldest);
  }
  return surplus;
}

/** Those on a node first, then the older. */
export function byAssignmentAndAge(left: V1Pod, right: V1Pod): number {
  const [leftAssigned, rightAssigned] = [Boolean(left.spec?.nodeName), Boolean(right.spec?.nodeName)];
  if (leftAssigned !== rightAssigned) return leftAssigned ? -1 : 1;
  return byCreation(left, right);
}

/** Whether the pod is of the present template, by hash or by the generation that older clients count. */
export function isUpdated(daemonSet: V1DaemonSet, pod: V1Pod, hash: string): boolean {
  const labels = pod.metadata?.labels ?? {};
  const generation = templateGeneration(daemonSet);
  return (
    labels[REVISION_HASH_LABEL] === hash ||
    (generation !== undefined && labels[TEMPLATE_GENERATION_LABEL] === generation)
  );
}

export function templateGeneration(daemonSet: V1DaemonSet): string | undefined {
  const text = daemonSet.metadata?.annotations?.[TEMPLATE_GENERATION_ANNOTATION];
  return text !== undefined && /^-?\d+$/.test(text) ? text : undefined;
}

export function allowsSurge(daemonSet: V1DaemonSet): boolean {
  return surgeCount(daemonSet, 1) > 0;
}

/** How many nodes may have an old and a new pod at once. */
export function surgeCount(daemonSet: V1DaemonSet, desired: number): number {
  const { type, rollingUpdate } = daemonSet.spec?.updateStrategy ?? {};
  return type === 'OnDelete' ? 0 : scaledValue(rollingUpdate?.maxSurge ?? 0, desired, 'up');
}

/** How many nodes may be without an available pod. */
export function unavailableCount(daemonSet: V1DaemonSet, desired: number): number {
  const { type, rollingUpdate } = daemonSet.spec?.updateStrategy ?? {};
  return type === 'OnDelete' ? 0 : scaledValue(rollingUpdate?.maxUnavailable ?? 1, desired, 'up');
}
