import { describe, expect, it } from 'vitest';
import { podDisruptionBudgets, pods, replicaSets, replicationControllers } from '../../lib/client/resources.js';
import type { V1PodDisruptionBudget, V1ReplicaSet } from '../../lib/schema/generated/types.js';
import { pod, replicaSet, replicationController } from './manifests.js';
import { change, imageOf, isReady, livePods, nameOf, putScale, Recording } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';

async function withReplicaSet(replicas = 2): Promise<Scene> {
  const scene = await cluster.scene('replicas');
  await scene.kubectl.apply(replicaSet('web', { replicas }));
  await scene.kubectl.ok(['wait', `--for=jsonpath={.status.readyReplicas}=${replicas}`, 'rs/web', TIMEOUT]);
  return scene;
}

async function withController(replicas = 2): Promise<Scene> {
  const scene = await cluster.scene('replicas');
  await scene.kubectl.apply(replicationController('web', { replicas }));
  await scene.kubectl.ok(['wait', `--for=jsonpath={.status.readyReplicas}=${replicas}`, 'rc/web', TIMEOUT]);
  return scene;
}

const ownersOf = async ({ client, namespace }: Scene, name: string): Promise<string[]> =>
  ((await client.get(pods, { namespace, name })).metadata?.ownerReferences ?? []).map(
    (owner) => `${owner.kind}/${owner.name}`,
  );

describe.concurrent('replica sets', () => {
  it('row 128: scaled by update, patched with replicas and image', async () => {
    const scene = await withReplicaSet(1);
    const { client, namespace } = scene;
    const ref = { namespace, name: 'web' };
    const recording = new Recording(client, replicaSets, { namespace });
    await eventually(async () => {
      const present = await client.get(replicaSets, ref);
      await client.update(replicaSets, {
        ...present,
        spec: { ...present.spec, replicas: 2 } as NonNullable<V1ReplicaSet['spec']>,
      });
    });
    await recording.until('MODIFIED', ({ status }) => status?.readyReplicas === 2);
    const patch = {
      metadata: { labels: { patched: 'yes' } },
      spec: { replicas: 3, template: { spec: { containers: [{ name: 'main', image: 'app:2' }] } } },
    };
    await client.patch(replicaSets, ref, 'strategic', patch);
    await recording.until(
      'MODIFIED',
      ({ status, metadata }) => status?.readyReplicas === 3 && metadata?.labels?.['patched'] === 'yes',
    );
    expect((await livePods(client, namespace)).map(imageOf).sort()).toEqual(['app:2', 'nginx:1.27', 'nginx:1.27']);
    recording.stop();
  });

  it('row 129: the scale subresource reads, updates and patches', async () => {
    const { client, namespace } = await withReplicaSet(1);
    const ref = { namespace, name: 'web' };
    const scale = await putScale(client, replicaSets, ref, 2);
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 1 } });
    await eventually(async () => expect(await livePods(client, namespace)).toHaveLength(2));
    await client.patch(replicaSets, ref, 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
    await eventually(async () => expect(await livePods(client, namespace)).toHaveLength(4));
  });

  it('row 130: adopts a matching pod without an owner, and releases it when its labels change', async () => {
    const scene = await cluster.scene('replicas');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(pod('orphan', { labels: { app: 'web' } }));
    await kubectl.apply(replicaSet('web'));
    await eventually(async () => expect(await ownersOf(scene, 'orphan')).toEqual(['ReplicaSet/web']));
    expect((await livePods(client, namespace)).map(nameOf)).toEqual(['orphan']);
    await client.patch(pods, { namespace, name: 'orphan' }, 'merge', { metadata: { labels: { app: 'other' } } });
    await eventually(async () => {
      expect(await ownersOf(scene, 'orphan')).toEqual([]);
      expect(await livePods(client, namespace, 'app=web')).toHaveLength(1);
    });
  });

  it('row 131: listed by label and deleted by collection', async () => {
    const { client, namespace } = await withReplicaSet(1);
    expect((await client.list(replicaSets, { labelSelector: 'app=web', namespace })).items.map(nameOf)).toEqual([
      'web',
    ]);
    await client.deleteCollection(replicaSets, { namespace, labelSelector: 'app=web' });
    expect((await client.list(replicaSets, { namespace })).items).toEqual([]);
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toEqual([]));
  });

  it('row 133: status is read, updated and patched', async () => {
    const { client, namespace } = await withReplicaSet(1);
    const ref = { namespace, name: 'web' };
    expect((await client.get(replicaSets, ref, { subresource: 'status' })).status).toMatchObject({
      replicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
    });
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E' };
    const updated = await eventually(async () => {
      const present = await client.get(replicaSets, ref);
      return client.updateStatus(replicaSets, {
        ...present,
        status: { ...present.status, replicas: 1, conditions: [condition] },
      });
    });
    expect(updated.status?.conditions).toEqual([expect.objectContaining(condition)]);
    const patched = await client.patch(
      replicaSets,
      ref,
      'merge',
      { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } },
      { subresource: 'status' },
    );
    expect(patched.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  });
});

