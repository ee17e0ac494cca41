import type { V1Job } from '../../../../lib/schema/generated/types.js';
import { humanDuration } from '../shared/human-duration.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabelSelector } from '../shared/columns.js';

/** Conditions that name the state of a job, the first that is true first; `Terminating` stands between the final ones and the rest. */
const FINAL_CONDITIONS = ['Complete', 'Failed'];
const PASSING_CONDITIONS = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

export const job = defineKind<V1Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  namespaced: true,
  definition: 'io.k8s.api.batch.v1.Job',
  categories: ['all'],
  hasStatus: true,
  hasGeneration: true,
  columns: [
    { name: 'Status', type: 'string', description: 'Status of the job.', cell: (object) => jobState(object) },
    {
      name: 'Completions',
      type: 'string',
      description: 'Successful pods of those wanted.',
      cell: (object) => completions(object),
    },
    {
      name: 'Duration',
      type: 'string',
      description: 'Time required to complete the job.',
      cell: (object, nowMs) => duration(object, nowMs),
    },
    AGE,
    ...containerColumns<V1Job>((object) => object.spec?.template.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'Label query of the pods it manages.',
      cell: (object) => formatLabelSelector(object.spec?.selector),
    },
  ],
});

function jobState(job: V1Job): string {
  const isTrue = (type: string): boolean =>
    job.status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
  const final = FINAL_CONDITIONS.find(isTrue);
  if (final !== undefined) return final;
  if (job.metadata?.deletionTimestamp !== undefined) return 'Terminating';
  return PASSING_CONDITIONS.find(isTrue) ?? 'Running';
}

function completions(job: V1Job): string {
  const succeeded = job.status?.succeeded ?? 0;
  const wanted = job.spec?.completions;
  if (wanted !== undefined) return `${succeeded}/${wanted}`;
  const parallelism = job.spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration(job: V1Job, nowMs: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (startTime === undefined) return '';
  const endMs = completionTime === undefined ? nowMs : Date.parse(completionTime);
  return humanDuration(endMs - Date.parse(startTime));
}
