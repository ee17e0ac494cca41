import { isApiError } from '../../../lib/api/errors.js';
import { parseKey, refOf } from '../../../lib/client/client.js';
import { cronJobs, jobs } from '../../../lib/client/resources.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1CronJob, V1CronJobStatus, V1Job } from '../../../lib/schema/generated/types.js';
import {
  watchOwned,
  watchSelf,
  type Controller,
  type ControllerContext,
  type Outcome,
} from '../../../lib/work/controller.js';
import { semanticEqual } from '../shared/hash.js';
import { finishedCondition } from '../shared/jobs.js';
import { compareNames, controllerReference, isBeingDeleted, isControlledBy } from '../shared/owners.js';
import { errorMessage, isNamespaceTerminating } from '../shared/pod-control.js';
import { findDueRun, nextRunAfterMs } from './missed-runs.js';
import { formatInZone, isTimeZone, parseSchedule, type Schedule } from './schedule.js';

/** The time a Job was scheduled for, in the CronJob's time zone. */
const SCHEDULED_TIMESTAMP_ANNOTATION = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** Starts Jobs at the times of their schedules and keeps a history of them. */
export const cronJobController: Controller = {
  name: 'cronjob',
  watches: [watchSelf(cronJobs), watchOwned(jobs, { group: 'batch', kind: 'CronJob' })],
  reconcile: reconcileCronJob,
};

/** One reconcile: a copy of the CronJob whose status may be changed, and its Jobs. */
interface Run {
  readonly context: ControllerContext;
  readonly nowMs: number;
  readonly cronJob: V1CronJob;
  readonly status: V1CronJobStatus;
  readonly owned: readonly V1Job[];
}

async function reconcileCronJob(key: string, context: ControllerContext): Promise<Outcome> {
  const { namespace, name } = parseKey(key);
  const present = (await context.view(cronJobs)).get(namespace, name);
  if (present === undefined) return;
  const cronJob = structuredClone(present);
  const view = await context.view(jobs);
  const run: Run = {
    context,
    nowMs: context.clock.now(),
    cronJob,
    status: (cronJob.status ??= {}),
    owned: view.ownedBy(cronJob.metadata?.uid ?? '').filter((job) => isControlledBy(job, cronJob)),
  };
  await removeOldJobs(run);
  await updateActive(run);
  let outcome: Outcome = undefined;
  let failure: { error: unknown } | undefined;
  try {
    outcome = await startDueRun(run);
  } catch (error) {
    failure = { error };
  }
  // What was found and done before a failure is kept: without it a run could be started twice under another policy.
  if (!semanticEqual(run.status, present.status)) await context.client.updateStatus(cronJobs, cronJob);
  if (failure !== undefined) throw failure.error;
  return outcome;
}

/** Deletes the oldest finished Jobs above the two history limits. */
async function removeOldJobs(run: Run): Promise<void> {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = run.cronJob.spec ?? {};
  for (const [type, limit] of [
    ['Complete', successfulJobsHistoryLimit],
    ['Failed', failedJobsHistoryLimit],
  ] as const) {
    if (limit === undefined) continue;
    const finished = run.owned.filter((job) => finishedCondition(job)?.type === type).sort(byStartTime);
    for (const job of finished.slice(0, Math.max(0, finished.length - limit))) await deleteJob(run, job);
  }
}

/** Those that never started last. */
function byStartTime(left: V1Job, right: V1Job): number {
  const [leftTime, rightTime] = [left.status?.startTime ?? '~', right.status?.startTime ?? '~'];
  if (leftTime === rightTime) return compareNames(left, right);
  return leftTime < rightTime ? -1 : 1;
}

async function deleteJob({ context, cronJob, status }: Run, job: V1Job): Promise<void> {
  if (!isBeingDeleted(job)) {
    try {
      await context.client.ensureDeleted(jobs, refOf(job), {
        propagationPolicy: 'Background',
        preconditions: { uid: job.metadata?.uid },
      });
    } catch (error) {
      await context.events.warning(cronJob, 'FailedDelete', `Deleted job: ${errorMessage(error)}`);
      throw error;
    }
    await context.events.normal(cronJob, 'SuccessfulDelete', `Deleted job ${job.metadata?.name ?? ''}`);
  }
  dropActive(status, job.metadata?.uid);
}

function dropActive(status: V1CronJobStatus, uid: string | undefined): void {
  status.active = status.active?.filter((reference) => reference.uid !== uid);
}

/** Takes finished and vanished Jobs off the active list and notes the last success. */
async function updateActive({ context, cronJob, status, owned }: Run): Promise<void> {
  const { events } = context;
  for (const job of owned) {
    const { uid, name = '' } = job.metadata ?? {};
    const isActive = status.active?.some((reference) => reference.uid === uid) ?? false;
    const finished = finishedCondition(job);
    if (finished === undefined) {
      if (isActive) continue;
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      await events.warning(cronJob, 'UnexpectedJob', message);
      continue;
    }
    if (isActive) {
      dropActive(status, uid);
      await events.normal(cronJob, 'SawCompletedJob', `Saw completed job: ${name}, condition: ${finished.type}`);
    }
    const completed = finished.type === 'Complete' ? job.status?.completionTime : undefined;
    if (completed !== undefined && completed > (status.lastSuccessfulTime ?? '')) status.lastSuccessfulTime = completed;
  }
  for (const { uid, name = '' } of status.active ?? []) {
    if (owned.some(({ metadata }) => metadata?.uid === uid)) continue;
    dropActive(status, uid);
    await events.normal(cronJob, 'MissingJob', `Active job went missing: ${name}`);
  }
}