describe.concurrent('replication controllers', () => {
  it('row 134: adopts a matching pod without an owner', async () => {
    const scene = await cluster.scene('replicas');
    await scene.kubectl.apply(pod('orphan', { labels: { app: 'web' } }));
    await scene.kubectl.apply(replicationController('web'));
    await eventually(async () => expect(await ownersOf(scene, 'orphan')).toEqual(['ReplicationController/web']));
    expect((await livePods(scene.client, scene.namespace)).map(nameOf)).toEqual(['orphan']);
  });

  it('rows 135 and 173: scale is read and updated, and kubectl scales down and up', async () => {
    const { client, kubectl, namespace } = await withController(1);
    const ref = { namespace, name: 'web' };
    const scale = await putScale(client, replicationControllers, ref, 2);
    expect(scale).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 } });
    await eventually(async () => expect((await livePods(client, namespace)).filter(isReady)).toHaveLength(2));
    for (const replicas of [1, 2]) {
      expect(await kubectl.ok(['scale', 'rc', 'web', `--replicas=${replicas}`, TIMEOUT])).toBe(
        'replicationcontroller/web scaled\n',
      );
      await eventually(async () => expect(await livePods(client, namespace)).toHaveLength(replicas));
    }
  });

  it('row 136: releases a pod whose labels stop matching', async () => {
    const scene = await withController(1);
    const { client, namespace } = scene;
    const [first] = await livePods(client, namespace);
    const name = nameOf(first ?? {});
    await client.patch(pods, { namespace, name }, 'merge', { metadata: { labels: { app: 'other' } } });
    await eventually(async () => {
      expect(await ownersOf(scene, name)).toEqual([]);
      expect(await livePods(client, namespace, 'app=web')).toHaveLength(1);
    });
  });

  it('row 139: read, patched, status-patched, scaled and deleted by collection, with events', async () => {
    const { client, kubectl, namespace } = await cluster.scene('replicas');
    const recording = new Recording(client, replicationControllers, { namespace, labelSelector: 'app=web' });
    await kubectl.apply(replicationController('web'));
    const ref = { namespace, name: 'web' };
    await recording.until('ADDED');
    await recording.until('MODIFIED', ({ status }) => status?.readyReplicas === 1);
    await client.patch(replicationControllers, ref, 'strategic', { metadata: { labels: { patched: 'yes' } } });
    await recording.until('MODIFIED', ({ metadata }) => metadata?.labels?.['patched'] === 'yes');
    await client.patch(
      replicationControllers,
      ref,
      'merge',
      { status: { readyReplicas: 0, availableReplicas: 0 } },
      { subresource: 'status' },
    );
    await recording.until(
      'MODIFIED',
      ({ status }) => (status?.availableReplicas ?? 0) === 0 && (status?.readyReplicas ?? 0) === 0,
    );
    await client.patch(replicationControllers, ref, 'merge', { spec: { replicas: 2 } }, { subresource: 'scale' });
    await recording.until('MODIFIED', ({ status }) => status?.readyReplicas === 2);
    await client.deleteCollection(replicationControllers, { namespace, labelSelector: 'app=web' });
    await recording.until('DELETED');
    recording.stop();
  });

  it('row 172: two running pods with the image asked for', async () => {
    const { client, namespace } = await withController(2);
    const all = await livePods(client, namespace, 'app=web');
    expect(all.map((one) => one.status?.phase)).toEqual(['Running', 'Running']);
    expect(all.map(imageOf)).toEqual(['nginx:1.27', 'nginx:1.27']);
  });
});

