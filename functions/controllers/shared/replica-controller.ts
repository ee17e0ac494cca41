import type { KubernetesObject } from '../../../lib/api/meta.js';
import { parseKey } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';
import { pods } from '../../../lib/client/resources.js';
import type { View } from '../../../lib/client/replica.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Pod, V1PodTemplateSpec, V1ReplicaSetCondition } from '../../../lib/schema/generated/types.js';
import { watchSelf, type Controller, type ControllerContext, type Outcome } from '../../../lib/work/controller.js';
import { claimChildren, watchChildren } from './claim.js';
import { semanticEqual } from './hash.js';
import { matchesLabels } from '../../../lib/api/label-selector-match.js';
import { controllerOf, controllerReference, isBeingDeleted, isControlledBy } from './owners.js';
import { createPod, deletePod, errorMessage, podFromTemplate } from './pod-control.js';
import { comparePodsToDelete } from './pod-ranking.js';
import { isPodActive, isPodAvailable, isPodReady, isPodTerminating, nextAvailabilityMs, podEssence } from './pods.js';
import { allOrFirstError, slowStart } from './slow-start.js';
import { nonZero, writeStatus } from './status.js';

/** Pods created or deleted in one reconcile. */
export const BURST_REPLICAS_MAX = 500;

/** What a ReplicaSet and a ReplicationController have in common. */
export interface ReplicaOwner extends KubernetesObject {
  spec?: { replicas?: number; minReadySeconds?: number; template?: V1PodTemplateSpec };
  status?: ReplicaStatus;
}

export interface ReplicaStatus {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
  conditions?: V1ReplicaSetCondition[];
}

export interface ReplicaControllerOptions<T extends ReplicaOwner> {
  name: string;
  resource: Resource<T>;
  selects: (owner: T, pod: V1Pod) => boolean;
  /** Whether the status says how many pods are being deleted. */
  countsTerminating: boolean;
}

/** Keeps as many active pods as `spec.replicas` says: the controller of ReplicaSets and ReplicationControllers. */
export function createReplicaController<T extends ReplicaOwner>(options: ReplicaControllerOptions<T>): Controller {
  const { resource, selects } = options;
  return {
    name: options.name,
    watches: [watchSelf(resource), watchChildren({ child: pods, owner: resource, selects, concerns: podEssence })],
    async reconcile(key, context): Promise<Outcome> {
      const { namespace, name } = parseKey(key);
      const owner = (await context.view(resource)).get(namespace, name);
      if (owner === undefined) return;
      const active = await claimChildren(context, {
        owner,
        ownerResource: resource,
        childResource: pods,
        selects: (pod) => selects(owner, pod),
        considers: isPodActive,
      });
      let error: unknown;
      if (!isBeingDeleted(owner)) error = await manageReplicas(context, options, owner, active);

      const nowMs = context.clock.now();
      const terminating = options.countsTerminating
        ? (await context.view(pods))
            .ownedBy(owner.metadata?.uid ?? '')
            .filter((pod) => isControlledBy(pod, owner) && isPodTerminating(pod) && selects(owner, pod)).length
        : undefined;
      const status = replicaStatus(owner, active, terminating, error, nowMs);
      if (!semanticEqual(status, owner.status)) await writeStatus(context, resource, owner, status);
      if (error !== undefined) throw error;
      if (status.readyReplicas === status.availableReplicas) return;
      const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
      return { requeueAfterMs: nextAvailabilityMs(active, minReadySeconds, nowMs) ?? minReadySeconds * 1000 };
    },
  };
}

/** Creates what is missing or deletes what is too much. Returns the error that stopped it: the status tells of it first. */
async function manageReplicas<T extends ReplicaOwner>(
  context: ControllerContext,
  options: ReplicaControllerOptions<T>,
  owner: T,
  active: readonly V1Pod[],
): Promise<unknown> {
  const surplus = active.length - (owner.spec?.replicas ?? 1);
  if (surplus < 0) {
    const reference = controllerReference(options.resource, owner);
    const { error } = await slowStart(Math.min(-surplus, BURST_REPLICAS_MAX), () =>
      createPod(context, owner, podFromTemplate(owner.spec?.template, owner, reference)),
    );
    return error;
  }
  if (surplus === 0) return undefined;
  const siblings = await podsOfSiblings(context, options.resource, owner);
  const victims = choosePodsToDelete(active, siblings, Math.min(surplus, BURST_REPLICAS_MAX), context.clock.now());
  try {
    await allOrFirstError(victims.map((pod) => deletePod(context, owner, pod)));
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The pods of all owners with the same controlling owner, as the ReplicaSets of one Deployment. */
async function podsOfSiblings<T extends ReplicaOwner>(
  context: ControllerContext,
  resource: Resource<T>,
  owner: T,
): Promise<V1Pod[]> {
  const parent = controllerOf(owner);
  if (parent === undefined) return [];
  const [owners, allPods]: [View<T>, View<V1Pod>] = await Promise.all([context.view(resource), context.view(pods)]);
  return owners
    .ownedBy(parent.uid)
    .filter((sibling) => controllerOf(sibling)?.uid === parent.uid)
    .flatMap((sibling) => allPods.ownedBy(sibling.metadata?.uid ?? ''));
}

/** The `count` pods that are missed least. `siblings`: pods of the same workload, which should spread over nodes. */
export function choosePodsToDelete(
  active: readonly V1Pod[],
  siblings: readonly V1Pod[],
  count: number,
  nowMs: number,
): V1Pod[] {
  if (count >= active.length) return [...active];
  const perNode = new Map<string, number>();
  for (const pod of siblings) {
    if (!isPodActive(pod)) continue;
    const node = pod.spec?.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const colocated = (pod: V1Pod): number => perNode.get(pod.spec?.nodeName ?? '') ?? 0;
  return [...active].sort((left, right) => comparePodsToDelete(left, right, { nowMs, colocated })).slice(0, count);
}

/** The status that the active pods give, with the condition ReplicaFailure while pods cannot be created or deleted. */
export function replicaStatus(
  owner: ReplicaOwner,
  active: readonly V1Pod[],
  terminating: number | undefined,
  error: unknown,
  nowMs: number,
): ReplicaStatus {
  const { template, minReadySeconds } = owner.spec ?? {};
  const labels = template?.metadata?.labels;
  const counts = { labeled: 0, ready: 0, available: 0 };
  for (const pod of active) {
    if (matchesLabels(labels, pod.metadata?.labels)) counts.labeled++;
    if (!isPodReady(pod)) continue;
    counts.ready++;
    if (!minReadySeconds || isPodAvailable(pod, minReadySeconds, nowMs)) counts.available++;
  }
  return {
    ...owner.status,
    replicas: active.length,
    fullyLabeledReplicas: nonZero(counts.labeled),
    readyReplicas: nonZero(counts.ready),
    availableReplicas: nonZero(counts.available),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: owner.metadata?.generation,
    conditions: replicaConditions(owner, active.length, error, nowMs),
  };
}

function replicaConditions(
  owner: ReplicaOwner,
  activeCount: number,
  error: unknown,
  nowMs: number,
): V1ReplicaSetCondition[] {
  const conditions = owner.status?.conditions ?? [];
  const failing = conditions.some(({ type }) => type === 'ReplicaFailure');
  if (error === undefined) return failing ? conditions.filter(({ type }) => type !== 'ReplicaFailure') : conditions;
  if (failing) return conditions;
  return [
    ...conditions,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: formatTime(nowMs),
      reason: activeCount < (owner.spec?.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete',
      message: errorMessage(error),
    },
  ];
}
