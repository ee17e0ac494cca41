import type { V1CronJob } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabelSelector, timeSince } from '../shared/columns.js';

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
