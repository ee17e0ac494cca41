import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { isBeingDeleted } from '../shared/owners.js';
import { isPodAvailable } from '../shared/pods.js';
import { eligibility } from './nodes.js';
import { isUpdated, surgeCount, unavailableCount, type Situation } from './placement.js';

/** What one step of a rolling update creates and removes. */
export interface UpdateStep {
  create: string[];
  remove: V1Pod[];
}

/** A node's living pods: at most one of the present template and one of an older, or else it is still being cleaned up. */
interface NodePods {
  readonly node: string;
  readonly updated?: V1Pod;
  readonly old?: V1Pod;
  readonly unclear: boolean;
}

/** Pure: replaces old pods as far as maxUnavailable, or with maxSurge new ones beside them, allows. */
export function rollingUpdate(situation: Situation): UpdateStep {
  const { daemonSet, nodes, podsByNode } = situation;
  const wanted = nodes
    .filter((node) => eligibility(daemonSet, node).shouldRun)
    .map(({ metadata }) => metadata?.name ?? '');
  const desired = wanted.length;
  const surge = surgeCount(daemonSet, desired);
  let unavailable = unavailableCount(daemonSet, desired);
  // Neither surge nor a gap would stop every update.
  if (desired > 0 && surge === 0 && unavailable === 0) unavailable = 1;
  const places = [...new Set([...podsByNode.keys(), ...wanted])].map((node) => podsOnNode(situation, node));
  return surge === 0
    ? replaceInPlace(situation, places, unavailable)
    : replaceBySurge(situation, places, surge, wanted);
}

function podsOnNode({ daemonSet, podsByNode, hash }: Situation, node: string): NodePods {
  const alive = (podsByNode.get(node) ?? []).filter((pod) => !isBeingDeleted(pod));
  const updated = alive.filter((pod) => isUpdated(daemonSet, pod, hash));
  const old = alive.filter((pod) => !isUpdated(daemonSet, pod, hash));
  return { node, updated: updated[0], old: old[0], unclear: updated.length > 1 || old.length > 1 };
}

/** Old pods that are not available go at once; of the others as many as may be missing. */
function replaceInPlace(situation: Situation, places: readonly NodePods[], maxUnavailable: number): UpdateStep {
  const isAvailable = availability(situation);
  const broken: V1Pod[] = [];
  const candidates: V1Pod[] = [];
  let unavailable = 0;
  for (const { updated, old, unclear } of places) {
    if (unclear || (updated === undefined) === (old === undefined)) unavailable++;
    else if (updated !== undefined) unavailable += isAvailable(updated) ? 0 : 1;
    else if (old !== undefined && isAvailable(old)) candidates.push(old);
    else if (old !== undefined) {
      broken.push(old);
      unavailable++;
    }
  }
  return { create: [], remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

/** New pods are made beside old ones, which go when the new ones are available. */
function replaceBySurge(
  situation: Situation,
  places: readonly NodePods[],
  maxSurge: number,
  wanted: readonly string[],
): UpdateStep {
  const isAvailable = availability(situation);
  const eligible = new Set(wanted);
  const step: UpdateStep = { create: [], remove: [] };
  const candidates: string[] = [];
  const strays: V1Pod[] = [];
  let surging = 0;
  let available = 0;
  for (const { node, updated, old, unclear } of places) {
    if (unclear) {
      surging++;
      continue;
    }
    const serving = old ?? updated;
    if (serving !== undefined && isAvailable(serving)) available++;
    if (old === undefined) continue;
    if (updated !== undefined) {
      if (isAvailable(updated)) step.remove.push(old);
      else surging++;
    } else if (!eligible.has(node)) {
      (isAvailable(old) ? strays : step.remove).push(old);
    } else if (isAvailable(old)) {
      candidates.push(node);
    } else {
      step.create.push(node);
    }
  }
  step.create.push(...candidates.slice(0, Math.max(0, maxSurge - surging)));
  // Old pods on nodes that should have none serve until enough others do.
  step.remove.push(...strays.slice(0, Math.max(0, available - wanted.length)));
  return step;
}

function availability({ daemonSet, nowMs }: Situation): (pod: V1Pod) => boolean {
  return (pod) => isPodAvailable(pod, daemonSet.spec?.minReadySeconds, nowMs);
}