describe.concurrent('pod disruption budgets', () => {
  const budget = (name: string, spec: object): V1PodDisruptionBudget => ({
    metadata: { name },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });

  const evict = ({ client, namespace }: Scene, name: string): Promise<unknown> =>
    client.createSubresource(pods, { namespace, name }, 'eviction', {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name },
    });

  it('rows 115, 117 and 119: every verb, over namespaces, and their status', async () => {
    const { client, namespace } = await cluster.scene('budgets');
    const ref = { namespace, name: 'one' };
    for (const name of ['one', 'two']) {
      await client.create(podDisruptionBudgets, {
        ...budget(name, { minAvailable: 1 }),
        metadata: { name, namespace, labels: { set: namespace } },
      });
    }
    const updated = await change(client, podDisruptionBudgets, ref, (present) => ({
      ...present,
      spec: { ...present.spec, minAvailable: '2%' },
    }));
    expect(updated.spec?.minAvailable).toBe('2%');
    expect(
      (await client.patch(podDisruptionBudgets, ref, 'strategic', { spec: { minAvailable: '3%' } })).spec?.minAvailable,
    ).toBe('3%');
    await eventually(async () =>
      expect((await client.get(podDisruptionBudgets, ref)).status?.observedGeneration).toBe(3),
    );
    const withStatus = await client.patch(
      podDisruptionBudgets,
      ref,
      'merge',
      { status: { disruptedPods: { gone: '2026-01-01T00:00:00Z' } } },
      { subresource: 'status' },
    );
    expect(withStatus.status?.disruptedPods).toEqual({ gone: '2026-01-01T00:00:00Z' });
    const labelSelector = `set=${namespace}`;
    expect((await client.list(podDisruptionBudgets, { labelSelector })).items.map(nameOf)).toEqual(['one', 'two']);
    await client.delete(podDisruptionBudgets, ref);
    await client.deleteCollection(podDisruptionBudgets, { namespace, labelSelector });
    expect((await client.list(podDisruptionBudgets, { labelSelector })).items).toEqual([]);
  });

  it('row 116: eviction is refused until the budget allows it', async () => {
    const scene = await withReplicaSet(2);
    const { client, namespace } = scene;
    await client.create(podDisruptionBudgets, {
      ...budget('web', { minAvailable: 2 }),
      metadata: { name: 'web', namespace },
    });
    const ref = { namespace, name: 'web' };
    await eventually(async () =>
      expect((await client.get(podDisruptionBudgets, ref)).status).toMatchObject({
        currentHealthy: 2,
        disruptionsAllowed: 0,
      }),
    );
    const [first] = await livePods(client, namespace);
    const name = nameOf(first ?? {});
    await expect(evict(scene, name)).rejects.toMatchObject({
      status: {
        code: 429,
        reason: 'TooManyRequests',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
      },
    });
    await client.patch(podDisruptionBudgets, ref, 'merge', { spec: { minAvailable: 1 } });
    await eventually(() => evict(scene, name));
    await eventually(async () => {
      const after = await livePods(client, namespace);
      expect(after.map(nameOf)).not.toContain(name);
      expect(after.filter(isReady)).toHaveLength(2);
    });
  });

  it('row 118: the disruption controller counts healthy pods', async () => {
    const { client, namespace } = await withReplicaSet(3);
    const ref = { namespace, name: 'web' };
    await client.create(podDisruptionBudgets, { ...budget('web', { maxUnavailable: '34%' }), metadata: ref });
    await eventually(async () =>
      expect((await client.get(podDisruptionBudgets, ref)).status).toMatchObject({
        expectedPods: 3,
        currentHealthy: 3,
        desiredHealthy: 1,
        disruptionsAllowed: 2,
      }),
    );
    await client.patch(replicaSets, ref, 'merge', { spec: { replicas: 1 } });
    await eventually(async () =>
      expect((await client.get(podDisruptionBudgets, ref)).status).toMatchObject({
        expectedPods: 1,
        currentHealthy: 1,
      }),
    );
  });
});
