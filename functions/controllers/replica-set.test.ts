import { describe, expect, test } from 'vitest';
import { pods, replicaSets, replicationControllers } from '../../lib/client/resources.js';
import { forbiddenError } from '../../lib/api/errors.js';
import type { V1ReplicaSet } from '../../lib/schema/generated/types.js';
import { replicaSetController } from './replica-set.js';
import { replicationController } from './replication-controller.js';
import { choosePodsToDelete } from './shared/replica-controller.js';
import { podTemplate } from './shared/testing/builders.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';

function replicaSet(replicas: number, more: Partial<NonNullable<V1ReplicaSet['spec']>> = {}): V1ReplicaSet {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web'), ...more },
  };
}

describe('replica set', () => {
  test('creates pods, counts them in its status, and scales down', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    await cluster.client.create(replicaSets, replicaSet(3));
    await cluster.settle();
    expect(cluster.list(pods)).toHaveLength(3);
    expect(cluster.list(pods)[0]?.metadata).toMatchObject({
      generateName: 'web-',
      labels: { app: 'web' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', controller: true, blockOwnerDeletion: true },
      ],
    });
    await cluster.converge();
    expect(cluster.get(replicaSets, 'web').status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: 1,
      conditions: [],
    });
    await cluster.change(replicaSets, 'web', (rs) => {
      if (rs.spec) rs.spec.replicas = 1;
    });
    await cluster.settle();
    expect(cluster.get(replicaSets, 'web').status).toMatchObject({ replicas: 1, terminatingReplicas: 2 });
    await cluster.converge();
    expect(cluster.list(pods)).toHaveLength(1);
    expect(cluster.events()).toContain(`SuccessfulCreate: Created pod: ${cluster.list(pods)[0]?.metadata?.name}`);
    expect(cluster.events().filter((event) => event.startsWith('SuccessfulDelete: Deleted pod: web-'))).toHaveLength(2);
  });

  test('adopts matching orphans, releases pods whose labels change, replaces finished ones', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    await cluster.client.create(pods, {
      metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } },
      spec: podTemplate('web').spec,
    });
    await cluster.client.create(replicaSets, replicaSet(2));
    await cluster.converge();
    expect(cluster.list(pods)).toHaveLength(2);
    expect(cluster.get(pods, 'orphan').metadata?.ownerReferences?.[0]).toMatchObject({
      kind: 'ReplicaSet',
      controller: true,
    });

    await cluster.change(pods, 'orphan', (pod) => {
      if (pod.metadata) pod.metadata.labels = { app: 'other' };
    });
    await cluster.converge();
    expect(cluster.get(pods, 'orphan').metadata?.ownerReferences).toEqual([]);
    expect(cluster.list(pods)).toHaveLength(3);

    const [own] = cluster.list(pods).filter((pod) => pod.metadata?.labels?.['app'] === 'web');
    await cluster.setPhase(own?.metadata?.name ?? '', 'Failed');
    await cluster.converge();
    expect(cluster.list(pods).filter((pod) => pod.status?.phase === 'Running')).toHaveLength(3);
    expect(cluster.get(replicaSets, 'web').status?.replicas).toBe(2);
  });

  test('an adopted pod that later matches again is taken back', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    await cluster.client.create(replicaSets, replicaSet(0));
    await cluster.settle();
    await cluster.client.create(pods, {
      metadata: { name: 'late', namespace: 'default', labels: { app: 'web' } },
      spec: podTemplate('web').spec,
    });
    await cluster.settle();
    expect(cluster.list(pods)).toHaveLength(0);
  });

  test('a refused creation shows as ReplicaFailure until it works', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    let attempts = 0;
    cluster.api.beforeWrite = ({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/pods')) return;
      attempts++;
      throw forbiddenError({ group: '', resource: 'pods' }, 'web-', 'exceeded quota: q');
    };
    await cluster.client.create(replicaSets, replicaSet(10));
    await cluster.settle();
    expect(attempts).toBeLessThan(3);
    expect(cluster.get(replicaSets, 'web').status?.conditions).toMatchObject([
      {
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'pods "web-" is forbidden: exceeded quota: q',
      },
    ]);
    expect(cluster.events()).toContain('FailedCreate: Error creating: pods "web-" is forbidden: exceeded quota: q');
    cluster.api.beforeWrite = () => undefined;
    await cluster.converge();
    expect(cluster.list(pods)).toHaveLength(10);
    expect(cluster.get(replicaSets, 'web').status?.conditions).toEqual([]);
  });

  test('minReadySeconds delays availability, and time alone is enough to notice', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    await cluster.client.create(replicaSets, replicaSet(1, { minReadySeconds: 30 }));
    await cluster.converge();
    expect(cluster.get(replicaSets, 'web').status).toMatchObject({ readyReplicas: 1 });
    expect(cluster.get(replicaSets, 'web').status?.availableReplicas).toBeUndefined();
    await cluster.advance(31_000);
    expect(cluster.get(replicaSets, 'web').status?.availableReplicas).toBe(1);
  });

  test('creates at most 500 pods in one reconcile, and all in the end', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    await cluster.client.create(replicaSets, replicaSet(501));
    await cluster.settle();
    expect(cluster.list(pods)).toHaveLength(501);
  });

  test('one that is being deleted creates nothing', async () => {
    const cluster = new FakeCluster([replicaSetController]);
    const set = replicaSet(2);
    set.metadata = { ...set.metadata, finalizers: ['test/hold'] };
    await cluster.client.create(replicaSets, set);
    await cluster.client.delete(replicaSets, { namespace: 'default', name: 'web' });
    await cluster.settle();
    expect(cluster.list(pods)).toHaveLength(0);
    expect(cluster.get(replicaSets, 'web').status?.observedGeneration).toBe(1);
  });

  test('the same number of pods after a crash between any two writes', async () => {
    for (let crashAt = 1; crashAt < 25; crashAt++) {
      const cluster = new FakeCluster([replicaSetController]);
      await cluster.client.create(replicaSets, replicaSet(4));
      let writes = 0;
      cluster.api.afterWrite = () => {
        if (++writes === crashAt) throw new Error('crash');
      };
      await cluster.converge();
      expect(cluster.list(pods), `crash after write ${crashAt}`).toHaveLength(4);
      expect(cluster.get(replicaSets, 'web').status).toMatchObject({ replicas: 4, availableReplicas: 4 });
    }
  });
});

