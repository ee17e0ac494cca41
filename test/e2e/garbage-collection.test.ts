import { describe, expect, it } from 'vitest';
import { deployments, pods, replicaSets, replicationControllers, services } from '../../lib/client/resources.js';
import type { V1OwnerReference } from '../../lib/schema/generated/types.js';
import { deployment, pod, replicationController, service } from './manifests.js';
import { livePods, nameOf } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';

const withDeployment = async (): Promise<Scene> => {
  const scene = await cluster.scene('gc');
  await scene.kubectl.apply(deployment('web', { replicas: 2 }));
  await scene.kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
  return scene;
};

const withController = async (name = 'web', replicas = 2): Promise<Scene> => {
  const scene = await cluster.scene('gc');
  await scene.kubectl.apply(replicationController(name, { replicas }));
  await scene.kubectl.ok(['wait', `--for=jsonpath={.status.readyReplicas}=${replicas}`, `rc/${name}`, TIMEOUT]);
  return scene;
};

const reference = (kind: string, apiVersion: string, name: string, uid: string): V1OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
});

describe.concurrent('garbage collection', () => {
  it('row 56: background deletion of a deployment removes its replica set and pods', async () => {
    const { client, namespace } = await withDeployment();
    await client.delete(deployments, { namespace, name: 'web' }, { propagationPolicy: 'Background' });
    expect(await client.find(deployments, { namespace, name: 'web' })).toBeUndefined();
    await eventually(async () => {
      expect((await client.list(replicaSets, { namespace })).items).toEqual([]);
      expect((await client.list(pods, { namespace })).items).toEqual([]);
    });
  });

  it('row 57: background deletion of a replication controller removes its pods', async () => {
    const { client, namespace } = await withController();
    await client.delete(replicationControllers, { namespace, name: 'web' }, { propagationPolicy: 'Background' });
    expect(await client.find(replicationControllers, { namespace, name: 'web' })).toBeUndefined();
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toEqual([]));
  });

  it('row 58: foreground deletion keeps the replication controller until its pods are gone', async () => {
    const { client, namespace } = await withController();
    const all = await livePods(client, namespace);
    for (const one of all) {
      await client.patch(pods, { namespace, name: nameOf(one) }, 'merge', {
        metadata: { finalizers: ['example.org/hold'] },
      });
    }
    await client.delete(replicationControllers, { namespace, name: 'web' }, { propagationPolicy: 'Foreground' });
    await eventually(async () => expect(await livePods(client, namespace)).toEqual([]));
    const kept = await client.get(replicationControllers, { namespace, name: 'web' });
    expect(kept.metadata?.finalizers).toEqual(['foregroundDeletion']);
    expect(kept.metadata?.deletionTimestamp).toBeDefined();
    const [first, ...others] = all;
    await client.patch(pods, { namespace, name: nameOf(first ?? {}) }, 'merge', { metadata: { finalizers: null } });
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toHaveLength(1));
    expect(await client.find(replicationControllers, { namespace, name: 'web' })).toBeDefined();
    for (const one of others)
      await client.patch(pods, { namespace, name: nameOf(one) }, 'merge', { metadata: { finalizers: null } });
    await eventually(async () => {
      expect(await client.find(replicationControllers, { namespace, name: 'web' })).toBeUndefined();
      expect((await client.list(pods, { namespace })).items).toEqual([]);
    });
  });

  it('row 59: pods that own each other in a ring are all collected', async () => {
    const { client, kubectl, namespace } = await cluster.scene('gc');
    await kubectl.apply(pod('a'), pod('b'), pod('c'));
    const made = await livePods(client, namespace);
    for (const [i, one] of made.entries()) {
      const owner = made[(i + 1) % made.length];
      const ownerReferences = [
        {
          ...reference('Pod', 'v1', nameOf(owner ?? {}), owner?.metadata?.uid ?? ''),
          controller: true,
          blockOwnerDeletion: true,
        },
      ];
      await client.patch(pods, { namespace, name: nameOf(one) }, 'merge', { metadata: { ownerReferences } });
    }
    await client.delete(pods, { namespace, name: 'a' });
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toEqual([]));
  });

  it('row 60: pods with a second, live owner survive foreground deletion of the first', async () => {
    const { client, kubectl, namespace } = await withController('first', 4);
    await kubectl.apply(replicationController('second', { replicas: 0 }));
    const second = await client.get(replicationControllers, { namespace, name: 'second' });
    const shared = (await livePods(client, namespace)).slice(0, 2).map(nameOf);
    for (const name of shared) {
      const { metadata } = await client.get(pods, { namespace, name });
      const also = reference('ReplicationController', 'v1', 'second', second.metadata?.uid ?? '');
      const ownerReferences = [...(metadata?.ownerReferences ?? []), also];
      await client.patch(pods, { namespace, name }, 'merge', { metadata: { ownerReferences } });
    }
    await client.delete(replicationControllers, { namespace, name: 'first' }, { propagationPolicy: 'Foreground' });
    await eventually(async () =>
      expect(await client.find(replicationControllers, { namespace, name: 'first' })).toBeUndefined(),
    );
    const left = (await client.list(pods, { namespace })).items;
    expect(left.map(nameOf).sort()).toEqual(shared);
    for (const one of left) {
      expect(one.metadata?.deletionTimestamp).toBeUndefined();
      expect(one.metadata?.ownerReferences?.map(({ name }) => name)).toEqual(['second']);
    }
  });

  it('row 61: orphan deletion of a deployment leaves its replica set ownerless', async () => {
    const { client, namespace } = await withDeployment();
    await client.delete(deployments, { namespace, name: 'web' }, { propagationPolicy: 'Orphan' });
    await eventually(async () => expect(await client.find(deployments, { namespace, name: 'web' })).toBeUndefined());
    const { items } = await client.list(replicaSets, { namespace });
    expect(items).toHaveLength(1);
    expect(items[0]?.metadata?.ownerReferences ?? []).toEqual([]);
    expect(items[0]?.metadata?.deletionTimestamp).toBeUndefined();
    expect(await livePods(client, namespace)).toHaveLength(2);
  });

  it('row 62: orphan deletion of a replication controller leaves its pods ownerless', async () => {
    const { client, namespace } = await withController();
    await client.delete(replicationControllers, { namespace, name: 'web' }, { propagationPolicy: 'Orphan' });
    await eventually(async () =>
      expect(await client.find(replicationControllers, { namespace, name: 'web' })).toBeUndefined(),
    );
    const left = await livePods(client, namespace);
    expect(left).toHaveLength(2);
    for (const one of left) expect(one.metadata?.ownerReferences ?? []).toEqual([]);
  });

  it('rows 66 and 67: a deleted namespace takes its pods and services along, and comes back empty', async () => {
    const { client, kubectl, namespace } = await cluster.scene('gc');
    await kubectl.apply(pod('web'), service('web'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', TIMEOUT]);
    await cluster.kubectl.ok(['delete', 'namespace', namespace]);
    await cluster.kubectl.ok(['create', 'namespace', namespace]);
    expect((await client.list(pods, { namespace })).items).toEqual([]);
    expect((await client.list(services, { namespace })).items).toEqual([]);
  });
});
