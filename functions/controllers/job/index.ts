import { formatTime } from '../../../lib/clock/clock.js';
import { keyOf, parseKey, refOf, type ObjectRef } from '../../../lib/client/client.js';
import { jobs, pods } from '../../../lib/client/resources.js';
import type { IndexFunction } from '../../../lib/client/replica.js';
import type { V1Job, V1Pod } from '../../../lib/schema/generated/types.js';
import {
  watch,
  watchSelf,
  type Controller,
  type ControllerContext,
  type Outcome,
} from '../../../lib/work/controller.js';
import { claimChildren, watchChildren } from '../shared/claim.js';
import { finishedCondition, jobCondition } from '../shared/jobs.js';
import { matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { controllerOf, isBeingDeleted } from '../shared/owners.js';
import { podEssence } from '../shared/pods.js';
import { isSuspended, isTracked, JOB_NAME_LABELS, TRACKING_FINALIZER } from './job-pods.js';
import { deletePods, managePods, removeFinalizer } from './manage.js';
import { beginSync, newCondition, type JobSync } from './sync.js';
import { trackPods } from './tracking.js';

/** The value of spec.managedBy that means this controller. */
const CONTROLLER_NAME = 'kubernetes.io/job-controller';

/** Runs pods until enough of them have succeeded, counts each exactly once, and removes finished Jobs when their time is up. */
export const jobController: Controller = {
  name: 'job',
  watches: [
    watchSelf(jobs),
    watchChildren({
      child: pods,
      owner: jobs,
      selects,
      concerns: (pod) => [podEssence(pod), pod.status?.containerStatuses?.map(({ restartCount }) => restartCount)],
    }),
    watch(pods, ({ object, type }) => (type === 'deleted' ? [] : strayKeys(object))),
  ],
  reconcile: reconcileJob,
};

function selects(job: V1Job, pod: V1Pod): boolean {
  return matchesLabelSelector(job.spec?.selector, pod.metadata?.labels);
}

/** The key of the Job that a tracked pod without an owner was of. */
function strayKeys(pod: V1Pod): string[] {
  const name = jobNameOf(pod);
  return isTracked(pod) && controllerOf(pod) === undefined && name !== undefined
    ? [`${pod.metadata?.namespace ?? ''}/${name}`]
    : [];
}

function jobNameOf(pod: V1Pod): string | undefined {
  for (const label of JOB_NAME_LABELS) {
    const name = pod.metadata?.labels?.[label];
    if (name !== undefined) return name;
  }
  return undefined;
}

async function reconcileJob(key: string, context: ControllerContext): Promise<Outcome> {
  const ref = parseKey(key);
  const present = (await context.view(jobs)).get(ref.namespace, ref.name);
  const finished = present === undefined ? undefined : finishedCondition(present);
  const isOurs = present === undefined || (present.spec?.managedBy ?? CONTROLLER_NAME) === CONTROLLER_NAME;
  if (isOurs) await releaseStrays(context, ref, finished === undefined ? present : undefined);
  if (present === undefined) return;
  if (finished !== undefined) return removeWhenExpired(context, present, finished.lastTransitionTime);
  if (!isOurs) return;
  const mode = present.spec?.completionMode ?? 'NonIndexed';
  if (mode !== 'NonIndexed' && mode !== 'Indexed') {
    const message = 'Skipped Job sync because completion mode is unknown';
    return context.events.warning(present, 'UnknownCompletionMode', message);
  }

  const owned = await claimChildren(context, {
    owner: present,
    ownerResource: jobs,
    childResource: pods,
    selects: (pod) => selects(present, pod),
    finalizers: [TRACKING_FINALIZER],
  });
  const sync = beginSync(context, structuredClone(present), owned);
  let failure: { error: unknown } | undefined;
  try {
    await act(sync);
  } catch (error) {
    failure = { error };
    // Until every pod is told to end, the Job has not ended.
    if (sync.counts.active > 0) sync.ending = undefined;
  }
  await trackPods(sync, present.status);
  if (failure !== undefined) throw failure.error;
  return sync.waitsMs.length === 0 ? undefined : { requeueAfterMs: Math.min(...sync.waitsMs) };
}

/** Ends the pods of a Job that is to end, else makes those it needs. */
async function act(sync: JobSync): Promise<void> {
  const { job, nowMs, counts } = sync;
  if (sync.ending !== undefined) return deletePods(sync, sync.active, false);
  if (isBeingDeleted(job)) return;
  await managePods(sync);
  const { completions } = job.spec ?? {};
  const isEnough = completions === undefined ? sync.succeeded > 0 : sync.succeeded >= completions;
  if (isEnough && counts.active === 0) {
    const message = 'Reached expected number of succeeded pods';
    sync.ending = newCondition('SuccessCriteriaMet', 'True', 'CompletionsReached', message, nowMs);
    return;
  }
  await noteSuspension(sync);
}

/** A suspended Job's time starts anew when it is resumed. */
async function noteSuspension({ context, job, status, nowMs }: JobSync): Promise<void> {
  const present = jobCondition(job, 'Suspended');
  const suspended = isSuspended(job);
  if ((present?.status === 'True') === suspended) return;
  const [reason, message] = suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  const condition = newCondition('Suspended', suspended ? 'True' : 'False', reason, message, nowMs);
  status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== 'Suspended'), condition];
  if (suspended) delete status.startTime;
  else status.startTime = formatTime(nowMs);
  await context.events.normal(job, suspended ? 'Suspended' : 'Resumed', message);
}

/** Pods by the name of the Job that they are or were of. */
const byJobName: IndexFunction<V1Pod> = (pod) => {
  if (!isTracked(pod)) return [];
  const owner = controllerOf(pod);
  const name = owner === undefined ? jobNameOf(pod) : owner.kind === 'Job' ? owner.name : undefined;
  return name === undefined ? [] : [`${pod.metadata?.namespace ?? ''}/${name}`];
};

/** Removes the finalizer from pods that no Job will count: theirs is gone, finished, or another of the same name. */
async function releaseStrays(context: ControllerContext, ref: ObjectRef, counting: V1Job | undefined): Promise<void> {
  const view = await context.view(pods);
  const strays = view.by(byJobName, `${ref.namespace ?? ''}/${ref.name}`).filter((pod) => {
    const owner = controllerOf(pod);
    if (counting === undefined) return true;
    return owner === undefined ? !selects(counting, pod) : owner.uid !== counting.metadata?.uid;
  });
  for (const pod of strays) await removeFinalizer(context, pod);
}

/** Deletes a Job ttlSecondsAfterFinished after it has finished, its pods first. */
async function removeWhenExpired(
  context: ControllerContext,
  job: V1Job,
  finishedAt: string | undefined,
): Promise<Outcome> {
  const { ttlSecondsAfterFinished } = job.spec ?? {};
  if (ttlSecondsAfterFinished === undefined || finishedAt === undefined || isBeingDeleted(job)) return;
  const requeueAfterMs = Date.parse(finishedAt) + ttlSecondsAfterFinished * 1000 - context.clock.now();
  if (requeueAfterMs > 0) return { requeueAfterMs };
  context.log('debug', 'deleting a finished job whose time is up', { job: keyOf(job) });
  await context.client.ensureDeleted(jobs, refOf(job), {
    propagationPolicy: 'Foreground',
    preconditions: { uid: job.metadata?.uid },
  });
}
