import { describe, expect, test } from 'vitest';
import { deployments, pods, replicaSets } from '../../../lib/client/resources.js';
import type { V1Deployment, V1DeploymentSpec, V1ReplicaSet } from '../../../lib/schema/generated/types.js';
import { replicaSetController } from '../replica-set.js';
import { podTemplate } from '../shared/testing/builders.js';
import { FakeCluster } from '../shared/testing/fake-cluster.js';
import { deploymentController } from './index.js';
import { maxSurge, maxUnavailable, proportionalSizes } from './sizes.js';

function deployment(replicas: number, more: Partial<V1DeploymentSpec> = {}): V1Deployment {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: podTemplate('web'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      ...more,
    },
  };
}

async function started(replicas: number, more: Partial<V1DeploymentSpec> = {}): Promise<FakeCluster> {
  const cluster = new FakeCluster([deploymentController, replicaSetController]);
  await cluster.client.create(deployments, deployment(replicas, more));
  await cluster.converge();
  return cluster;
}

async function edit(cluster: FakeCluster, change: (spec: V1DeploymentSpec) => void): Promise<void> {
  await cluster.change(deployments, 'web', (object) => {
    if (object.spec) change(object.spec);
  });
}

function setImage(cluster: FakeCluster, image: string): Promise<void> {
  return edit(cluster, (spec) => (spec.template = podTemplate('web', image)));
}

function byImage(cluster: FakeCluster, image: string): V1ReplicaSet {
  const found = cluster.list(replicaSets).find(({ spec }) => spec?.template?.spec?.containers[0]?.image === image);
  if (found === undefined) throw new Error(`no replica set has ${image}`);
  return found;
}

function sizes(cluster: FakeCluster): Record<string, number> {
  return Object.fromEntries(
    cluster
      .list(replicaSets)
      .map(({ spec }) => [spec?.template?.spec?.containers[0]?.image ?? '', spec?.replicas ?? 0]),
  );
}