test('replication controller selects by a plain map and has no count of terminating pods', async () => {
  const cluster = new FakeCluster([replicationController]);
  await cluster.client.create(replicationControllers, {
    metadata: { name: 'rc', namespace: 'default' },
    spec: { replicas: 2, selector: { app: 'rc' }, template: podTemplate('rc') },
  });
  await cluster.converge();
  expect(cluster.list(pods)[0]?.metadata?.ownerReferences).toMatchObject([
    { apiVersion: 'v1', kind: 'ReplicationController' },
  ]);
  expect(cluster.get(replicationControllers, 'rc').status).toEqual({
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    observedGeneration: 1,
    conditions: [],
  });
});

describe('choice of pods to delete', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const pod = (name: string, more: object = {}, node = 'a', phase = 'Running', ready = true): object => ({
    metadata: { name, uid: name, creationTimestamp: '2025-12-01T00:00:00Z', ...more },
    spec: { nodeName: node },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2025-12-01T00:00:00Z' }],
    },
  });
  const order = (...candidates: object[]): string[] =>
    choosePodsToDelete(candidates, candidates, candidates.length - 1, nowMs).map(
      ({ metadata }) => metadata?.name ?? '',
    );

  test('unassigned, pending, unready go first', () => {
    expect(
      order(
        pod('ready'),
        pod('unready', {}, 'a', 'Running', false),
        pod('pending', {}, 'a', 'Pending', false),
        pod('unassigned', {}, '', 'Pending', false),
      ),
    ).toEqual(['unassigned', 'pending', 'unready']);
  });

  test('a low deletion cost, then a crowded node, then a young pod', () => {
    const cheap = { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } };
    expect(
      order(pod('x', {}, 'a'), pod('y', {}, 'b'), pod('z', {}, 'b'), pod('cheap', cheap, 'c')).slice(0, 2),
    ).toEqual(['cheap', 'y']);
    const young = pod('young', { creationTimestamp: '2025-12-31T23:59:00Z' }, 'b');
    expect(order(pod('old', {}, 'c'), young)).toEqual(['young']);
  });
});
