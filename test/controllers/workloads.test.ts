import { afterEach, describe, expect, test } from 'vitest';
import {
  controllerRevisions,
  cronJobs,
  daemonSets,
  deployments,
  jobs,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '../../lib/client/resources.js';
import type { V1Deployment, V1Job, V1Pod, V1PodTemplateSpec } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../support/cluster.js';

/** The workload controllers with everything they work with: the real API server, scheduler and simulated nodes. */

let cluster: TestCluster;

afterEach(() => cluster.close());

/** What failed other than by losing a race, which the next try wins. */
function troubles(): string[] {
  return cluster.errors.filter((error) => !error.includes('the object has been modified'));
}

function template(app: string, image = 'image:1', more: Partial<V1PodTemplateSpec['spec']> = {}): V1PodTemplateSpec {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image }], ...more } };
}

const selector = (app: string): { matchLabels: Record<string, string> } => ({ matchLabels: { app } });
const named = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

async function podsOf(app: string): Promise<V1Pod[]> {
  return (await cluster.client.list(pods, { namespace: 'default', labelSelector: `app=${app}` })).items;
}

async function images(app: string): Promise<string[]> {
  return (await podsOf(app)).map(({ spec }) => spec?.containers[0]?.image ?? '').sort();
}

function deployment(replicas: number): V1Deployment {
  return { metadata: named('web'), spec: { replicas, selector: selector('web'), template: template('web') } };
}

async function rolledOut(image: string, replicas: number): Promise<void> {
  const { status, metadata } = await cluster.client.get(deployments, named('web'));
  expect(status).toMatchObject({
    observedGeneration: metadata?.generation,
    updatedReplicas: replicas,
    availableReplicas: replicas,
    replicas,
  });
  expect(await images('web')).toEqual(Array.from({ length: replicas }, () => image));
}

describe('deployment', () => {
  test('rolls out, scales, rolls on and back, and heals', async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.client.create(deployments, deployment(4));
    await cluster.until(() => rolledOut('image:1', 4));
    await cluster.client.patch(deployments, named('web'), 'strategic', {
      spec: { template: template('web', 'image:2') },
    });
    await cluster.until(() => rolledOut('image:2', 4), 120_000);
    await cluster.client.patch(deployments, named('web'), 'merge', { spec: { replicas: 6 } }, { subresource: 'scale' });
    await cluster.until(() => rolledOut('image:2', 6));
    const [victim] = await podsOf('web');
    await cluster.client.delete(pods, named(victim?.metadata?.name ?? ''));
    await cluster.until(() => rolledOut('image:2', 6), 120_000);

    const [old] = (await cluster.client.list(replicaSets, { namespace: 'default' })).items.filter(
      ({ metadata }) => metadata?.annotations?.['deployment.kubernetes.io/revision'] === '1',
    );
    await cluster.client.patch(deployments, named('web'), 'json', [
      {
        op: 'replace',
        path: '/spec/template',
        value: { ...old?.spec?.template, metadata: { labels: { app: 'web' } } },
      },
    ]);
    await cluster.until(() => rolledOut('image:1', 6), 120_000);
    const { metadata } = await cluster.client.get(deployments, named('web'));
    expect(metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
    expect((await cluster.client.list(replicaSets, { namespace: 'default' })).items).toHaveLength(2);
    expect(troubles()).toEqual([]);
  });
});

describe('replication controller', () => {
  test('keeps its pods, adopts and releases', async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.client.create(pods, {
      metadata: { ...named('orphan'), labels: { app: 'rc' } },
      spec: template('rc').spec,
    });
    await cluster.client.create(replicationControllers, {
      metadata: named('rc'),
      spec: { replicas: 2, selector: { app: 'rc' }, template: template('rc') },
    });
    await cluster.until(async () => {
      const { status } = await cluster.client.get(replicationControllers, named('rc'));
      expect(status).toMatchObject({ replicas: 2, readyReplicas: 2, availableReplicas: 2 });
    });
    expect((await cluster.client.get(pods, named('orphan'))).metadata?.ownerReferences?.[0]?.kind).toBe(
      'ReplicationController',
    );
    await cluster.client.patch(pods, named('orphan'), 'merge', { metadata: { labels: { app: 'free' } } });
    await cluster.until(async () => {
      expect((await cluster.client.get(pods, named('orphan'))).metadata?.ownerReferences).toBeUndefined();
      expect(await podsOf('rc')).toHaveLength(2);
    });
  });
});