function reasons(cluster: FakeCluster): Record<string, string | undefined> {
  const conditions = cluster.get(deployments, 'web').status?.conditions ?? [];
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

describe('deployment', () => {
  test('creates a ReplicaSet with hash, revision and sizes, and becomes available', async () => {
    const cluster = await started(4);
    const [set] = cluster.list(replicaSets);
    const hash = set?.metadata?.labels?.['pod-template-hash'] ?? '';
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{8,10}$/);
    expect(set?.metadata).toMatchObject({
      name: `web-${hash}`,
      labels: { app: 'web' },
      annotations: {
        'deployment.kubernetes.io/revision': '1',
        'deployment.kubernetes.io/desired-replicas': '4',
        'deployment.kubernetes.io/max-replicas': '5',
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true }],
    });
    expect(set?.spec?.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(cluster.list(pods)[0]?.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    const { metadata, status } = cluster.get(deployments, 'web');
    expect(metadata?.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      terminatingReplicas: 0,
    });
    expect(status?.unavailableReplicas).toBeUndefined();
    expect(status?.conditions).toMatchObject([
      {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: `ReplicaSet "web-${hash}" has successfully progressed.`,
      },
    ]);
    expect(cluster.events()).toContain(`ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 4`);
  });

  test('rolls a new template out within surge and availability', async () => {
    const cluster = await started(4);
    await setImage(cluster, 'image:2');
    await cluster.settle();
    expect(sizes(cluster)).toEqual({ 'image:1': 3, 'image:2': 2 });
    let minReady = Infinity;
    for (let round = 0; round < 30; round++) {
      const live = cluster.list(pods).filter((pod) => pod.metadata?.deletionTimestamp === undefined);
      minReady = Math.min(minReady, live.filter((pod) => pod.status?.conditions?.[0]?.status === 'True').length);
      expect(live.length).toBeLessThanOrEqual(5);
      await cluster.runPods();
      await cluster.settle();
    }
    expect(minReady).toBeGreaterThanOrEqual(3);
    expect(sizes(cluster)).toEqual({ 'image:1': 0, 'image:2': 4 });
    expect(byImage(cluster, 'image:2').metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(reasons(cluster)['Progressing']).toBe('True NewReplicaSetAvailable');
  });

  test('going back reuses the old ReplicaSet under a new revision, and remembers the former one', async () => {
    const cluster = await started(2);
    await setImage(cluster, 'image:2');
    await cluster.converge();
    await setImage(cluster, 'image:1');
    await cluster.converge();
    expect(sizes(cluster)).toEqual({ 'image:1': 2, 'image:2': 0 });
    expect(byImage(cluster, 'image:1').metadata?.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(cluster.get(deployments, 'web').metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  test('recreate removes all old pods before a new one is made', async () => {
    const cluster = await started(3, { strategy: { type: 'Recreate' } });
    await setImage(cluster, 'image:2');
    await cluster.settle();
    expect(sizes(cluster)).toEqual({ 'image:1': 0 });
    expect(cluster.list(pods).every((pod) => pod.metadata?.deletionTimestamp !== undefined)).toBe(true);
    await cluster.converge();
    expect(sizes(cluster)).toEqual({ 'image:1': 0, 'image:2': 3 });
    expect(cluster.get(deployments, 'web').status?.availableReplicas).toBe(3);
  });

  test('a newer template supersedes an unfinished rollout', async () => {
    const cluster = await started(4);
    const broken = (image: string) => (pod: { spec?: { containers: { image?: string }[] } }) =>
      pod.spec?.containers[0]?.image !== image;
    await setImage(cluster, 'image:broken');
    await cluster.converge(broken('image:broken'));
    expect(sizes(cluster)['image:1']).toBe(3);
    await setImage(cluster, 'image:3');
    await cluster.converge(broken('image:broken'));
    expect(sizes(cluster)).toEqual({ 'image:1': 0, 'image:broken': 0, 'image:3': 4 });
  });

  test('keeps as many old ReplicaSets as revisionHistoryLimit says', async () => {
    const cluster = await started(1, { revisionHistoryLimit: 2 });
    for (let image = 2; image <= 5; image++) {
      await setImage(cluster, `image:${image}`);
      await cluster.converge();
    }
    expect(Object.keys(sizes(cluster)).sort()).toEqual(['image:3', 'image:4', 'image:5']);
  });

  test('scaling during a stuck rollout keeps the proportion', async () => {
    const cluster = await started(10, {
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    });
    await setImage(cluster, 'image:broken');
    const ready = (pod: { spec?: { containers: { image?: string }[] } }): boolean =>
      pod.spec?.containers[0]?.image === 'image:1';
    await cluster.converge(ready);
    expect(sizes(cluster)).toEqual({ 'image:1': 8, 'image:broken': 5 });
    await edit(cluster, (spec) => (spec.replicas = 30));
    await cluster.settle();
    expect(sizes(cluster)).toEqual({ 'image:1': 20, 'image:broken': 13 });
  });

  test('paused: scales, but rolls nothing out; resumed: does', async () => {
    const cluster = await started(2);
    await edit(cluster, (spec) => (spec.paused = true));
    await cluster.converge();
    expect(reasons(cluster)['Progressing']).toBe('Unknown DeploymentPaused');
    await setImage(cluster, 'image:2');
    await edit(cluster, (spec) => (spec.replicas = 5));
    await cluster.converge();
    expect(sizes(cluster)).toEqual({ 'image:1': 5 });
    await edit(cluster, (spec) => delete spec.paused);
    await cluster.converge();
    expect(sizes(cluster)).toEqual({ 'image:1': 0, 'image:2': 5 });
    expect(reasons(cluster)['Progressing']).toBe('True NewReplicaSetAvailable');
  });

  test('a rollout that stands still past its deadline says so, and recovers', async () => {
    const cluster = await started(2, { progressDeadlineSeconds: 30 });
    await setImage(cluster, 'image:broken');
    await cluster.converge((pod) => pod.spec?.containers[0]?.image !== 'image:broken');
    await cluster.advance(40_000);
    expect(reasons(cluster)['Progressing']).toBe('False ProgressDeadlineExceeded');
    const condition = cluster.get(deployments, 'web').status?.conditions?.find(({ type }) => type === 'Progressing');
    expect(condition?.message).toMatch(/^ReplicaSet "web-.*" has timed out progressing\.$/);
    await cluster.converge();
    expect(reasons(cluster)['Progressing']).toBe('True NewReplicaSetAvailable');
  });

  test('takes over a ReplicaSet that is there already', async () => {
    const cluster = new FakeCluster([deploymentController, replicaSetController]);
    await cluster.client.create(replicaSets, {
      metadata: { name: 'old', namespace: 'default', labels: { app: 'web' } },
      spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web', 'image:old') },
    });
    await cluster.converge();
    await cluster.client.create(deployments, deployment(1));
    await cluster.converge();
    expect(sizes(cluster)).toEqual({ 'image:old': 0, 'image:1': 1 });
    expect(cluster.get(replicaSets, 'old').metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Deployment' });
  });

  test('a name taken by another raises collisionCount and finds another name', async () => {
    const first = await started(1);
    const taken = first.list(replicaSets)[0]?.metadata?.name ?? '';
    const cluster = new FakeCluster([deploymentController, replicaSetController]);
    await cluster.client.create(replicaSets, {
      metadata: { name: taken, namespace: 'default', labels: { other: 'owner' } },
      spec: { replicas: 0, selector: { matchLabels: { other: 'owner' } }, template: podTemplate('other') },
    });
    await cluster.client.create(deployments, deployment(1));
    await cluster.converge();
    expect(cluster.get(deployments, 'web').status).toMatchObject({ collisionCount: 1, availableReplicas: 1 });
    expect(cluster.list(replicaSets)).toHaveLength(2);
  });

  test('failures of its ReplicaSet show on the deployment', async () => {
    const cluster = new FakeCluster([deploymentController, replicaSetController]);
    cluster.api.beforeWrite = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/pods')) throw new Error('no pods today');
    };
    await cluster.client.create(deployments, deployment(1));
    await cluster.settle();
    expect(reasons(cluster)['ReplicaFailure']).toBe('True FailedCreate');
  });

  test('the same outcome after a crash between any two writes of a rollout', async () => {
    for (let crashAt = 1; crashAt < 60; crashAt += 1) {
      const cluster = await started(3);
      let writes = 0;
      cluster.api.afterWrite = ({ path }) => {
        if (!path.includes('/events') && ++writes === crashAt) throw new Error('crash');
      };
      await cluster.client
        .patch(deployments, { namespace: 'default', name: 'web' }, 'merge', {
          spec: { template: podTemplate('web', 'image:2') },
        })
        .catch(() => undefined);
      await cluster.converge();
      cluster.api.afterWrite = () => undefined;
      await cluster.converge();
      expect(sizes(cluster), `crash after write ${crashAt}`).toEqual({ 'image:1': 0, 'image:2': 3 });
      expect(cluster.list(pods)).toHaveLength(3);
      expect(cluster.get(deployments, 'web').status).toMatchObject({ updatedReplicas: 3, availableReplicas: 3 });
    }
  });
});

describe('sizes', () => {
  const withBounds = (replicas: number, surge: number | string, unavailable: number | string): V1Deployment =>
    deployment(replicas, {
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
    });

  test('surge is rounded up, unavailability down, and both are never 0', () => {
    expect(maxSurge(withBounds(10, '25%', '25%'))).toBe(3);
    expect(maxUnavailable(withBounds(10, '25%', '25%'))).toBe(2);
    expect(maxUnavailable(withBounds(1, '0%', '0%'))).toBe(1);
    expect(maxUnavailable(withBounds(2, 0, 5))).toBe(2);
  });

  test('leftovers of rounding go to the largest', () => {
    const set = (name: string, replicas: number): V1ReplicaSet => ({
      metadata: { name, annotations: { 'deployment.kubernetes.io/max-replicas': '10' } },
      spec: { replicas, selector: {} },
    });
    const sets = [set('a', 5), set('b', 3), set('c', 2)];
    const result = proportionalSizes(withBounds(11, 0, 1), sets);
    expect([...result].map(([{ metadata }, size]) => `${metadata?.name}=${size}`).sort()).toEqual([
      'a=6',
      'b=3',
      'c=2',
    ]);
  });
});

test('a replica set that was scaled by hand to the size that the deployment got later does not stop rollouts', async () => {
  const cluster = new FakeCluster([deploymentController, replicaSetController]);
  await cluster.client.create(deployments, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
  });
  await cluster.converge();
  const [set] = cluster.list(replicaSets);
  await cluster.change(replicaSets, set?.metadata?.name ?? '', (object) => {
    const annotations = { ...object.metadata?.annotations, 'deployment.kubernetes.io/desired-replicas': '3' };
    object.metadata = { ...object.metadata, annotations };
  });
  await cluster.change(deployments, 'web', (object) => {
    if (object.spec) object.spec.template = podTemplate('web', 'image:2');
  });
  await cluster.converge();
  expect(cluster.list(replicaSets)).toHaveLength(2);
});