async function startDueRun(run: Run): Promise<Outcome> {
  const { context, cronJob, nowMs, status } = run;
  const { suspend, startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec ?? {};
  if (isBeingDeleted(cronJob)) return;
  const schedule = await readSchedule(run);
  if (schedule === undefined || suspend) return;
  const next = (): Outcome => {
    const requeueAfterMs = nextRunAfterMs(cronJob, schedule, nowMs);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  };
  const due = findDueRun(cronJob, schedule, nowMs);
  if (due === undefined) return next();
  const { dueMs } = due;
  if (due.tooManyMissed) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    await context.events.warning(cronJob, 'TooManyMissedTimes', message);
  }
  if (startingDeadlineSeconds !== undefined && dueMs + startingDeadlineSeconds * 1000 < nowMs) {
    const message = `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString().replace('GMT', '+0000')}`;
    await context.events.warning(cronJob, 'MissSchedule', message);
    return next();
  }
  const name = jobName(cronJob, dueMs);
  const isStarted = status.active?.some((reference) => reference.name === name) ?? false;
  if (isStarted || status.lastScheduleTime === formatTime(dueMs)) return next();
  if (concurrencyPolicy === 'Forbid' && (status.active ?? []).length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    await context.events.normal(cronJob, 'JobAlreadyActive', message);
    return next();
  }
  if (concurrencyPolicy === 'Replace') {
    const active = new Set(status.active?.map(({ uid }) => uid));
    for (const job of run.owned) if (active.has(job.metadata?.uid)) await deleteJob(run, job);
  }
  const started = await ensureJob(run, dueMs);
  if (started === undefined) return next();
  status.active = [...(status.active ?? []), started];
  status.lastScheduleTime = formatTime(dueMs);
  return next();
}

/** Undefined, with an event that says why, when the schedule cannot be followed. */
async function readSchedule({ context, cronJob }: Run): Promise<Schedule | undefined> {
  const { schedule = '', timeZone } = cronJob.spec ?? {};
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
    await context.events.warning(cronJob, 'UnknownTimeZone', message);
    return undefined;
  }
  if (schedule.includes('TZ')) {
    const message =
      `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, ` +
      'see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';
    await context.events.warning(cronJob, 'UnsupportedSchedule', message);
  }
  try {
    return parseSchedule(schedule, timeZone);
  } catch (error) {
    const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${errorMessage(error)}`;
    await context.events.warning(cronJob, 'UnparseableSchedule', message);
    return undefined;
  }
}

/** The name is given by the time, so that no run is started twice. */
function jobName(cronJob: V1CronJob, dueMs: number): string {
  return `${cronJob.metadata?.name ?? ''}-${Math.floor(dueMs / 60_000)}`;
}

/** Creates the Job of a run, or finds the one that was created before a crash. Undefined when another has its name. */
async function ensureJob(
  { context, cronJob, status }: Run,
  dueMs: number,
): Promise<NonNullable<V1CronJobStatus['active']>[number] | undefined> {
  const wanted = newJob(cronJob, dueMs);
  let job: V1Job;
  try {
    job = await context.client.create(jobs, wanted);
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) {
      if (!isNamespaceTerminating(error)) {
        await context.events.warning(cronJob, 'FailedCreate', `Error creating job: ${errorMessage(error)}`);
      }
      throw error;
    }
    job = await context.client.get(jobs, refOf(wanted));
    if (!isControlledBy(job, cronJob)) return undefined;
    if (status.active?.some(({ uid }) => uid === job.metadata?.uid)) return undefined;
    return referenceTo(job);
  }
  await context.events.normal(cronJob, 'SuccessfulCreate', `Created job ${job.metadata?.name ?? ''}`);
  return referenceTo(job);
}

function newJob(cronJob: V1CronJob, dueMs: number): V1Job {
  const { jobTemplate, timeZone = 'UTC' } = cronJob.spec ?? {};
  return {
    metadata: {
      namespace: cronJob.metadata?.namespace,
      name: jobName(cronJob, dueMs),
      labels: { ...jobTemplate?.metadata?.labels },
      annotations: {
        ...jobTemplate?.metadata?.annotations,
        [SCHEDULED_TIMESTAMP_ANNOTATION]: formatInZone(dueMs, timeZone),
      },
      ownerReferences: [controllerReference(cronJobs, cronJob)],
    },
    spec: structuredClone(jobTemplate?.spec),
  };
}

function referenceTo({ metadata }: V1Job): NonNullable<V1CronJobStatus['active']>[number] {
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  return { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid, resourceVersion };
}
