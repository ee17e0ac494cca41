import type { V1Job } from '../../../../lib/schema/generated/types.js';
import { humanDuration } from '../shared/human-duration.js';
import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import { podNamePrefixWarnings, templateWarnings } from '../apps/template.js';
import { isDns1123Label } from '../shared/formats.js';
import { defaultJobSpec } from './job-defaults.js';
import { generateSelector, jobSelectorErrors } from './job-selector.js';
import { jobSpecErrors, jobSpecWarnings } from './job-spec-rules.js';
import { jobStatusErrors } from './job-status-rules.js';
import { jobUpdateErrors } from './job-update-rules.js';
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
  defaultPropagation: 'Orphan',
  fieldLabels: { 'status.successful': (object) => String(object.status?.succeeded ?? 0) },
  defaults(object) {
    const { spec, metadata } = object;
    if (spec === undefined) return;
    defaultJobSpec(spec);
    const podLabels = spec.template.metadata?.labels;
    // The same object on purpose: `generateSelector` tells from it that the labels are not the user's own.
    if (metadata !== undefined && podLabels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) {
      metadata.labels = podLabels;
    }
  },
  prepareForCreate: (object) => generateSelector(object),
  validate: (object) =>
    object.spec === undefined
      ? []
      : [...jobSpecErrors(object.spec, 'spec'), ...jobSelectorErrors(object), ...podHostNameErrors(object)],
  validateUpdate: (object, old) => jobUpdateErrors(object, old),
  validateStatusUpdate: (object, old) => jobStatusErrors(object, old),
  warnings: (object, old) => [
    ...(old === undefined ? podNamePrefixWarnings(object.metadata?.name) : []),
    ...(object.spec === undefined ? [] : jobSpecWarnings(object.spec, 'spec')),
    ...templateWarnings(object.spec?.template, old?.spec?.template),
  ],
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

/** The host names of an indexed job's pods are its name and the index. */
function podHostNameErrors({ metadata, spec }: V1Job): FieldError[] {
  const { completionMode, completions = 0 } = spec ?? {};
  if (completionMode !== 'Indexed' || completions <= 0) return [];
  const name = metadata?.name ?? '';
  const hostName = `${name}-${completions - 1}`;
  return isDns1123Label(hostName).length === 0
    ? []
    : [invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${hostName}`)];
}
