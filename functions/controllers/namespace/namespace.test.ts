import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configMaps, deployments, namespaces, pods, secrets, services } from '../../../lib/client/resources.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../../test/support/cluster.js';
import { podTemplate } from '../shared/testing/builders.js';
import { conditionsFor } from './conditions.js';

function pod(name: string, more: V1Pod['metadata'] = {}): V1Pod {
  return {
    metadata: { namespace: 'shop', name, ...more },
    spec: { containers: [{ name: 'main', image: 'image:1' }] },
  };
}

describe('deleting a namespace', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.client.create(namespaces, { metadata: { name: 'shop' } });
    await cluster.settle();
  });
  afterEach(() => cluster.close());

  const find = () => cluster.client.find(namespaces, { name: 'shop' });
  const condition = async (type: string) => (await find())?.status?.conditions?.find((one) => one.type === type);
  const gone = async (): Promise<void> => expect(await find()).toBeUndefined();

  test('removes all it holds, and a new one of its name is empty', async () => {
    const { client } = cluster;
    const metadata = { namespace: 'shop', name: 'web' };
    await client.create(configMaps, { metadata });
    await client.create(secrets, { metadata });
    await client.create(services, { metadata, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
    await client.create(deployments, {
      metadata,
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
    });
    await client.create(pods, pod('alone'));
    await cluster.until(async () => {
      const { items } = await client.list(pods, { namespace: 'shop' });
      expect(items.map(({ status }) => status?.phase)).toEqual(['Running', 'Running', 'Running', 'Running']);
    });
    await client.delete(namespaces, { name: 'shop' });
    await cluster.until(gone);
    for (const resource of [configMaps, secrets, services, deployments, pods]) {
      expect((await client.list(resource, { namespace: 'shop' })).items).toEqual([]);
    }
    await client.create(namespaces, { metadata: { name: 'shop' } });
    await cluster.advance(1000);
    const names = (await client.list(configMaps, { namespace: 'shop' })).items.map((one) => one.metadata?.name);
    expect(names).toEqual(['kube-root-ca.crt']);
    expect((await client.list(pods, { namespace: 'shop' })).items).toEqual([]);
  });

  test('takes more than one page of things', async () => {
    for (let index = 0; index < 1100; index++) {
      await cluster.client.create(configMaps, { metadata: { namespace: 'shop', name: `map-${index}` } });
    }
    await cluster.client.delete(namespaces, { name: 'shop' });
    const { tookMs } = await cluster.until(gone);
    expect(tookMs).toBe(0);
    expect((await cluster.client.list(configMaps, { namespace: 'shop' })).items).toEqual([]);
  });

  test('waits for finalizers and says so', async () => {
    const { client } = cluster;
    const metadata = { namespace: 'shop', name: 'held', finalizers: ['example.com/hold'] };
    await client.create(configMaps, { metadata });
    await client.delete(namespaces, { name: 'shop' });
    await cluster.advance(20_000);
    expect((await find())?.status?.phase).toBe('Terminating');
    expect(await condition('NamespaceContentRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: configmaps. has 1 resource instances',
    });
    expect(await condition('NamespaceFinalizersRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeFinalizersRemain',
      message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    });
    expect(await condition('NamespaceDeletionContentFailure')).toMatchObject({
      status: 'False',
      reason: 'ContentDeleted',
    });
    await client.patch(configMaps, { namespace: 'shop', name: 'held' }, 'merge', { metadata: { finalizers: null } });
    const { tookMs } = await cluster.until(gone);
    expect(tookMs).toBe(0);
  });

  test('keeps a namespace that others hold until they let go', async () => {
    const { client } = cluster;
    const fresh = await client.get(namespaces, { name: 'shop' });
    const held = { ...fresh, spec: { finalizers: ['kubernetes', 'example.com/hold'] } };
    await client.update(namespaces, held, { subresource: 'finalize' });
    await client.delete(namespaces, { name: 'shop' });
    await cluster.advance(1000);
    const waiting = await client.get(namespaces, { name: 'shop' });
    expect(waiting.spec?.finalizers).toEqual(['example.com/hold']);
    expect(await condition('NamespaceContentRemaining')).toMatchObject({ status: 'False', reason: 'ContentRemoved' });
    await client.update(namespaces, { ...waiting, spec: { finalizers: [] } }, { subresource: 'finalize' });
    await gone();
  });

  test('goes before what else is there once pods are gone', async () => {
    const { client } = cluster;
    await client.create(configMaps, { metadata: { namespace: 'shop', name: 'settings' } });
    await client.create(pods, pod('held', { finalizers: ['example.com/hold'] }));
    await client.delete(namespaces, { name: 'shop' });
    await cluster.advance(60_000);
    expect(await client.find(configMaps, { namespace: 'shop', name: 'settings' })).toBeDefined();
    await client.patch(pods, { namespace: 'shop', name: 'held' }, 'merge', { metadata: { finalizers: null } });
    await cluster.until(gone);
  });
});

test('conditions keep their times while their status stays, and those of others are left alone', () => {
  const findings = { discoveryFailures: new Map(), contentErrors: [new Error('b'), new Error('a')], remains: [] };
  const first = conditionsFor(findings, [{ type: 'Other', status: 'True' }], 0);
  const second = conditionsFor(findings, first, 60_000);
  expect(second).toEqual(first);
  expect(first.find(({ type }) => type === 'NamespaceDeletionContentFailure')).toEqual({
    type: 'NamespaceDeletionContentFailure',
    status: 'True',
    reason: 'ContentDeletionFailed',
    message: 'Failed to delete all resource types, 2 remaining: a, b',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  });
});
