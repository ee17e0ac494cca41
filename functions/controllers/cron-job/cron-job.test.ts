import { describe, expect, test } from 'vitest';
import { cronJobs, jobs } from '../../../lib/client/resources.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type { V1CronJob, V1CronJobSpec, V1Job } from '../../../lib/schema/generated/types.js';
import { podTemplate } from '../shared/testing/builders.js';
import { FakeCluster } from '../shared/testing/fake-cluster.js';
import { cronJobController } from './index.js';
import { findDueRun } from './missed-runs.js';
import { formatInZone, parseSchedule } from './schedule.js';

const MINUTE_MS = 60_000;

function cronJob(spec: Partial<V1CronJobSpec> = {}): V1CronJob {
  return {
    metadata: { name: 'tick', namespace: 'default' },
    spec: {
      schedule: '*/5 * * * *',
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { metadata: { labels: { team: 'a' } }, spec: { template: podTemplate('tick') } },
      ...spec,
    },
  };
}

async function started(spec: Partial<V1CronJobSpec> = {}): Promise<FakeCluster> {
  const cluster = new FakeCluster([cronJobController]);
  await cluster.client.create(cronJobs, cronJob(spec));
  await cluster.settle();
  return cluster;
}

function names(cluster: FakeCluster): string[] {
  return cluster
    .list(jobs)
    .map(({ metadata }) => metadata?.name ?? '')
    .sort();
}

async function finish(cluster: FakeCluster, name: string, type: 'Complete' | 'Failed'): Promise<void> {
  const now = formatTime(cluster.clock.now());
  await cluster.change(jobs, name, (job: V1Job) => {
    job.status = {
      startTime: now,
      conditions: [{ type, status: 'True', lastTransitionTime: now }],
      ...(type === 'Complete' ? { completionTime: now } : {}),
    };
  });
  await cluster.settle();
}

/** The clock starts at 2026-01-01T00:00:00Z, minute 29453760. */
const FIRST_MINUTE = 29453760;

describe('cron job', () => {
  test('starts a Job at each time, named by its minute, and lists it as active', async () => {
    const cluster = await started();
    expect(names(cluster)).toEqual([]);
    await cluster.advance(5 * MINUTE_MS + 1000);
    expect(names(cluster)).toEqual([`tick-${FIRST_MINUTE + 5}`]);
    const [job] = cluster.list(jobs);
    expect(job?.metadata).toMatchObject({
      labels: { team: 'a' },
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:05:00Z' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', controller: true }],
    });
    expect(cluster.get(cronJobs, 'tick').status).toMatchObject({
      lastScheduleTime: '2026-01-01T00:05:00Z',
      active: [{ apiVersion: 'batch/v1', kind: 'Job', name: job?.metadata?.name, uid: job?.metadata?.uid }],
    });
    expect(cluster.events()).toContain(`SuccessfulCreate: Created job tick-${FIRST_MINUTE + 5}`);
    await cluster.advance(5 * MINUTE_MS);
    expect(cluster.get(cronJobs, 'tick').status?.active).toHaveLength(2);
  });

  test('notes success and keeps as much history as asked for', async () => {
    const cluster = await started({ successfulJobsHistoryLimit: 2 });
    for (let run = 1; run <= 4; run++) {
      await cluster.advance(5 * MINUTE_MS);
      await cluster.advance(1000);
      await finish(cluster, `tick-${FIRST_MINUTE + 5 * run}`, 'Complete');
    }
    expect(names(cluster)).toEqual([`tick-${FIRST_MINUTE + 15}`, `tick-${FIRST_MINUTE + 20}`]);
    const { status } = cluster.get(cronJobs, 'tick');
    expect(status?.active ?? []).toEqual([]);
    expect(status?.lastSuccessfulTime).toBe('2026-01-01T00:20:04Z');
    expect(cluster.events()).toContain(
      `SawCompletedJob: Saw completed job: tick-${FIRST_MINUTE + 20}, condition: Complete`,
    );
  });

  test('Forbid waits for the running Job, Replace removes it', async () => {
    const forbid = await started({ concurrencyPolicy: 'Forbid' });
    await forbid.advance(16 * MINUTE_MS);
    expect(names(forbid)).toEqual([`tick-${FIRST_MINUTE + 5}`]);
    expect(forbid.events().some((event) => event.startsWith('JobAlreadyActive'))).toBe(true);

    const replace = await started({ concurrencyPolicy: 'Replace' });
    await replace.advance(11 * MINUTE_MS);
    expect(names(replace)).toEqual([`tick-${FIRST_MINUTE + 10}`]);
    expect(replace.get(cronJobs, 'tick').status?.active).toHaveLength(1);
  });

  test('suspended starts nothing, and resumed only the newest missed run', async () => {
    const cluster = await started({ suspend: true });
    await cluster.advance(17 * MINUTE_MS);
    expect(names(cluster)).toEqual([]);
    await cluster.change(cronJobs, 'tick', (object) => {
      if (object.spec) object.spec.suspend = false;
    });
    await cluster.settle();
    expect(names(cluster)).toEqual([`tick-${FIRST_MINUTE + 15}`]);
  });

  test('a run that is later than startingDeadlineSeconds is skipped', async () => {
    const cluster = await started({ suspend: true, startingDeadlineSeconds: 60 });
    await cluster.advance(17 * MINUTE_MS);
    await cluster.change(cronJobs, 'tick', (object) => {
      if (object.spec) object.spec.suspend = false;
    });
    await cluster.settle();
    expect(names(cluster)).toEqual([]);
    await cluster.advance(4 * MINUTE_MS);
    expect(names(cluster)).toEqual([`tick-${FIRST_MINUTE + 20}`]);
  });

  test('follows its time zone', async () => {
    const cluster = await started({ schedule: '30 9 * * *', timeZone: 'Asia/Tokyo' });
    await cluster.advance(31 * MINUTE_MS);
    expect(cluster.list(jobs)[0]?.metadata?.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toBe(
      '2026-01-01T09:30:00+09:00',
    );
  });

  test('a Job that vanished is taken off the active list', async () => {
    const cluster = await started();
    await cluster.advance(5 * MINUTE_MS + 1000);
    await cluster.client.delete(jobs, { namespace: 'default', name: names(cluster)[0] ?? '' });
    await cluster.settle();
    expect(cluster.get(cronJobs, 'tick').status?.active ?? []).toEqual([]);
    expect(names(cluster)).toEqual([]);
  });

  test('what cannot be read is told in an event', async () => {
    const cluster = await started({ schedule: '61 * * * *' });
    expect(cluster.events()[0]).toMatch(/^UnparseableSchedule: unparseable schedule: "61 \* \* \* \*" : /);
    const zone = await started({ timeZone: 'Mars/Olympus' });
    expect(zone.events()[0]).toMatch(/^UnknownTimeZone: invalid timeZone: "Mars\/Olympus"/);
  });

  test('a crash after any write starts no run twice and forgets none', async () => {
    for (let crashAt = 1; crashAt < 8; crashAt++) {
      const cluster = new FakeCluster([cronJobController]);
      let writes = 0;
      cluster.api.afterWrite = () => {
        if (++writes === crashAt) throw new Error('crash');
      };
      await cluster.client.create(cronJobs, cronJob());
      await cluster.advance(11 * MINUTE_MS);
      expect(names(cluster), `crash after write ${crashAt}`).toEqual([
        `tick-${FIRST_MINUTE + 5}`,
        `tick-${FIRST_MINUTE + 10}`,
      ]);
      expect(cluster.get(cronJobs, 'tick').status?.active).toHaveLength(2);
    }
  });
});