describe('stateful set', () => {
  test('creates in order, with claims and identity, and rolls from the top', async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.client.create(statefulSets, {
      metadata: named('db'),
      spec: { replicas: 3, serviceName: 'db', selector: selector('db'), template: template('db') },
    });
    const settled = async (image: string): Promise<void> => {
      const { status } = await cluster.client.get(statefulSets, named('db'));
      expect(status).toMatchObject({
        replicas: 3,
        readyReplicas: 3,
        currentReplicas: 3,
        updatedReplicas: 3,
        availableReplicas: 3,
      });
      expect(await images('db')).toEqual([image, image, image]);
    };
    await cluster.until(() => settled('image:1'), 120_000);
    await cluster.client.patch(statefulSets, named('db'), 'strategic', {
      spec: { template: template('db', 'image:2') },
    });
    await cluster.until(() => settled('image:2'), 300_000);
    expect((await cluster.client.list(controllerRevisions, { namespace: 'default' })).items).toHaveLength(2);
    await cluster.client.patch(statefulSets, named('db'), 'merge', { spec: { replicas: 1 } });
    await cluster.until(
      async () => expect((await podsOf('db')).map(({ metadata }) => metadata?.name)).toEqual(['db-0']),
      120_000,
    );
    expect(troubles()).toEqual([]);
  });

  test('makes claims from templates', async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.client.create(statefulSets, {
      metadata: named('db'),
      spec: {
        replicas: 2,
        podManagementPolicy: 'Parallel',
        serviceName: 'db',
        selector: selector('db'),
        template: template('db'),
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    });
    await cluster.until(async () => {
      const claims = (await cluster.client.list(persistentVolumeClaims, { namespace: 'default' })).items;
      expect(claims.map(({ metadata }) => metadata?.name ?? '').sort()).toEqual(['data-db-0', 'data-db-1']);
    });
    expect((await cluster.client.get(pods, named('db-1'))).spec?.volumes?.[0]).toMatchObject({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-db-1' },
    });
  });
});

describe('daemon set', () => {
  test('runs on every node, also on cordoned ones, and rolls out', async () => {
    cluster = await startCluster({ nodes: 3 });
    await cluster.client.create(daemonSets, {
      metadata: named('log'),
      spec: { selector: selector('log'), template: template('log') },
    });
    const settled = async (image: string): Promise<void> => {
      const { status, metadata } = await cluster.client.get(daemonSets, named('log'));
      expect(status).toMatchObject({
        observedGeneration: metadata?.generation,
        desiredNumberScheduled: 3,
        numberAvailable: 3,
        updatedNumberScheduled: 3,
      });
      expect(await images('log')).toEqual([image, image, image]);
    };
    await cluster.until(() => settled('image:1'));
    const on = new Set((await podsOf('log')).map(({ spec }) => spec?.nodeName));
    expect(on.size).toBe(3);
    await cluster.client.patch(daemonSets, named('log'), 'strategic', {
      spec: { template: template('log', 'image:2') },
    });
    await cluster.until(() => settled('image:2'), 300_000);
    expect(troubles()).toEqual([]);
  });
});

