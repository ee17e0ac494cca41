import { ApiError, badRequest, forbiddenError, internalError, tooManyRequests } from '../../../lib/api/errors.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1Eviction, V1Pod, V1PodDisruptionBudget } from '../../../lib/schema/generated/types.js';
import { deleteObject } from '../registry/delete.js';
import { checkedDeleteOptions, type DeleteOptions } from '../registry/delete-options.js';
import { checkDeletePreconditions } from '../registry/preconditions.js';
import { notFoundError } from '../../../lib/api/errors.js';
import { createdStatus } from '../registry/respond.js';
import { rewriteObject } from '../registry/rewrite.js';
import type { SubresourceHandler, SubresourceRequest } from '../registry/subresource.js';
import { selectorMatches } from '../resources/shared/label-selector-match.js';
import { isReady, setPodCondition } from './pod-conditions.js';

const PODS = { group: '', plural: 'pods' };
const BUDGETS = { group: 'policy', plural: 'poddisruptionbudgets' };

/** Evictions that a budget's controller has not confirmed yet, at most; as in Kubernetes. */
const DISRUPTED_PODS_MAX = 2_000;
/** How long a client waits for a budget that its controller has not looked at yet. */
const BUDGET_BEHIND_RETRY_SECONDS = 10;

/** POST pods/NAME/eviction: a delete that asks the pod's disruption budget first. */
export const evictionHandler: SubresourceHandler = {
  async create(request) {
    const { registry, namespace, name } = request;
    const eviction = request.body as V1Eviction;
    const givenName = eviction.metadata?.name ?? '';
    if (givenName !== '' && givenName !== name) {
      throw badRequest('name in URL does not match name in Eviction object');
    }
    const asked = checkedDeleteOptions(eviction.deleteOptions ?? {});
    const options = { ...asked, dryRun: asked.dryRun || request.options.dryRun };
    const pod = await registry.objects.get<V1Pod & { metadata: { name: string } }>(PODS, namespace, name);
    if (pod === undefined) throw notFoundError({ group: '', resource: 'pods' }, name);
    if (!needsNoBudget(pod)) await askBudget(request, pod, options.dryRun);
    await evict(request, pod, options);
    return createdStatus();
  },
};

/** Pods that do not run, or that go anyway, disrupt nothing. */
function needsNoBudget(pod: V1Pod): boolean {
  const phase = pod.status?.phase;
  return (
    phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata?.deletionTimestamp !== undefined
  );
}

async function askBudget(request: SubresourceRequest, pod: V1Pod, dryRun: boolean): Promise<void> {
  const { registry, namespace, name } = request;
  const budgets = await registry.objects.list<V1PodDisruptionBudget & { metadata: object }>(BUDGETS, namespace);
  const matching = budgets.filter(({ spec }) => selectorMatches(spec?.selector, pod.metadata?.labels));
  const [budget] = matching;
  if (budget === undefined) return;
  if (matching.length > 1) {
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  if (!isReady(pod) && allowsUnhealthy(budget)) return;
  const resource = registry.catalog.stored(BUDGETS.group, BUDGETS.plural);
  if (resource === undefined) return;
  const target = { namespace, name: budget.metadata?.name ?? '', dryRun };
  await rewriteObject(registry, resource, target, (object) =>
    takeDisruption(object as V1PodDisruptionBudget, name, registry.clock),
  );
}

/** A pod that is not ready may go when the budget says so, or when enough others are. */
function allowsUnhealthy({ spec, status }: V1PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Takes one of the allowed disruptions for the pod. */
function takeDisruption(budget: V1PodDisruptionBudget, podName: string, clock: Clock): void {
  const status = (budget.status ??= { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 });
  const name = budget.metadata?.name ?? '';
  const target = { group: BUDGETS.group, resource: 'poddisruptionbudget' };
  if ((status.observedGeneration ?? 0) < (budget.metadata?.generation ?? 0)) {
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, BUDGET_BEHIND_RETRY_SECONDS);
  }
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw forbiddenError(target, name, 'pdb disruptions allowed is negative');
  const disrupted = (status.disruptedPods ??= {}) as Record<string, unknown>;
  if (Object.keys(disrupted).length > DISRUPTED_PODS_MAX) {
    throw forbiddenError(
      target,
      name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    );
  }
  if (allowed === 0) {
    throw refusal(
      `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
      0,
    );
  }
  status.disruptionsAllowed = allowed - 1;
  disrupted[podName] = formatTime(clock.now());
  if (allowed === 1) markExhausted(budget, clock.now());
}

function markExhausted(budget: V1PodDisruptionBudget, nowMs: number): void {
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    observedGeneration: budget.status?.observedGeneration,
    lastTransitionTime: formatTime(nowMs),
  };
  const others = (budget.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
  if (budget.status !== undefined) budget.status.conditions = [...others, condition];
}

function refusal(cause: string, retryAfterSeconds: number): ApiError {
  const { status } = tooManyRequests(
    "Cannot evict pod as it would violate the pod's disruption budget.",
    retryAfterSeconds,
  );
  const details = retryAfterSeconds === 0 ? {} : { retryAfterSeconds };
  return new ApiError({
    ...status,
    details: { ...details, causes: [{ reason: 'DisruptionBudget', message: cause }] },
  });
}

/** Says on the pod why it goes, then deletes it. */
async function evict(request: SubresourceRequest, pod: V1Pod, options: DeleteOptions): Promise<void> {
  const { registry, call, namespace, name } = request;
  const pods = registry.catalog.storage(call.resource);
  const uid = options.uid === '' ? (pod.metadata?.uid ?? '') : options.uid;
  if (pod.metadata?.deletionTimestamp === undefined && !options.dryRun && options.resourceVersion === '') {
    await rewriteObject(registry, pods, { namespace, name, dryRun: false }, (object) => {
      // Another pod of that name may have come: it is not the one to go, and must not be told so.
      checkDeletePreconditions(pods, object.metadata, { uid });
      setPodCondition(
        object as V1Pod,
        {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'EvictionByEvictionAPI',
          message: 'Eviction API: evicting',
          observedGeneration: object.metadata.generation,
        },
        registry.clock.now(),
      );
    });
  }
  await deleteObject(registry, call, name, { ...options, uid });
}
