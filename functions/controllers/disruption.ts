import type { KubernetesObject, OwnerReference } from '../../lib/api/meta.js';
import { parseApiVersion } from '../../lib/api/meta.js';
import { isApiError } from '../../lib/api/errors.js';
import { keyOf, parseKey } from '../../lib/client/client.js';
import {
  deployments,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import type {
  V1Condition,
  V1Pod,
  V1PodDisruptionBudget,
  V1PodDisruptionBudgetStatus,
} from '../../lib/schema/generated/types.js';
import {
  watch,
  watchSelf,
  type Controller,
  type ControllerContext,
  type Lookup,
  type ObjectChange,
  type Outcome,
} from '../../lib/work/controller.js';
import { semanticEqual } from './shared/hash.js';
import { scaledValue } from './shared/int-or-percent.js';
import { matchesLabelSelector } from '../../lib/api/label-selector-match.js';
import { controllerOf, isBeingDeleted } from './shared/owners.js';
import { errorMessage } from './shared/pod-control.js';
import { isPodReady, podEssence } from './shared/pods.js';

/** How long an evicted pod may take until its deletion shows; after that it counts as healthy again. */
const DELETION_TIMEOUT_MS = 120_000;

/** Keeps the status of PodDisruptionBudgets, from which evictions take what they may. */
export const disruptionController: Controller = {
  name: 'disruption',
  watches: [watchSelf(podDisruptionBudgets), watch(pods, budgetsOfPod), ...scaleWatches()],
  reconcile: reconcileBudget,
};

function selects(budget: V1PodDisruptionBudget, pod: V1Pod | undefined): boolean {
  return pod !== undefined && matchesLabelSelector(budget.spec?.selector, pod.metadata?.labels);
}

/** The budgets that select the pod before or after the change. */
async function budgetsOfPod({ object, previous }: ObjectChange<V1Pod>, lookup: Lookup): Promise<string[]> {
  const essence = (pod: V1Pod): unknown => [
    podEssence(pod),
    pod.metadata?.labels,
    pod.metadata?.ownerReferences,
    pod.metadata?.deletionTimestamp,
  ];
  if (previous !== undefined && semanticEqual(essence(object), essence(previous))) return [];
  const view = await lookup.view(podDisruptionBudgets);
  return view
    .list(object.metadata?.namespace)
    .filter((budget) => selects(budget, object) || selects(budget, previous))
    .map(keyOf);
}

/** How many pods a budget expects depends on the scale of their controllers. */
function scaleWatches(): ReturnType<typeof watch>[] {
  return [deployments, replicaSets, statefulSets, replicationControllers].map((resource) =>
    watch<KubernetesObject & { spec?: { replicas?: number } }>(resource, async ({ type, object, previous }, lookup) => {
      if (type !== 'updated' || object.spec?.replicas === previous?.spec?.replicas) return [];
      const view = await lookup.view(podDisruptionBudgets);
      return view.list(object.metadata?.namespace).map(keyOf);
    }),
  );
}

async function reconcileBudget(key: string, context: ControllerContext): Promise<Outcome> {
  const { namespace, name } = parseKey(key);
  const budget = (await context.view(podDisruptionBudgets)).get(namespace, name);
  if (budget === undefined) return;
  try {
    return await syncBudget(context, budget);
  } catch (error) {
    if (isApiError(error, 'Conflict')) throw error;
    // When the count is not known, nothing may be disrupted.
    const observed = budget.status?.observedGeneration;
    const status: V1PodDisruptionBudgetStatus = {
      ...budget.status,
      currentHealthy: budget.status?.currentHealthy ?? 0,
      desiredHealthy: budget.status?.desiredHealthy ?? 0,
      expectedPods: budget.status?.expectedPods ?? 0,
      disruptionsAllowed: 0,
      conditions: withAllowed(budget, 'False', 'SyncFailed', errorMessage(error), observed, context.clock.now()),
    };
    if (!semanticEqual(status, budget.status)) {
      await context.client.updateStatus(podDisruptionBudgets, { ...budget, status });
    }
  }
}

async function syncBudget(context: ControllerContext, budget: V1PodDisruptionBudget): Promise<Outcome> {
  const nowMs = context.clock.now();
  const view = await context.view(pods);
  const selected = view.list(budget.metadata?.namespace).filter((pod) => selects(budget, pod));
  if (selected.length === 0) await context.events.normal(budget, 'NoPods', 'No matching pods found');
  let expectation: Expectation;
  try {
    expectation = await expectPods(context, budget, selected);
  } catch (error) {
    const message = `Failed to calculate the number of expected pods: ${errorMessage(error)}`;
    await context.events.warning(budget, 'CalculateExpectedPodCountFailed', message);
    throw error;
  }
  if (expectation.unmanaged > 0) {
    const message =
      `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec?.selector)}) were found to be ` +
      'unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
      'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';
    await context.events.warning(budget, 'UnmanagedPods', message);
  }
  const disrupted = await keepDisrupted(context, budget, selected, nowMs);
  const status = budgetStatus(budget, selected, expectation, disrupted.pods, nowMs);
  if (!semanticEqual(status, budget.status)) {
    await context.client.updateStatus(podDisruptionBudgets, { ...budget, status });
  }
  return disrupted.recheckMs === undefined ? undefined : { requeueAfterMs: disrupted.recheckMs };
}

export interface Expectation {
  /** Pods there should be. */
  readonly expected: number;
  /** Of them this many must be healthy. */
  readonly desiredHealthy: number;
  /** Selected pods that no controller stands for. */
  readonly unmanaged: number;
}

async function expectPods(
  context: ControllerContext,
  budget: V1PodDisruptionBudget,
  selected: readonly V1Pod[],
): Promise<Expectation> {
  const { maxUnavailable, minAvailable } = budget.spec ?? {};
  if (maxUnavailable !== undefined) {
    const { expected, unmanaged } = await expectedScale(context, selected);
    return { expected, unmanaged, desiredHealthy: Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up')) };
  }
  if (typeof minAvailable === 'number') {
    return { expected: selected.length, desiredHealthy: minAvailable, unmanaged: 0 };
  }
  if (minAvailable === undefined) return { expected: 0, desiredHealthy: 0, unmanaged: 0 };
  const { expected, unmanaged } = await expectedScale(context, selected);
  return { expected, unmanaged, desiredHealthy: scaledValue(minAvailable, expected, 'up') };
}

/** The sum of the scales of all controllers that the pods belong to. */
async function expectedScale(
  context: ControllerContext,
  selected: readonly V1Pod[],
): Promise<{ expected: number; unmanaged: number }> {
  const scales = new Map<string, number>();
  const seen = new Set<string>();
  let unmanaged = 0;
  for (const pod of selected) {
    const reference = controllerOf(pod);
    if (reference === undefined) {
      unmanaged++;
      continue;
    }
    if (seen.has(reference.uid)) continue;
    const scale = await scaleOf(context, pod.metadata?.namespace, reference);
    if (scale === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata?.name)}`);
    seen.add(reference.uid);
    scales.set(scale.uid, scale.replicas);
  }
  return { expected: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
}

interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

/** The scale of a controller; of a Deployment's ReplicaSet the Deployment's. Undefined when it is gone. */
async function scaleOf(
  context: ControllerContext,
  namespace: string | undefined,
  reference: OwnerReference,
): Promise<Scale | undefined> {
  const { group } = parseApiVersion(reference.apiVersion);
  const resources = [
    ['apps', 'ReplicaSet', replicaSets],
    ['apps', 'StatefulSet', statefulSets],
    ['apps', 'Deployment', deployments],
    ['', 'ReplicationController', replicationControllers],
  ] as const;
  const known = resources.find(([one, kind]) => one === group && kind === reference.kind);
  if (known === undefined) {
    throw new Error(`${reference.kind.toLowerCase()}s.${group} does not implement the scale subresource`);
  }
  const owner = (await context.view<KubernetesObject & { spec?: { replicas?: number } }>(known[2])).get(
    namespace,
    reference.name,
  );
  if (owner === undefined || owner.metadata?.uid !== reference.uid) return undefined;
  const parent = controllerOf(owner);
  if (known[1] === 'ReplicaSet' && parent?.kind === 'Deployment') return scaleOf(context, namespace, parent);
  return { uid: reference.uid, replicas: owner.spec?.replicas ?? 1 };
}

/** The pods whose eviction was granted and whose deletion does not show yet, until the time for that is over. */
async function keepDisrupted(
  context: ControllerContext,
  budget: V1PodDisruptionBudget,
  selected: readonly V1Pod[],
  nowMs: number,
): Promise<{ pods: Record<string, string>; recheckMs?: number }> {
  const kept: Record<string, string> = {};
  let recheckMs: number | undefined;
  for (const pod of selected) {
    const name = pod.metadata?.name ?? '';
    const since = budget.status?.disruptedPods?.[name];
    if (since === undefined || isBeingDeleted(pod)) continue;
    const waitMs = Date.parse(since) + DELETION_TIMEOUT_MS - nowMs;
    if (waitMs < 0) {
      const message = `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't`;
      await context.events.warning(pod, 'NotDeleted', message);
      continue;
    }
    kept[name] = since;
    // A millisecond later the time is over.
    recheckMs = Math.min(recheckMs ?? Infinity, waitMs + 1);
  }
  return { pods: kept, recheckMs };
}