describe('job', () => {
  const job = (spec: Partial<NonNullable<V1Job['spec']>>, annotations?: Record<string, string>): V1Job => ({
    metadata: named('work'),
    spec: {
      ...spec,
      template: {
        metadata: { annotations },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'image:1' }] },
      },
    },
  });
  const ended = async (type: string): Promise<V1Job> => {
    const object = await cluster.client.get(jobs, named('work'));
    expect(object.status?.conditions?.some((one) => one.type === type && one.status === 'True')).toBe(true);
    return object;
  };

  test('completes, indexed and in parallel, and lets its pods go', async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.client.create(jobs, job({ completions: 5, parallelism: 2, completionMode: 'Indexed' }));
    const { value } = await cluster.until(() => ended('Complete'), 300_000);
    expect(value.status).toMatchObject({ succeeded: 5, completedIndexes: '0-4', ready: 0, terminating: 0 });
    const finished = (await cluster.client.list(pods, { namespace: 'default' })).items;
    expect(finished.map(({ spec }) => spec?.hostname ?? '').sort()).toEqual([
      'work-0',
      'work-1',
      'work-2',
      'work-3',
      'work-4',
    ]);
    expect(finished.flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([]);
    expect(troubles()).toEqual([]);
  });

  test('fails above its back-off limit', async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.client.create(jobs, job({ backoffLimit: 1 }, { 'simulated.zeroplane.dev/exit-code': '3' }));
    const { value, tookMs } = await cluster.until(() => ended('Failed'), 300_000);
    expect(value.status).toMatchObject({ failed: 2 });
    expect(tookMs).toBeGreaterThan(9_000);
    expect(troubles()).toEqual([]);
  });

  test('fails at once by its failure policy', async () => {
    cluster = await startCluster({ nodes: 1 });
    const podFailurePolicy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }] };
    await cluster.client.create(jobs, job({ podFailurePolicy }, { 'simulated.zeroplane.dev/exit-code': '3' }));
    const { value } = await cluster.until(() => ended('Failed'));
    expect(value.status?.conditions?.find(({ type }) => type === 'Failed')?.reason).toBe('PodFailurePolicy');
    expect(troubles()).toEqual([]);
  });

  test('is suspended, resumed, and removed when its time is up', async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.client.create(jobs, job({ suspend: true, ttlSecondsAfterFinished: 30 }));
    await cluster.until(() => ended('Suspended'));
    expect((await cluster.client.list(pods, { namespace: 'default' })).items).toEqual([]);
    await cluster.client.patch(jobs, named('work'), 'merge', { spec: { suspend: false } });
    await cluster.until(() => ended('Complete'));
    await cluster.until(async () => expect(await cluster.client.find(jobs, named('work'))).toBeUndefined());
    expect(troubles()).toEqual([]);
  });

  test('a cron job starts jobs and keeps its history', async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.client.create(cronJobs, {
      metadata: named('tick'),
      spec: {
        schedule: '*/1 * * * *',
        successfulJobsHistoryLimit: 2,
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'image:1' }] } } },
        },
      },
    });
    await cluster.advance(5 * 60_000 + 30_000);
    const { status } = await cluster.client.get(cronJobs, named('tick'));
    expect(status?.lastScheduleTime).toBe('2026-01-01T00:05:00Z');
    expect(status?.lastSuccessfulTime?.slice(0, 16)).toBe('2026-01-01T00:05');
    expect((await cluster.client.list(jobs, { namespace: 'default' })).items).toHaveLength(2);
    expect(troubles()).toEqual([]);
  });
});

describe('disruption budget', () => {
  test('an eviction takes what the budget allows, and no more', async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.client.create(deployments, deployment(3));
    await cluster.client.create(podDisruptionBudgets, {
      metadata: named('pdb'),
      spec: { maxUnavailable: 1, selector: selector('web') },
    });
    await cluster.until(async () => {
      const { status } = await cluster.client.get(podDisruptionBudgets, named('pdb'));
      expect(status).toMatchObject({ expectedPods: 3, desiredHealthy: 2, currentHealthy: 3, disruptionsAllowed: 1 });
    });
    const [first, second] = (await podsOf('web')).map(({ metadata }) => metadata?.name ?? '');
    const evict = (name = ''): Promise<unknown> =>
      cluster.client.createSubresource(pods, named(name), 'eviction', { metadata: named(name) });
    await evict(first);
    await expect(evict(second)).rejects.toMatchObject({ code: 429 });
    await cluster.until(() => evict(second), 120_000);
  });
});
