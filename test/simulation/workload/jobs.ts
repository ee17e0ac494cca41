import { cronJobs, jobs } from '../../../lib/client/resources.js';
import type { V1CronJob, V1Job } from '../../../lib/schema/generated/types.js';
import { pickNamespace, pickWish, type Action } from './action.js';
import { podTemplate } from './template.js';
import type { User } from './user.js';

async function createJob(user: User): Promise<void> {
  const { dice } = user;
  const name = user.newName('job');
  const fails = dice.chance(0.25);
  const spec: NonNullable<V1Job['spec']> = {
    completions: dice.between(1, 4),
    parallelism: dice.between(1, 3),
    completionMode: dice.pick(['NonIndexed', 'Indexed']),
    backoffLimit: fails ? 1 : 20,
    suspend: dice.chance(0.15),
    template: podTemplate({
      app: name,
      version: 1,
      restartPolicy: 'Never',
      ends: { exitCode: fails ? 1 : 0, runMs: dice.pick([100, 5_000, 20_000]) },
    }),
  };
  if (dice.chance(0.25)) spec.ttlSecondsAfterFinished = dice.between(0, 30);
  await user.create(jobs, { metadata: { namespace: pickNamespace(user), name }, spec });
}

async function createCronJob(user: User): Promise<void> {
  const { dice } = user;
  const name = user.newName('cron');
  await user.create(cronJobs, {
    metadata: { namespace: pickNamespace(user), name },
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: dice.pick(['Allow', 'Forbid', 'Replace']),
      successfulJobsHistoryLimit: dice.between(0, 2),
      jobTemplate: {
        spec: {
          template: podTemplate({
            app: name,
            version: 1,
            restartPolicy: 'OnFailure',
            ends: { exitCode: 0, runMs: dice.pick([1_000, 70_000]) },
          }),
        },
      },
    },
  });
}

export const jobActions: readonly Action[] = [
  { name: 'create job', weight: 5, run: createJob },
  {
    name: 'suspend or resume job',
    weight: 2,
    run: async (user) => {
      const wish = pickWish(user, jobs);
      const suspend = user.dice.chance(0.3);
      if (wish !== undefined) await user.changeWish<V1Job>(wish, (spec) => void (spec.suspend = suspend));
    },
  },
  {
    name: 'delete job',
    weight: 2,
    run: async (user) => {
      const wish = pickWish(user, jobs);
      const propagationPolicy = user.dice.pick(['Background', 'Foreground'] as const);
      if (wish !== undefined) await user.delete(jobs, wish, { propagationPolicy });
    },
  },
  { name: 'create cron job', weight: 2, run: createCronJob },
  {
    name: 'suspend cron job',
    weight: 1,
    run: async (user) => {
      const wish = pickWish(user, cronJobs);
      if (wish !== undefined) await user.changeWish<V1CronJob>(wish, (spec) => void (spec.suspend = true));
    },
  },
];

/** After the storm no more work is started by itself: otherwise the cluster would never come to rest. */
export async function suspendCronJobs(user: User): Promise<void> {
  for (const wish of user.wishesFor(cronJobs)) {
    await user.changeWish<V1CronJob>(wish, (spec) => void (spec.suspend = true));
  }
}