describe('schedules', () => {
  const at = (text: string): number => Date.parse(text);
  const next = (text: string, from: string, zone?: string): string =>
    formatTime(parseSchedule(text, zone).next(at(from)) ?? 0);

  test.each([
    ['*/15 * * * *', '2026-01-01T00:00:00Z', undefined, '2026-01-01T00:15:00Z'],
    ['5/20 * * * *', '2026-01-01T00:10:00Z', undefined, '2026-01-01T00:25:00Z'],
    ['@daily', '2026-01-01T00:00:00Z', undefined, '2026-01-02T00:00:00Z'],
    ['@every 1h30m', '2026-01-01T00:00:00Z', undefined, '2026-01-01T01:30:00Z'],
    ['0 9 * * MON', '2026-01-01T00:00:00Z', 'Europe/Berlin', '2026-01-05T08:00:00Z'],
    ['TZ=Asia/Tokyo 0 9 * * *', '2026-01-01T00:00:00Z', undefined, '2026-01-02T00:00:00Z'],
    ['0 0 1 * 1', '2026-01-01T00:00:00Z', undefined, '2026-01-05T00:00:00Z'],
  ])('%s after %s', (text, from, zone, expected) => {
    expect(next(text, from, zone)).toBe(expected);
  });

  test('six fields, unknown names and empty durations are refused', () => {
    for (const text of ['0 0 * * * *', '@sometimes', '@every', '@every soon', '']) {
      expect(() => parseSchedule(text, undefined), text).toThrow();
    }
  });

  test('of many missed runs the newest is due, and a warning is due above 100', () => {
    const object = cronJob({ schedule: '* * * * *' });
    object.metadata = { ...object.metadata, creationTimestamp: '2025-01-01T00:00:30Z' };
    const schedule = parseSchedule('* * * * *', undefined);
    expect(findDueRun(object, schedule, at('2026-01-01T00:00:10Z'))).toEqual({
      dueMs: at('2026-01-01T00:00:00Z'),
      tooManyMissed: true,
    });
    expect(findDueRun(object, schedule, at('2025-01-01T01:00:10Z'))?.tooManyMissed).toBe(false);
  });

  test('uneven schedules: the estimate of missed runs misleads nobody', () => {
    const object = cronJob();
    object.metadata = { ...object.metadata, creationTimestamp: '2026-01-01T00:00:00Z' };
    const schedule = parseSchedule('0,1 6 * * *', undefined);
    expect(findDueRun(object, schedule, at('2026-01-03T12:00:00Z'))?.dueMs).toBe(at('2026-01-03T06:01:00Z'));
  });

  test('times are written with the offset of their zone', () => {
    expect(formatInZone(at('2026-07-01T00:00:00Z'), 'America/New_York')).toBe('2026-06-30T20:00:00-04:00');
    expect(formatInZone(at('2026-07-01T00:00:00Z'), 'Asia/Kolkata')).toBe('2026-07-01T05:30:00+05:30');
    expect(formatInZone(at('2026-07-01T00:00:00Z'), 'UTC')).toBe('2026-07-01T00:00:00Z');
  });
});
