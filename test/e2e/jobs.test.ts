import { describe, expect, it } from 'vitest';
import { cronJobs, jobs, pods } from '../../lib/client/resources.js';
import type { V1Job } from '../../lib/schema/generated/types.js';
import { cronJob, job } from './manifests.js';
import { change, livePods, nameOf, Recording } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';
const RUNS_ON = { 'simulated.zeroplane.dev/run-ms': '600000' };

const conditionOf = (one: V1Job, type: string) =>
  one.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');

describe.concurrent('jobs', () => {
  it('row 120: a job takes back a pod without an owner and lets go of one whose labels changed', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    await kubectl.apply(job('work', { annotations: RUNS_ON, spec: { parallelism: 2 } }));
    const [first, second] = await eventually(async () => {
      const all = await livePods(client, namespace);
      expect(all.map((pod) => pod.status?.phase)).toEqual(['Running', 'Running']);
      return all;
    });
    const firstRef = { namespace, name: nameOf(first ?? {}) };
    await client.patch(pods, firstRef, 'merge', { metadata: { ownerReferences: null } });
    await eventually(async () =>
      expect((await client.get(pods, firstRef)).metadata?.ownerReferences?.[0]).toMatchObject({
        kind: 'Job',
        name: 'work',
        controller: true,
      }),
    );
    const secondRef = { namespace, name: nameOf(second ?? {}) };
    const labels = Object.fromEntries(Object.keys(second?.metadata?.labels ?? {}).map((key) => [key, null]));
    await client.patch(pods, secondRef, 'merge', { metadata: { labels } });
    await eventually(async () =>
      expect((await client.get(pods, secondRef)).metadata?.ownerReferences ?? []).toEqual([]),
    );
    await eventually(async () =>
      expect(await livePods(client, namespace, 'batch.kubernetes.io/job-name=work')).toHaveLength(2),
    );
  });

  it('row 121: an eviction that the failure policy ignores does not count', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    const podFailurePolicy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] };
    const annotations = { 'simulated.zeroplane.dev/run-ms': '2500', 'simulated.zeroplane.dev/exit-code': '0' };
    await kubectl.apply(
      job('work', {
        annotations,
        spec: { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimit: 0, podFailurePolicy },
      }),
    );
    const [first] = await eventually(async () => {
      const all = await livePods(client, namespace);
      expect(all.map((pod) => pod.status?.phase)).toEqual(['Running', 'Running']);
      return all;
    });
    const name = nameOf(first ?? {});
    await client.createSubresource(pods, { namespace, name }, 'eviction', {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name },
    });
    await kubectl.ok(['wait', '--for=condition=complete', 'job/work', TIMEOUT]);
    expect((await client.get(jobs, { namespace, name: 'work' })).status).toMatchObject({
      succeeded: 2,
      completedIndexes: '0,1',
    });
    expect((await client.get(jobs, { namespace, name: 'work' })).status?.failed ?? 0).toBe(0);
  });

  it('row 122: a rule on the exit code fails the job at once', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    const podFailurePolicy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] };
    await kubectl.apply(
      job('work', {
        annotations: { 'simulated.zeroplane.dev/exit-code': '42' },
        spec: { backoffLimit: 6, podFailurePolicy },
      }),
    );
    await kubectl.ok(['wait', '--for=condition=failed', 'job/work', TIMEOUT]);
    const work = await client.get(jobs, { namespace, name: 'work' });
    expect(conditionOf(work, 'Failed')).toMatchObject({
      reason: 'PodFailurePolicy',
      message: expect.stringContaining('with exit code 42 matching FailJob rule at index 0') as string,
    });
    expect(work.status?.failed).toBe(1);
  });

  it('row 123: status is read, patched and updated', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    await kubectl.apply(job('work', { annotations: RUNS_ON }));
    const ref = { namespace, name: 'work' };
    await eventually(async () =>
      expect((await client.get(jobs, ref, { subresource: 'status' })).status?.ready).toBe(1),
    );
    const custom = { type: 'CustomConditionType', status: 'True' };
    const updated = await eventually(async () => {
      const present = await client.get(jobs, ref);
      return client.updateStatus(jobs, { ...present, status: { ...present.status, conditions: [custom] } });
    });
    expect(updated.status?.conditions).toContainEqual(expect.objectContaining(custom));
    const patched = { type: 'PatchedConditionType', status: 'True' };
    const answer = await client.patch(
      jobs,
      ref,
      'strategic',
      { status: { conditions: [patched] } },
      { subresource: 'status' },
    );
    expect(answer.status?.conditions?.map(({ type }) => type).sort()).toEqual([
      'CustomConditionType',
      'PatchedConditionType',
    ]);
  });

  it('row 124: pods of an indexed job carry distinct indexes and host names', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    await kubectl.apply(job('work', { spec: { completionMode: 'Indexed', completions: 4, parallelism: 2 } }));
    await kubectl.ok(['wait', '--for=condition=complete', 'job/work', TIMEOUT]);
    expect((await client.get(jobs, { namespace, name: 'work' })).status).toMatchObject({
      succeeded: 4,
      completedIndexes: '0-3',
    });
    const all = await livePods(client, namespace);
    expect(all.map((pod) => pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index']).sort()).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
    expect(all.map((pod) => pod.spec?.hostname).sort()).toEqual(['work-0', 'work-1', 'work-2', 'work-3']);
    const env = all[0]?.spec?.containers[0]?.env?.find(({ name }) => name === 'JOB_COMPLETION_INDEX');
    expect(env?.valueFrom?.fieldRef?.fieldPath).toMatch(/batch\.kubernetes\.io\/job-completion-index/);
  });

  it('row 125: active pods equal parallelism, and deletion removes job and pods', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    await kubectl.apply(job('work', { annotations: RUNS_ON, spec: { parallelism: 2, completions: 4 } }));
    await eventually(async () =>
      expect((await client.get(jobs, { namespace, name: 'work' })).status).toMatchObject({ active: 2, ready: 2 }),
    );
    await kubectl.ok(['delete', 'job', 'work']);
    expect(await client.find(jobs, { namespace, name: 'work' })).toBeUndefined();
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toEqual([]));
  });

  it('row 126: a suspended job is patched, updated, listed and deleted by collection, with events', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    const recording = new Recording(client, jobs, { namespace, labelSelector: 'app=work' });
    await kubectl.apply(job('work', { spec: { suspend: true, parallelism: 2, completions: 4 } }));
    await recording.until('ADDED');
    await recording.until('MODIFIED', (one) => conditionOf(one, 'Suspended') !== undefined);
    expect((await client.list(pods, { namespace })).items).toEqual([]);
    const ref = { namespace, name: 'work' };
    await client.patch(jobs, ref, 'strategic', { metadata: { labels: { patched: 'yes' } } });
    await recording.until('MODIFIED', ({ metadata }) => metadata?.labels?.['patched'] === 'yes');
    await eventually(async () => {
      const present = await client.get(jobs, ref);
      await client.update(jobs, { ...present, metadata: { ...present.metadata, annotations: { updated: 'true' } } });
    });
    await recording.until('MODIFIED', ({ metadata }) => metadata?.annotations?.['updated'] === 'true');
    expect((await client.list(jobs, { labelSelector: 'app=work,patched=yes' })).items.map(nameOf)).toEqual(['work']);
    await client.deleteCollection(jobs, { namespace, labelSelector: 'app=work' }, { propagationPolicy: 'Background' });
    await recording.until('DELETED');
    recording.stop();
  });

  it('a job that fails too often, one that takes too long, one that goes by itself', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    await kubectl.apply(
      job('fails', {
        annotations: { 'simulated.zeroplane.dev/exit-code': '1', 'simulated.zeroplane.dev/run-ms': '10' },
        spec: { backoffLimit: 0 },
      }),
      job('lasts', { annotations: RUNS_ON, spec: { activeDeadlineSeconds: 2 } }),
      job('goes', { spec: { ttlSecondsAfterFinished: 1 } }),
    );
    await kubectl.ok(['wait', '--for=condition=failed', 'job/fails', 'job/lasts', TIMEOUT]);
    const failed = await client.get(jobs, { namespace, name: 'fails' });
    expect(conditionOf(failed, 'Failed')).toMatchObject({
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    });
    const lasts = await client.get(jobs, { namespace, name: 'lasts' });
    expect(conditionOf(lasts, 'Failed')).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    });
    await kubectl.ok(['wait', '--for=delete', 'job/goes', TIMEOUT]);
    await eventually(async () =>
      expect(await livePods(client, namespace, 'batch.kubernetes.io/job-name=goes')).toEqual([]),
    );
    expect(await kubectl.ok(['get', 'job', 'fails', '--no-headers'])).toMatch(/^fails +Failed +0\/1 /);
  });

  it('row 99: cron jobs: every verb, and their status', async () => {
    const { client, kubectl, namespace } = await cluster.scene('jobs');
    const recording = new Recording(client, cronJobs, { namespace });
    await kubectl.apply(cronJob('tick', '0 0 1 1 *'));
    await recording.until('ADDED');
    const ref = { namespace, name: 'tick' };
    await client.patch(cronJobs, ref, 'merge', { metadata: { annotations: { patched: 'true' } } });
    await recording.until('MODIFIED', ({ metadata }) => metadata?.annotations?.['patched'] === 'true');
    await change(client, cronJobs, ref, (present) => ({
      ...present,
      metadata: { ...present.metadata, annotations: { ...present.metadata?.annotations, updated: 'true' } },
    }));
    const lastScheduleTime = '2026-01-01T00:00:00Z';
    expect(
      (await client.patch(cronJobs, ref, 'merge', { status: { lastScheduleTime } }, { subresource: 'status' })).status
        ?.lastScheduleTime,
    ).toBe(lastScheduleTime);
    const now = await client.get(cronJobs, ref, { subresource: 'status' });
    await client.updateStatus(cronJobs, { ...now, status: { ...now.status, lastSuccessfulTime: lastScheduleTime } });
    expect((await client.get(cronJobs, ref)).status).toMatchObject({ lastSuccessfulTime: lastScheduleTime });
    expect((await client.list(cronJobs)).items.map(nameOf)).toContain('tick');
    await client.deleteCollection(cronJobs, { namespace });
    await recording.until('DELETED');
    expect(await kubectl.fails(['create', 'cronjob', 'bad', '--image=x', '--schedule=61 * * * *'])).toMatch(
      /spec\.schedule: Invalid value: "61 \* \* \* \*"/,
    );
    recording.stop();
  });
});