/** Pure: healthy pods above those that must be healthy may be disrupted. */
export function budgetStatus(
  budget: V1PodDisruptionBudget,
  selected: readonly V1Pod[],
  { expected, desiredHealthy }: Expectation,
  disrupted: Readonly<Record<string, string>>,
  nowMs: number,
): V1PodDisruptionBudgetStatus {
  const currentHealthy = selected.filter(
    (pod) => isPodReady(pod) && !isBeingDeleted(pod) && disrupted[pod.metadata?.name ?? ''] === undefined,
  ).length;
  const allowed = expected > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const { generation } = budget.metadata ?? {};
  return {
    currentHealthy,
    desiredHealthy,
    expectedPods: expected,
    disruptionsAllowed: allowed,
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: { ...disrupted } }),
    observedGeneration: generation,
    conditions:
      allowed > 0
        ? withAllowed(budget, 'True', 'SufficientPods', '', generation, nowMs)
        : withAllowed(budget, 'False', 'InsufficientPods', '', generation, nowMs),
  };
}

/** The conditions with DisruptionAllowed as given; its transition time changes only with its status. */
function withAllowed(
  budget: V1PodDisruptionBudget,
  status: 'True' | 'False',
  reason: string,
  message: string,
  observedGeneration: number | undefined,
  nowMs: number,
): V1Condition[] {
  const conditions = budget.status?.conditions ?? [];
  const present = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const condition: V1Condition = {
    type: 'DisruptionAllowed',
    status,
    reason,
    message,
    observedGeneration,
    lastTransitionTime: present?.status === status ? present.lastTransitionTime : formatTime(nowMs),
  };
  if (present === undefined) return [...conditions, condition];
  return conditions.map((one) => (one === present ? condition : one));
}
