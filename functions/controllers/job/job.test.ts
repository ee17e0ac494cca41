import { describe, expect, test } from 'vitest';
import { jobs, pods } from '../../../lib/client/resources.js';
import type { V1Job, V1JobSpec, V1Pod, V1PodStatus } from '../../../lib/schema/generated/types.js';
import { formatTime } from '../../../lib/clock/clock.js';
import { podTemplate } from '../shared/testing/builders.js';
import { FakeCluster } from '../shared/testing/fake-cluster.js';
import { IndexSet } from './index-set.js';
import { jobController } from './index.js';
import { judgeFailure, matchSuccessPolicy } from './policies.js';

const FINALIZER = 'batch.kubernetes.io/job-tracking';

function job(spec: Partial<V1JobSpec> = {}): V1Job {
  const template = podTemplate('work', 'image:1', 'Never');
  return {
    metadata: { name: 'work', namespace: 'default' },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      selector: { matchLabels: { app: 'work' } },
      template: { ...template, metadata: { labels: { app: 'work', 'batch.kubernetes.io/job-name': 'work' } } },
      ...spec,
    },
  };
}

async function started(spec: Partial<V1JobSpec> = {}): Promise<FakeCluster> {
  const cluster = new FakeCluster([jobController]);
  await cluster.client.create(jobs, job(spec));
  await cluster.settle();
  return cluster;
}

function active(cluster: FakeCluster): V1Pod[] {
  return cluster
    .list(pods)
    .filter(
      ({ status, metadata }) =>
        status?.phase !== 'Failed' && status?.phase !== 'Succeeded' && !metadata?.deletionTimestamp,
    )
    .sort((left, right) => ((left.metadata?.generateName ?? '') < (right.metadata?.generateName ?? '') ? -1 : 1));
}

function terminated(exitCode: number, finishedMs: number): Partial<V1PodStatus> {
  const state = { terminated: { exitCode, finishedAt: formatTime(finishedMs) } };
  return { containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state }] };
}

async function end(cluster: FakeCluster, pod: V1Pod | undefined, exitCode: number): Promise<void> {
  const status = terminated(exitCode, cluster.clock.now());
  await cluster.setPhase(pod?.metadata?.name ?? '', exitCode === 0 ? 'Succeeded' : 'Failed', status);
  await cluster.settle();
}

function conditions(cluster: FakeCluster): string[] {
  return (cluster.get(jobs, 'work').status?.conditions ?? []).map(
    ({ type, status, reason }) => `${type}=${status} ${reason}`,
  );
}

function indexOf(pod: V1Pod): string | undefined {
  return pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index'];
}

const indexed: Partial<V1JobSpec> = { completionMode: 'Indexed', completions: 3, parallelism: 3 };

