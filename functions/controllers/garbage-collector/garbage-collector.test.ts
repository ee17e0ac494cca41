import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesObject, OwnerReference } from '../../../lib/api/meta.js';
import type { DeleteQuery } from '../../../lib/client/client.js';
import {
  configMaps,
  deployments,
  events,
  pods,
  priorityClasses,
  replicaSets,
  replicationControllers,
} from '../../../lib/client/resources.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../../test/support/cluster.js';
import { podTemplate } from '../shared/testing/builders.js';

type Policy = NonNullable<DeleteQuery['propagationPolicy']>;

describe('the garbage collector', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  afterEach(() => cluster.close());

  const named = (name: string) => ({ namespace: 'default', name });
  const podNames = async (): Promise<string[]> =>
    (await cluster.client.list(pods, { namespace: 'default' })).items.map(({ metadata }) => metadata?.name ?? '');

  async function replicationController(name: string, replicas: number): Promise<KubernetesObject> {
    const controller = await cluster.client.create(replicationControllers, {
      metadata: named(name),
      spec: { replicas, selector: { app: name }, template: podTemplate(name) },
    });
    await cluster.until(async () => {
      const { status } = await cluster.client.get(replicationControllers, named(name));
      expect(status?.readyReplicas ?? 0).toBe(replicas);
    });
    return controller;
  }

  async function deployment(): Promise<void> {
    await cluster.client.create(deployments, {
      metadata: named('web'),
      spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
    });
    await cluster.until(async () => {
      expect((await cluster.client.get(deployments, named('web'))).status?.readyReplicas).toBe(2);
    });
  }

  const deleteDeployment = (propagationPolicy: Policy) =>
    cluster.client.delete(deployments, named('web'), { propagationPolicy });
  const deleteController = (name: string, propagationPolicy: Policy) =>
    cluster.client.delete(replicationControllers, named(name), { propagationPolicy });

  test('background: a deployment takes its replica sets and pods along', async () => {
    await deployment();
    await deleteDeployment('Background');
    await cluster.until(async () => {
      expect((await cluster.client.list(replicaSets)).items).toEqual([]);
      expect(await podNames()).toEqual([]);
    });
  });

  test('background: a replication controller takes its pods along', async () => {
    await replicationController('web', 3);
    await deleteController('web', 'Background');
    expect(await cluster.client.find(replicationControllers, named('web'))).toBeUndefined();
    await cluster.until(async () => expect(await podNames()).toEqual([]));
  });

  test('foreground: the owner stays until all its pods are gone', async () => {
    await replicationController('web', 3);
    const [held = ''] = await podNames();
    await cluster.client.patch(pods, named(held), 'merge', { metadata: { finalizers: ['example.com/hold'] } });
    await deleteController('web', 'Foreground');
    await cluster.advance(60_000);
    expect(await podNames()).toEqual([held]);
    const waiting = await cluster.client.get(replicationControllers, named('web'));
    expect(waiting.metadata?.finalizers).toEqual(['foregroundDeletion']);
    expect(waiting.metadata?.deletionTimestamp).toBeDefined();
    await cluster.client.patch(pods, named(held), 'merge', { metadata: { finalizers: null } });
    await cluster.settle();
    expect(await podNames()).toEqual([]);
    expect(await cluster.client.find(replicationControllers, named('web'))).toBeUndefined();
  });

  test('foreground through two levels ends with the deployment', async () => {
    await deployment();
    await deleteDeployment('Foreground');
    await cluster.until(async () => {
      expect(await cluster.client.find(deployments, named('web'))).toBeUndefined();
    });
    expect((await cluster.client.list(replicaSets)).items).toEqual([]);
    expect(await podNames()).toEqual([]);
  });

  test('orphan: a replica set stays without its owner', async () => {
    await deployment();
    await deleteDeployment('Orphan');
    await cluster.until(async () => {
      expect(await cluster.client.find(deployments, named('web'))).toBeUndefined();
    });
    await cluster.advance(30_000);
    const [set, ...others] = (await cluster.client.list(replicaSets)).items;
    expect(others).toEqual([]);
    expect(set?.metadata?.ownerReferences).toBeUndefined();
    expect(await podNames()).toHaveLength(2);
  });

  test('orphan: pods stay without their replication controller', async () => {
    await replicationController('web', 3);
    await deleteController('web', 'Orphan');
    await cluster.advance(30_000);
    expect(await cluster.client.find(replicationControllers, named('web'))).toBeUndefined();
    const { items } = await cluster.client.list(pods, { namespace: 'default' });
    expect(items.map(({ metadata }) => metadata?.ownerReferences)).toEqual([undefined, undefined, undefined]);
    expect(items.map(({ metadata }) => metadata?.deletionTimestamp)).toEqual([undefined, undefined, undefined]);
  });

  function pod(name: string, owners: OwnerReference[] = []): V1Pod {
    return { metadata: { ...named(name), ownerReferences: owners }, spec: podTemplate('x').spec };
  }

  function reference(object: KubernetesObject, more: Partial<OwnerReference> = {}): OwnerReference {
    const { name = '', uid = '' } = object.metadata ?? {};
    return { apiVersion: object.apiVersion ?? 'v1', kind: object.kind ?? '', name, uid, ...more };
  }

  test.each(['Background', 'Foreground'] as const)('a circle of pods goes when one is deleted (%s)', async (policy) => {
    const made: KubernetesObject[] = [];
    for (const name of ['a', 'b', 'c']) made.push(await cluster.client.create(pods, pod(name)));
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      const owner = made[(index + 2) % 3] as KubernetesObject;
      const ownerReferences = [reference(owner, { controller: true, blockOwnerDeletion: true })];
      await cluster.client.patch(pods, named(name), 'merge', { metadata: { ownerReferences } });
    }
    await cluster.advance(2000);
    expect(await podNames()).toHaveLength(3);
    await cluster.client.delete(pods, named('a'), { propagationPolicy: policy });
    await cluster.until(async () => expect(await podNames()).toEqual([]));
  });

  test('pods with another owner that lives survive the foreground deletion of the first', async () => {
    const first = await replicationController('first', 4);
    const second = await cluster.client.create(replicationControllers, {
      metadata: named('second'),
      spec: { replicas: 0, selector: { app: 'second' }, template: podTemplate('second') },
    });
    const shared = (await podNames()).slice(0, 2);
    for (const name of shared) {
      const present = await cluster.client.get(pods, named(name));
      const ownerReferences = [...(present.metadata?.ownerReferences ?? []), reference(second)];
      await cluster.client.patch(pods, named(name), 'merge', { metadata: { ownerReferences } });
    }
    await deleteController('first', 'Foreground');
    await cluster.until(async () => {
      expect(await cluster.client.find(replicationControllers, named('first'))).toBeUndefined();
    });
    const { items } = await cluster.client.list(pods, { namespace: 'default' });
    expect(items.map(({ metadata }) => metadata?.name).toSorted()).toEqual(shared.toSorted());
    for (const { metadata } of items) {
      expect(metadata?.deletionTimestamp).toBeUndefined();
      expect(metadata?.ownerReferences?.map(({ uid }) => uid)).toEqual([second.metadata?.uid]);
    }
    expect(first.metadata?.uid).toBeDefined();
  });

  test('what is created for an owner that does not exist, or is another by now, goes', async () => {
    const owner = await cluster.client.create(configMaps, { metadata: named('owner') });
    await cluster.client.create(configMaps, {
      metadata: { ...named('lives'), ownerReferences: [reference(owner)] },
    });
    await cluster.client.create(configMaps, {
      metadata: { ...named('stray'), ownerReferences: [reference(owner, { uid: 'other' })] },
    });
    await cluster.client.create(configMaps, {
      metadata: { ...named('foreign'), ownerReferences: [reference(owner, { apiVersion: 'example.com/v1' })] },
    });
    await cluster.settle();
    const names = (await cluster.client.list(configMaps, { namespace: 'default' })).items.map(
      (one) => one.metadata?.name,
    );
    expect(names.toSorted()).toEqual(['foreign', 'kube-root-ca.crt', 'lives', 'owner']);
  });

  test('a cluster-scoped object cannot be owned by a namespaced one, and is left alone', async () => {
    const owner = await cluster.client.create(configMaps, { metadata: named('owner') });
    await cluster.client.create(priorityClasses, {
      metadata: { name: 'wide', ownerReferences: [reference(owner)] },
      value: 1,
    });
    await cluster.client.delete(configMaps, named('owner'));
    await cluster.advance(1000);
    expect(await cluster.client.find(priorityClasses, { name: 'wide' })).toBeDefined();
    const reasons = (await cluster.client.list(events)).items.map(({ reason }) => reason);
    expect(reasons).toContain('OwnerRefInvalidNamespace');
  });
});
