import type { V1CronJob } from '../../../lib/schema/generated/types.js';
import type { Schedule } from './schedule.js';

/** More missed runs than this are worth a warning. */
const MISSED_RUNS_MAX = 100;

/** After a run's time is reached, how long the controller waits until it looks. */
const NEXT_RUN_DELTA_MS = 100;

export interface DueRun {
  /** The newest time that has come and not been acted on; earlier ones are skipped. */
  readonly dueMs: number;
  readonly tooManyMissed: boolean;
}

/** The run that is due since the last one, or since the CronJob was made, but not from before the starting deadline. */
export function findDueRun(cronJob: V1CronJob, schedule: Schedule, nowMs: number): DueRun | undefined {
  const { startingDeadlineSeconds } = cronJob.spec ?? {};
  const earliestMs = earliest(cronJob);
  const deadlineMs = startingDeadlineSeconds === undefined ? -Infinity : nowMs - startingDeadlineSeconds * 1000;
  return newestBetween(schedule, Math.max(earliestMs, deadlineMs), nowMs);
}

/** How long until the run after the newest that has come. */
export function nextRunAfterMs(cronJob: V1CronJob, schedule: Schedule, nowMs: number): number | undefined {
  const nextMs = schedule.next(newestBetween(schedule, earliest(cronJob), nowMs)?.dueMs ?? earliest(cronJob));
  return nextMs === undefined ? undefined : Math.max(0, nextMs - nowMs) + NEXT_RUN_DELTA_MS;
}

function earliest({ metadata, status }: V1CronJob): number {
  return Date.parse(status?.lastScheduleTime ?? metadata?.creationTimestamp ?? '');
}

/**
 * The newest time after `fromMs` and not after `nowMs`. Long gaps are not walked through: the number of runs in them is
 * estimated from the distance of the first two.
 */
function newestBetween(schedule: Schedule, fromMs: number, nowMs: number): DueRun | undefined {
  const firstMs = schedule.next(fromMs);
  if (firstMs === undefined || nowMs < firstMs) return undefined;
  const secondMs = schedule.next(firstMs);
  if (secondMs === undefined || nowMs < secondMs) return { dueMs: firstMs, tooManyMissed: false };
  const distanceMs = secondMs - firstMs;
  const missed = Math.floor((nowMs - firstMs) / distanceMs) + 1;
  let dueMs = firstMs;
  let nextMs = schedule.next(firstMs + (missed - 2) * distanceMs);
  if (nextMs === undefined || nextMs > nowMs) nextMs = secondMs;
  for (; nextMs !== undefined && nextMs <= nowMs; nextMs = schedule.next(nextMs)) dueMs = nextMs;
  return { dueMs, tooManyMissed: missed > MISSED_RUNS_MAX };
}