describe('job', () => {
  test('runs its pods in parallel until enough have succeeded, and lets them go', async () => {
    const cluster = await started({ parallelism: 2, completions: 3 });
    expect(active(cluster)).toHaveLength(2);
    expect(active(cluster)[0]?.metadata?.finalizers).toEqual([FINALIZER]);
    await cluster.runPods();
    await cluster.settle();
    expect(cluster.get(jobs, 'work').status).toMatchObject({ active: 2, ready: 2, startTime: '2026-01-01T00:00:00Z' });
    await end(cluster, active(cluster)[0], 0);
    await end(cluster, active(cluster)[0], 0);
    await end(cluster, active(cluster)[0], 0);
    const { status } = cluster.get(jobs, 'work');
    expect(status).toMatchObject({ succeeded: 3, ready: 0, terminating: 0, completionTime: '2026-01-01T00:00:00Z' });
    expect(status?.active).toBeUndefined();
    expect(status?.uncountedTerminatedPods).toEqual({});
    expect(conditions(cluster)).toEqual([
      'SuccessCriteriaMet=True CompletionsReached',
      'Complete=True CompletionsReached',
    ]);
    expect(cluster.list(pods)).toHaveLength(3);
    expect(cluster.list(pods).flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([]);
    expect(cluster.events()).toContain('Completed: Job completed');
  });

  test('without completions ends when one has succeeded and the others have ended', async () => {
    const cluster = await started({ parallelism: 2, completions: undefined });
    const [first, second] = active(cluster);
    await end(cluster, first, 0);
    expect(conditions(cluster)).toEqual([]);
    expect(active(cluster)).toHaveLength(1);
    await end(cluster, second, 0);
    expect(conditions(cluster)).toContain('Complete=True CompletionsReached');
  });

  test('replaces a failed pod after 10, then 20 seconds, and fails above the back-off limit', async () => {
    const cluster = await started({ backoffLimit: 2 });
    await end(cluster, active(cluster)[0], 1);
    expect(active(cluster)).toHaveLength(0);
    await cluster.advance(9_000);
    expect(active(cluster)).toHaveLength(0);
    await cluster.advance(1_000);
    expect(active(cluster)).toHaveLength(1);
    await end(cluster, active(cluster)[0], 1);
    await cluster.advance(19_000);
    expect(active(cluster)).toHaveLength(0);
    await cluster.advance(1_000);
    await end(cluster, active(cluster)[0], 1);
    expect(cluster.get(jobs, 'work').status?.failed).toBe(3);
    expect(conditions(cluster)).toEqual([
      'FailureTarget=True BackoffLimitExceeded',
      'Failed=True BackoffLimitExceeded',
    ]);
    expect(cluster.events()).toContain('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  test('past its deadline ends its pods, and is Failed when they have ended', async () => {
    const cluster = await started({ activeDeadlineSeconds: 30, parallelism: 2, completions: 2 });
    await cluster.runPods();
    await cluster.settle();
    await cluster.advance(30_000);
    expect(conditions(cluster)).toEqual(['FailureTarget=True DeadlineExceeded']);
    expect(cluster.get(jobs, 'work').status?.terminating).toBe(2);
    await cluster.converge();
    expect(conditions(cluster)).toEqual(['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded']);
    expect(cluster.get(jobs, 'work').status).toMatchObject({ failed: 2, terminating: 0 });
  });

  test('suspended ends its pods without counting them, resumed starts its time anew', async () => {
    const cluster = await started({ parallelism: 2, completions: 2 });
    await cluster.runPods();
    await cluster.settle();
    await cluster.change(jobs, 'work', (object) => {
      if (object.spec) object.spec.suspend = true;
    });
    await cluster.converge();
    expect(cluster.list(pods)).toHaveLength(0);
    expect(cluster.get(jobs, 'work').status?.startTime).toBeUndefined();
    expect(cluster.get(jobs, 'work').status?.failed).toBeUndefined();
    expect(conditions(cluster)).toEqual(['Suspended=True JobSuspended']);
    await cluster.advance(60_000);
    await cluster.change(jobs, 'work', (object) => {
      if (object.spec) object.spec.suspend = false;
    });
    await cluster.converge();
    expect(active(cluster)).toHaveLength(2);
    expect(conditions(cluster)).toEqual(['Suspended=False JobResumed']);
    expect(cluster.get(jobs, 'work').status?.startTime).toMatch(/^2026-01-01T00:01:/);
    expect(cluster.events()).toEqual(expect.arrayContaining(['Suspended: Job suspended', 'Resumed: Job resumed']));
  });

  test('is removed ttlSecondsAfterFinished after it finished', async () => {
    const cluster = await started({ ttlSecondsAfterFinished: 20 });
    await end(cluster, active(cluster)[0], 0);
    await cluster.advance(19_000);
    expect(cluster.list(jobs)).toHaveLength(1);
    await cluster.advance(1_000);
    expect(cluster.list(jobs)).toHaveLength(0);
  });

  test('takes a matching pod back whose owner was cleared, and lets go of one whose labels changed', async () => {
    const cluster = await started({ parallelism: 2, completions: 2 });
    await cluster.runPods();
    const [first, second] = active(cluster).map(({ metadata }) => metadata?.name ?? '');
    await cluster.client.patch(pods, { namespace: 'default', name: first ?? '' }, 'merge', {
      metadata: { ownerReferences: [] },
    });
    const stored = cluster.get(pods, first ?? '');
    await cluster.client.update(pods, { ...stored, metadata: { ...stored.metadata, ownerReferences: [] } });
    await cluster.settle();
    expect(cluster.get(pods, first ?? '').metadata?.ownerReferences).toMatchObject([{ kind: 'Job', controller: true }]);
    const other = cluster.get(pods, second ?? '');
    await cluster.client.update(pods, { ...other, metadata: { ...other.metadata, labels: { app: 'free' } } });
    await cluster.settle();
    expect(cluster.get(pods, second ?? '').metadata).toMatchObject({ ownerReferences: [], finalizers: [] });
    expect(active(cluster)).toHaveLength(3);
  });

  test('pods of a Job that is gone lose their finalizer, also when they were orphaned', async () => {
    const cluster = await started({ parallelism: 2, completions: 2 });
    await cluster.client.delete(jobs, { namespace: 'default', name: 'work' });
    const labels = { app: 'work', 'batch.kubernetes.io/job-name': 'work' };
    await cluster.client.create(pods, {
      metadata: { name: 'orphan', namespace: 'default', labels, finalizers: [FINALIZER] },
      spec: podTemplate('work').spec,
    });
    await cluster.settle();
    expect(cluster.list(pods)).toHaveLength(3);
    expect(cluster.list(pods).flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([]);
  });

  test('leaves a Job alone that another controller manages', async () => {
    const cluster = await started({ managedBy: 'example.com/other' });
    expect(cluster.list(pods)).toHaveLength(0);
    expect(cluster.get(jobs, 'work').status).toBeUndefined();
  });

  test('counts every pod exactly once when it crashes between any two writes', async () => {
    for (let crashAt = 1; crashAt < 40; crashAt++) {
      const cluster = new FakeCluster([jobController]);
      let writes = 0;
      cluster.api.afterWrite = ({ path }) => {
        if (!path.includes('/events') && ++writes === crashAt) throw new Error('crash');
      };
      await cluster.client.create(jobs, job({ parallelism: 2, completions: 4, backoffLimit: 3 }));
      let failures = 0;
      for (let round = 0; round < 40 && !conditions(cluster).some((one) => one.startsWith('Complete')); round++) {
        await cluster.advance(21_000);
        for (const pod of active(cluster)) await end(cluster, pod, failures++ === 0 ? 1 : 0);
      }
      const { status } = cluster.get(jobs, 'work');
      const succeeded = cluster.list(pods).filter((pod) => pod.status?.phase === 'Succeeded').length;
      expect(status, `crash after write ${crashAt}`).toMatchObject({ succeeded, failed: 1, ready: 0 });
      expect(succeeded).toBe(4);
      expect(cluster.list(pods).flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([]);
    }
  });
});

describe('indexed job', () => {
  test('gives each pod an index by annotation, label, name, host name and variable', async () => {
    const cluster = await started(indexed);
    expect(active(cluster).map(indexOf)).toEqual(['0', '1', '2']);
    const [pod] = active(cluster);
    expect(pod?.metadata).toMatchObject({
      generateName: 'work-0-',
      labels: { 'batch.kubernetes.io/job-completion-index': '0' },
    });
    expect(pod?.spec).toMatchObject({
      hostname: 'work-0',
      containers: [
        {
          env: [
            {
              name: 'JOB_COMPLETION_INDEX',
              valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
            },
          ],
        },
      ],
    });
    for (const one of active(cluster)) await end(cluster, one, 0);
    expect(cluster.get(jobs, 'work').status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
    expect(conditions(cluster)).toContain('Complete=True CompletionsReached');
  });

  test('runs a failed index again', async () => {
    const cluster = await started(indexed);
    await end(cluster, active(cluster)[1], 1);
    await cluster.advance(10_000);
    expect(active(cluster).map(indexOf)).toEqual(['0', '1', '2']);
  });

  test('with a limit per index gives up single indexes and runs the others', async () => {
    const cluster = await started({ ...indexed, backoffLimitPerIndex: 1, backoffLimit: 2147483647 });
    await end(cluster, active(cluster)[0], 1);
    expect(cluster.get(jobs, 'work').status?.failed).toBeUndefined();
    await cluster.advance(10_000);
    const again = active(cluster).find((pod) => indexOf(pod) === '0');
    expect(again?.metadata?.annotations?.['batch.kubernetes.io/job-index-failure-count']).toBe('1');
    await end(cluster, again, 1);
    expect(cluster.get(jobs, 'work').status).toMatchObject({ failedIndexes: '0', failed: 2 });
    for (const pod of active(cluster)) await end(cluster, pod, 0);
    expect(conditions(cluster)).toEqual(['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes']);
    expect(cluster.get(jobs, 'work').status).toMatchObject({ completedIndexes: '1,2', failedIndexes: '0' });
  });

  test('fails when more indexes failed than maxFailedIndexes', async () => {
    const cluster = await started({
      ...indexed,
      backoffLimitPerIndex: 0,
      maxFailedIndexes: 0,
      backoffLimit: 2147483647,
    });
    await cluster.runPods();
    await end(cluster, active(cluster)[2], 1);
    await cluster.converge();
    expect(conditions(cluster)).toContain('Failed=True MaxFailedIndexesExceeded');
    expect(active(cluster)).toHaveLength(0);
  });

  test('succeeds by its success policy, ending what still runs', async () => {
    const cluster = await started({ ...indexed, successPolicy: { rules: [{ succeededIndexes: '1' }] } });
    await cluster.runPods();
    await end(cluster, active(cluster)[1], 0);
    await cluster.converge();
    expect(conditions(cluster)).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy']);
    expect(cluster.get(jobs, 'work').status).toMatchObject({ succeeded: 1, completedIndexes: '1' });
    expect(cluster.get(jobs, 'work').status?.failed).toBeUndefined();
  });
});

describe('pod failure policy', () => {
  const rules = [
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  ];

  test('fails the Job at once on an exit code', async () => {
    const cluster = await started({ podFailurePolicy: { rules } });
    const [pod] = active(cluster);
    await end(cluster, pod, 42);
    const failed = cluster.get(jobs, 'work').status?.conditions?.find(({ type }) => type === 'Failed');
    expect(failed).toMatchObject({
      reason: 'PodFailurePolicy',
      message: `Container main for pod default/${pod?.metadata?.name} failed with exit code 42 matching FailJob rule at index 0`,
    });
  });

  test('ignores disruptions, which do not count as failures', async () => {
    const cluster = await started({ ...indexed, backoffLimit: 0, podFailurePolicy: { rules } });
    const name = active(cluster)[0]?.metadata?.name ?? '';
    await cluster.setPhase(name, 'Failed', { conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
    await cluster.settle();
    expect(cluster.get(jobs, 'work').status?.failed).toBeUndefined();
    await cluster.advance(11_000);
    expect(active(cluster).map(indexOf)).toEqual(['0', '1', '2']);
  });

  test('without a matching rule a failure counts', () => {
    expect(judgeFailure(job({ podFailurePolicy: { rules } }), { status: { phase: 'Failed' } }).action).toBe('Count');
  });
});

describe('index sets', () => {
  test.each([
    ['', '', 0],
    ['1,3-5,7', '1,3-5,7', 5],
    ['0,1', '0,1', 2],
    ['0-1,2', '0-2', 3],
    ['3-20', '3-9', 7],
    ['x,4,-', '4', 1],
  ])('%j is read as %j', (text, expected, size) => {
    const set = IndexSet.parse(text, 10);
    expect(set.toString()).toBe(expected);
    expect(set.size).toBe(size);
  });

  test('finds what is missing, and what two sets have in common', () => {
    const set = IndexSet.parse('0,2-4,8', 10);
    expect(set.firstMissing(3, 10)).toEqual([1, 5, 6]);
    expect(set.firstMissing(9, 10)).toEqual([1, 5, 6, 7, 9]);
    expect(set.overlap(IndexSet.parse('3-8', 10))).toBe(3);
    expect(set.union(IndexSet.of([1])).toString()).toBe('0-4,8');
  });

  test('a success policy may ask for a number of certain indexes', () => {
    const policy = { rules: [{ succeededIndexes: '0-4', succeededCount: 2 }] };
    const object = job({ ...indexed, completions: 10, successPolicy: policy });
    expect(matchSuccessPolicy(object, IndexSet.of([4, 9]))).toBeUndefined();
    expect(matchSuccessPolicy(object, IndexSet.of([3, 4]))).toBe('Matched rules at index 0');
  });
});
