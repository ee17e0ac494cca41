import { cronJobs, jobs, pods } from '../../../lib/client/resources.js';
import { ANNOTATION_PREFIX } from '../../../agent/runtime/simulated/simulated-runtime.js';
import type { V1Job } from '../../../lib/schema/generated/types.js';
import type { Checker, ClusterState } from './cluster-state.js';
import { hasEnded, nameOf } from './pods.js';

/** A job has ended as its script says it does, with its pods counted once each; a suspended one has no pods at work. */
export const jobsConverged: Checker = (state) => state.of(jobs).flatMap((job) => check(state, job));

function check(state: ClusterState, job: V1Job): string[] {
  const title = nameOf(job);
  const { spec, status } = job;
  const active = state.controlledBy(pods, job).filter((pod) => !hasEnded(pod));
  const problems: string[] = [];
  if (active.length > 0) problems.push(`${title} still has ${active.length} pods at work`);
  if ((status?.active ?? 0) !== 0) problems.push(`${title} says ${status?.active} pods are at work`);
  const has = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  if (has('Complete') === false && has('Failed') === false && spec?.suspend === true) {
    if (!has('Suspended')) problems.push(`${title} does not say that it is suspended`);
    return problems;
  }
  const fails = spec?.template.metadata?.annotations?.[`${ANNOTATION_PREFIX}exit-code`] === '1';
  if (!has(fails ? 'Failed' : 'Complete')) {
    problems.push(`${title} has not ${fails ? 'failed' : 'completed'}: ${JSON.stringify(status)}`);
  }
  if (!fails && (status?.succeeded ?? 0) !== (spec?.completions ?? 1)) {
    problems.push(`${title} counts ${status?.succeeded ?? 0} successes instead of ${spec?.completions ?? 1}`);
  }
  const { succeeded = [], failed = [] } = status?.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length > 0) problems.push(`${title} has pods that are not counted yet`);
  if (spec?.ttlSecondsAfterFinished !== undefined) problems.push(`${title} has outlived its time to live`);
  return problems;
}

/** A suspended cron job has no job at work, and keeps no more of the ended ones than it is to. */
export const cronJobsConverged: Checker = (state) =>
  state.of(cronJobs).flatMap((cronJob) => {
    const owned = state.controlledBy(jobs, cronJob);
    const limit = cronJob.spec?.successfulJobsHistoryLimit ?? 3;
    const problems: string[] = [];
    if ((cronJob.status?.active ?? []).length > 0) problems.push(`${nameOf(cronJob)} says that jobs are at work`);
    if (owned.length > limit) problems.push(`${nameOf(cronJob)} keeps ${owned.length} jobs, more than ${limit}`);
    return problems;
  });
