import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configMaps, namespaces, nodes, serviceAccounts } from '../../lib/client/resources.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { nodeIpamController } from './node-ipam.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';

describe('what every namespace has', () => {
  const bundle = { namespace: 'shop', name: 'kube-root-ca.crt' };
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster();
    await cluster.client.create(namespaces, { metadata: { name: 'shop' } });
    await cluster.settle();
  });
  afterEach(() => cluster.close());

  test('a CA bundle that comes back when deleted and is mended when edited', async () => {
    const { client } = cluster;
    const made = await client.get(configMaps, bundle);
    expect(made.data).toEqual({ 'ca.crt': 'test certificate' });
    expect(made.metadata?.annotations?.['kubernetes.io/description']).toContain('verify the kube-apiserver');
    await client.delete(configMaps, bundle);
    await cluster.settle();
    expect((await client.get(configMaps, bundle)).data).toEqual({ 'ca.crt': 'test certificate' });
    await client.patch(configMaps, bundle, 'merge', {
      data: { 'ca.crt': 'other', more: 'x' },
      metadata: { annotations: { mine: 'stays' } },
    });
    await cluster.settle();
    const mended = await client.get(configMaps, bundle);
    expect(mended.data).toEqual({ 'ca.crt': 'test certificate' });
    expect(mended.metadata?.annotations?.['mine']).toBe('stays');
    for (const namespace of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      expect(await client.find(configMaps, { ...bundle, namespace })).toBeDefined();
    }
  });

  test('a default service account that comes back', async () => {
    const { client } = cluster;
    const ref = { namespace: 'shop', name: 'default' };
    const made = await client.get(serviceAccounts, ref);
    await client.delete(serviceAccounts, ref);
    await cluster.settle();
    expect((await client.get(serviceAccounts, ref)).metadata?.uid).not.toBe(made.metadata?.uid);
  });
});

describe('pod ranges of nodes', () => {
  const ranges = (cluster: FakeCluster): (string | undefined)[] => cluster.list(nodes).map(({ spec }) => spec?.podCIDR);

  test('are given out once each, and again when a node has gone', async () => {
    const cluster = new FakeCluster([nodeIpamController('10.244.0.0/22')]);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await cluster.client.create(nodes, { metadata: { name } });
    await cluster.settle();
    expect(ranges(cluster)).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24', undefined]);
    expect(cluster.events()).toEqual(['CIDRNotAvailable: Node e status is now: CIDRNotAvailable']);
    expect(cluster.list(nodes)[0]?.spec?.podCIDRs).toEqual(['10.244.0.0/24']);
    await cluster.client.delete(nodes, { name: 'b' });
    await cluster.settle();
    expect(ranges(cluster)).toEqual(['10.244.0.0/24', '10.244.2.0/24', '10.244.3.0/24', '10.244.1.0/24']);
  });

  test('are as small as the cluster range when that is smaller', async () => {
    const cluster = new FakeCluster([nodeIpamController('10.244.0.64/26')]);
    for (const name of ['a', 'b']) await cluster.client.create(nodes, { metadata: { name } });
    await cluster.settle();
    expect(ranges(cluster)).toEqual(['10.244.0.64/26', undefined]);
  });
});
