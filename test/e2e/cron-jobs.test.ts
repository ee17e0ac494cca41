import { afterEach, describe, expect, it } from 'vitest';
import { cronJobs, jobs } from '../../lib/client/resources.js';
import type { V1CronJob, V1Job } from '../../lib/schema/generated/types.js';
import { cronJob } from './manifests.js';
import { startCluster, type TestCluster } from '../support/cluster.js';

const MINUTE_MS = 60_000;
const RUNS_ON = { 'simulated.zeroplane.dev/run-ms': '600000' };

let cluster: TestCluster;
afterEach(() => cluster.close());

/** A whole cluster on a clock of its own, on which minutes pass in no time, with one cron job of each minute. */
async function withCronJob(concurrencyPolicy: string): Promise<void> {
  cluster = await startCluster({ nodes: 1 });
  const manifest = cronJob('tick', '* * * * *', { annotations: RUNS_ON, spec: { concurrencyPolicy } });
  await cluster.client.create(cronJobs, {
    ...manifest,
    metadata: { namespace: 'default', name: 'tick' },
  } as unknown as V1CronJob);
}

async function active(): Promise<V1Job[]> {
  const { items } = await cluster.client.list(jobs, { namespace: 'default' });
  return items.filter((job) => (job.status?.active ?? 0) > 0);
}

const listed = async (): Promise<(string | undefined)[]> => {
  const { status } = await cluster.client.get(cronJobs, { namespace: 'default', name: 'tick' });
  return (status?.active ?? []).map(({ name }) => name);
};

describe('cron jobs', () => {
  it('row 96: under Forbid no second job starts while the first runs', async () => {
    await withCronJob('Forbid');
    await cluster.advance(MINUTE_MS + 1000);
    const [first, ...none] = await active();
    expect(first).toBeDefined();
    expect(none).toEqual([]);
    await cluster.advance(3 * MINUTE_MS);
    expect((await active()).map((job) => job.metadata?.uid)).toEqual([first?.metadata?.uid]);
    expect(await listed()).toEqual([first?.metadata?.name]);
  });

  it('row 97: under Replace a newer job takes the place of the running one', async () => {
    await withCronJob('Replace');
    await cluster.advance(MINUTE_MS + 1000);
    const [first] = await active();
    expect(first).toBeDefined();
    await cluster.advance(MINUTE_MS);
    const second = await active();
    expect(second).toHaveLength(1);
    expect(second[0]?.metadata?.uid).not.toBe(first?.metadata?.uid);
    expect(await listed()).toEqual([second[0]?.metadata?.name]);
  });

  it('row 98: under Allow several jobs run together', async () => {
    await withCronJob('Allow');
    await cluster.advance(3 * MINUTE_MS);
    const running = await active();
    expect(running.length).toBeGreaterThanOrEqual(2);
    expect((await listed()).sort()).toEqual(running.map((job) => job.metadata?.name).sort());
  });

  it('history limits: finished jobs past them go', async () => {
    cluster = await startCluster({ nodes: 1 });
    const manifest = cronJob('tick', '* * * * *', { spec: { successfulJobsHistoryLimit: 2 } });
    await cluster.client.create(cronJobs, {
      ...manifest,
      metadata: { namespace: 'default', name: 'tick' },
    } as unknown as V1CronJob);
    await cluster.advance(6 * MINUTE_MS);
    await cluster.advance(5000);
    expect((await cluster.client.list(jobs, { namespace: 'default' })).items).toHaveLength(2);
  });
});
