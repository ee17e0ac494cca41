import { describe, expect, test } from 'vitest';
import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from '../../../lib/client/resources.js';
import type { V1Pod, V1StatefulSet, V1StatefulSetSpec } from '../../../lib/schema/generated/types.js';
import { podTemplate } from '../shared/testing/builders.js';
import { FakeCluster } from '../shared/testing/fake-cluster.js';
import { statefulSetController } from './index.js';

function statefulSet(replicas: number, more: Partial<V1StatefulSetSpec> = {}): V1StatefulSet {
  return {
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: podTemplate('db'),
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      ...more,
    },
  };
}

async function started(replicas: number, more: Partial<V1StatefulSetSpec> = {}): Promise<FakeCluster> {
  const cluster = new FakeCluster([statefulSetController]);
  await cluster.client.create(statefulSets, statefulSet(replicas, more));
  await cluster.converge();
  return cluster;
}

function edit(cluster: FakeCluster, change: (spec: V1StatefulSetSpec) => void): Promise<void> {
  return cluster.change(statefulSets, 'db', (set) => {
    if (set.spec) change(set.spec);
  });
}

function images(cluster: FakeCluster): Record<string, string> {
  const entries = cluster
    .list(pods)
    .map((pod): [string, string] => [pod.metadata?.name ?? '', pod.spec?.containers[0]?.image ?? '']);
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function names(cluster: FakeCluster): string[] {
  return cluster
    .list(pods)
    .map((pod) => pod.metadata?.name ?? '')
    .sort();
}

const notReady =
  (name: string) =>
  (pod: V1Pod): boolean =>
    pod.metadata?.name !== name;

describe('stateful set', () => {
  test('creates pods in order, each with its identity, after the one before is ready', async () => {
    const cluster = new FakeCluster([statefulSetController]);
    await cluster.client.create(statefulSets, statefulSet(3));
    await cluster.settle();
    expect(names(cluster)).toEqual(['db-0']);
    await cluster.converge(notReady('db-1'));
    expect(names(cluster)).toEqual(['db-0', 'db-1']);
    await cluster.converge();
    expect(names(cluster)).toEqual(['db-0', 'db-1', 'db-2']);
    const [revision] = cluster.list(controllerRevisions);
    const pod = cluster.get(pods, 'db-2');
    expect(pod.metadata?.labels).toEqual({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-2',
      'apps.kubernetes.io/pod-index': '2',
      'controller-revision-hash': revision?.metadata?.name,
    });
    expect(pod.metadata?.generateName).toBeUndefined();
    expect(pod.spec).toMatchObject({ hostname: 'db-2', subdomain: 'db' });
    expect(cluster.get(statefulSets, 'db').status).toEqual({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      currentRevision: revision?.metadata?.name,
      updateRevision: revision?.metadata?.name,
      collisionCount: 0,
    });
    expect(cluster.events()).toContain('SuccessfulCreate: create Pod db-0 in StatefulSet db successful');
  });

  test('scales down from the top, and an unready pod halts it', async () => {
    const cluster = await started(3);
    await cluster.runPods(notReady('db-0'));
    await edit(cluster, (spec) => (spec.replicas = 1));
    await cluster.converge(notReady('db-0'));
    expect(names(cluster)).toEqual(['db-0', 'db-1', 'db-2']);
    await cluster.converge();
    expect(names(cluster)).toEqual(['db-0']);
  });

  test('with Parallel management waits for nothing', async () => {
    const cluster = new FakeCluster([statefulSetController]);
    await cluster.client.create(statefulSets, statefulSet(3, { podManagementPolicy: 'Parallel' }));
    await cluster.settle();
    expect(names(cluster)).toEqual(['db-0', 'db-1', 'db-2']);
    await edit(cluster, (spec) => (spec.replicas = 1));
    await cluster.converge(() => false);
    expect(names(cluster)).toEqual(['db-0']);
  });

  test('starts at the ordinal asked for', async () => {
    const cluster = await started(2, { ordinals: { start: 5 } });
    expect(names(cluster)).toEqual(['db-5', 'db-6']);
  });

  test('recreates a failed pod under its name', async () => {
    const cluster = await started(2);
    const { uid } = cluster.get(pods, 'db-0').metadata ?? {};
    await cluster.setPhase('db-0', 'Failed');
    await cluster.converge();
    expect(names(cluster)).toEqual(['db-0', 'db-1']);
    expect(cluster.get(pods, 'db-0').metadata?.uid).not.toBe(uid);
    expect(cluster.get(pods, 'db-0').status?.phase).toBe('Running');
  });

  test('rolls a template out from the top, and waits for each pod', async () => {
    const cluster = await started(3);
    const before = cluster.get(statefulSets, 'db').status?.currentRevision;
    await edit(cluster, (spec) => (spec.template = podTemplate('db', 'image:2')));
    await cluster.converge((pod) => pod.spec?.containers[0]?.image === 'image:1');
    expect(images(cluster)).toEqual({ 'db-0': 'image:1', 'db-1': 'image:1', 'db-2': 'image:2' });
    expect(cluster.get(statefulSets, 'db').status).toMatchObject({
      currentRevision: before,
      currentReplicas: 2,
      updatedReplicas: 1,
    });
    await cluster.converge();
    expect(images(cluster)).toEqual({ 'db-0': 'image:2', 'db-1': 'image:2', 'db-2': 'image:2' });
    const { status } = cluster.get(statefulSets, 'db');
    expect(status).toMatchObject({ currentReplicas: 3, updatedReplicas: 3, readyReplicas: 3 });
    expect(status?.currentRevision).toBe(status?.updateRevision);
    expect(status?.currentRevision).not.toBe(before);

    await edit(cluster, (spec) => (spec.template = podTemplate('db', 'image:1')));
    await cluster.converge();
    expect(cluster.get(statefulSets, 'db').status?.updateRevision).toBe(before);
    expect(
      cluster
        .list(controllerRevisions)
        .map(({ revision }) => revision)
        .sort((left, right) => left - right),
    ).toEqual([2, 3]);
  });

  test('a partition holds the lower ordinals at the current revision, also when they are recreated', async () => {
    const cluster = await started(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await edit(cluster, (spec) => (spec.template = podTemplate('db', 'image:2')));
    await cluster.converge();
    expect(images(cluster)).toEqual({ 'db-0': 'image:1', 'db-1': 'image:1', 'db-2': 'image:2' });
    await cluster.client.delete(pods, { namespace: 'default', name: 'db-0' });
    await cluster.converge();
    expect(images(cluster)).toEqual({ 'db-0': 'image:1', 'db-1': 'image:1', 'db-2': 'image:2' });
    await edit(cluster, (spec) => (spec.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }));
    await cluster.converge();
    expect(images(cluster)).toEqual({ 'db-0': 'image:2', 'db-1': 'image:2', 'db-2': 'image:2' });
  });

  test('OnDelete updates a pod only when it is deleted', async () => {
    const cluster = await started(2, { updateStrategy: { type: 'OnDelete' } });
    await edit(cluster, (spec) => (spec.template = podTemplate('db', 'image:2')));
    await cluster.converge();
    expect(images(cluster)).toEqual({ 'db-0': 'image:1', 'db-1': 'image:1' });
    await cluster.client.delete(pods, { namespace: 'default', name: 'db-1' });
    await cluster.converge();
    expect(images(cluster)).toEqual({ 'db-0': 'image:1', 'db-1': 'image:2' });
  });

  test('keeps as many unused revisions as revisionHistoryLimit says', async () => {
    const cluster = await started(1, { revisionHistoryLimit: 1 });
    for (let image = 2; image <= 4; image++) {
      await edit(cluster, (spec) => (spec.template = podTemplate('db', `image:${image}`)));
      await cluster.converge();
    }
    expect(
      cluster
        .list(controllerRevisions)
        .map(({ revision }) => revision)
        .sort((left, right) => left - right),
    ).toEqual([3, 4]);
  });

  test('makes claims from templates, keeps them when scaled down, and gives them back', async () => {
    const claims = { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] };
    const cluster = await started(2, claims);
    expect(cluster.get(pods, 'db-1').spec?.volumes).toEqual([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } },
    ]);
    expect(cluster.get(persistentVolumeClaims, 'data-db-1').metadata).toMatchObject({ labels: { app: 'db' } });
    expect(cluster.events()).toContain('SuccessfulCreate: Create Claim data-db-0 Pod db-0 in StatefulSet db success');
    const { uid } = cluster.get(persistentVolumeClaims, 'data-db-1').metadata ?? {};
    await edit(cluster, (spec) => (spec.replicas = 1));
    await cluster.converge();
    await edit(cluster, (spec) => (spec.replicas = 2));
    await cluster.converge();
    expect(cluster.get(persistentVolumeClaims, 'data-db-1').metadata?.uid).toBe(uid);
    expect(cluster.get(persistentVolumeClaims, 'data-db-1').metadata?.ownerReferences ?? []).toEqual([]);
  });

  test('gives claims the owners that the retention policy asks for', async () => {
    const cluster = await started(2, {
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    });
    const owners = (name: string): (string | undefined)[] =>
      (cluster.get(persistentVolumeClaims, name).metadata?.ownerReferences ?? []).map(({ kind }) => kind);
    expect(owners('data-db-0')).toEqual(['StatefulSet']);
    await edit(cluster, (spec) => (spec.replicas = 1));
    await cluster.settle();
    expect(owners('data-db-0')).toEqual(['StatefulSet']);
    expect(owners('data-db-1')).toEqual(['Pod']);
    await edit(
      cluster,
      (spec) => (spec.persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Retain' }),
    );
    await cluster.converge();
    expect(owners('data-db-0')).toEqual([]);
  });

  test('the same outcome after a crash between any two writes of an update', async () => {
    for (let crashAt = 1; crashAt < 40; crashAt++) {
      const cluster = await started(2);
      let writes = 0;
      cluster.api.afterWrite = () => {
        if (++writes === crashAt) throw new Error('crash');
      };
      await edit(cluster, (spec) => {
        spec.template = podTemplate('db', 'image:2');
        spec.replicas = 3;
      });
      await cluster.converge();
      expect(images(cluster), `crash after write ${crashAt}`).toEqual({
        'db-0': 'image:2',
        'db-1': 'image:2',
        'db-2': 'image:2',
      });
      expect(cluster.get(statefulSets, 'db').status).toMatchObject({
        updatedReplicas: 3,
        currentReplicas: 3,
        collisionCount: 0,
      });
      expect(cluster.list(controllerRevisions)).toHaveLength(2);
    }
  });
});
