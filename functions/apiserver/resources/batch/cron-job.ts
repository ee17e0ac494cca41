import type { V1CronJob, V1CronJobSpec, V1JobSpec } from '../../../../lib/schema/generated/types.js';
import { invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { podNamePrefixWarnings, templateWarnings } from '../apps/template.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { cronScheduleFault } from './cron-schedule.js';
import { jobSpecErrors, jobSpecWarnings } from './job-spec-rules.js';
import { timeZoneErrors } from './time-zone.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabelSelector, timeSince } from '../shared/columns.js';

/** Jobs are named after their cron job and the time, and have 63 characters at most. */
const NAME_CHARACTERS_MAX = 52;
const CONCURRENCY_POLICIES = ['Allow', 'Forbid', 'Replace'];
const JOB_SPEC = 'spec.jobTemplate.spec';

export const cronJob = defineKind<V1CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  namespaced: true,
  definition: 'io.k8s.api.batch.v1.CronJob',
  shortNames: ['cj'],
  categories: ['all'],
  hasStatus: true,
  hasGeneration: true,
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    defaultPodTemplateSpec(spec.jobTemplate.spec?.template);
  },
  validate: ({ metadata, spec }) => [
    ...(spec === undefined ? [] : specErrors(spec)),
    ...nameLengthErrors(metadata?.name ?? ''),
  ],
  warnings: (object, old) => [
    ...(old === undefined ? podNamePrefixWarnings(object.metadata?.name) : []),
    ...(object.spec?.jobTemplate.spec === undefined ? [] : jobSpecWarnings(object.spec.jobTemplate.spec, JOB_SPEC)),
    ...templateWarnings(
      object.spec?.jobTemplate.spec?.template,
      old?.spec?.jobTemplate.spec?.template,
      `${JOB_SPEC}.template`,
    ),
  ],
  columns: [
    {
      name: 'Schedule',
      type: 'string',
      description: 'The schedule in Cron format.',
      cell: (object) => object.spec?.schedule ?? '',
    },
    {
      name: 'Timezone',
      type: 'string',
      description: 'Time zone of the schedule.',
      cell: (object) => object.spec?.timeZone ?? '<none>',
    },
    {
      name: 'Suspend',
      type: 'boolean',
      description: 'Whether further runs are suspended.',
      cell: (object) => suspended(object),
    },
    {
      name: 'Active',
      type: 'integer',
      description: 'Jobs that run now.',
      cell: (object) => object.status?.active?.length ?? 0,
    },
    {
      name: 'Last Schedule',
      type: 'string',
      description: 'When it was last run.',
      cell: (object, nowMs) =>
        object.status?.lastScheduleTime === undefined ? '<none>' : timeSince(object.status.lastScheduleTime, nowMs),
    },
    AGE,
    ...containerColumns<V1CronJob>((object) => object.spec?.jobTemplate.spec?.template.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'Label query of the pods of its jobs.',
      cell: (object) => formatLabelSelector(object.spec?.jobTemplate.spec?.selector),
    },
  ],
});

/** Kubernetes gives this boolean column text. */
function suspended(object: V1CronJob): string {
  const suspend = object.spec?.suspend;
  return suspend === undefined ? '<unset>' : suspend ? 'True' : 'False';
}

function nameLengthErrors(name: string): FieldError[] {
  return name.length > NAME_CHARACTERS_MAX
    ? [invalid('metadata.name', name, `must be no more than ${NAME_CHARACTERS_MAX} characters`)]
    : [];
}

function specErrors(spec: V1CronJobSpec): FieldError[] {
  return [
    ...scheduleErrors(spec.schedule ?? ''),
    ...nonNegativeErrors('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...(spec.timeZone === undefined ? [] : timeZoneErrors('spec.timeZone', spec.timeZone)),
    ...concurrencyErrors(spec.concurrencyPolicy ?? ''),
    ...(spec.jobTemplate.spec === undefined ? [] : jobTemplateErrors(spec.jobTemplate.spec)),
    ...nonNegativeErrors('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...nonNegativeErrors('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
  ];
}

function scheduleErrors(schedule: string): FieldError[] {
  if (schedule === '') return [required('spec.schedule')];
  // A time zone in the schedule was once tolerated, but never by us.
  if (schedule.includes('TZ')) {
    return [invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  }
  const fault = cronScheduleFault(schedule);
  return fault === undefined ? [] : [invalid('spec.schedule', schedule, fault)];
}

function concurrencyErrors(policy: string): FieldError[] {
  if (policy === '') return [required('spec.concurrencyPolicy')];
  return CONCURRENCY_POLICIES.includes(policy)
    ? []
    : [notSupported('spec.concurrencyPolicy', policy, CONCURRENCY_POLICIES)];
}

function jobTemplateErrors(spec: V1JobSpec): FieldError[] {
  return [
    ...jobSpecErrors(spec, JOB_SPEC),
    ...(spec.selector === undefined
      ? []
      : [invalid(`${JOB_SPEC}.selector`, spec.selector, '`selector` will be auto-generated')]),
    ...(spec.manualSelector === true ? [notSupported(`${JOB_SPEC}.manualSelector`, true, ['nil', 'false'])] : []),
  ];
}
