import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodes, pods } from '../../lib/client/resources.js';
import type { V1Pod, V1PodSpec } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { podGarbageCollector } from './pod-garbage-collector.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';

const named = (name: string) => ({ namespace: 'default', name });

function pod(name: string, spec: Partial<V1PodSpec> = {}, finalizers: string[] = []): V1Pod {
  return {
    metadata: { ...named(name), finalizers },
    spec: { containers: [{ name: 'main', image: 'image:1' }], ...spec },
  };
}

describe('pods that nobody else removes', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  afterEach(() => cluster.close());

  const find = (name: string): Promise<V1Pod | undefined> => cluster.client.find(pods, named(name));

  async function running(name: string, spec: Partial<V1PodSpec> = {}, finalizers: string[] = []): Promise<void> {
    await cluster.client.create(pods, pod(name, { nodeName: 'node-1', ...spec }, finalizers));
    await cluster.until(async () => expect((await find(name))?.status?.phase).toBe('Running'));
  }

  test('go some time after their node, failed and with the reason', async () => {
    await running('one', {}, ['example.com/look']);
    await cluster.nodes.nodes.get('node-1')?.kubelet.stop();
    await cluster.client.delete(nodes, { name: 'node-1' });
    await cluster.advance(39_000);
    expect((await find('one'))?.status?.phase).toBe('Running');
    await cluster.advance(2000);
    const gone = await find('one');
    expect(gone?.metadata?.deletionTimestamp).toBeDefined();
    expect(gone?.status?.phase).toBe('Failed');
    expect(gone?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
    });
    await cluster.client.patch(pods, named('one'), 'merge', { metadata: { finalizers: null } });
    expect(await find('one')).toBeUndefined();
  });

  test('stay when their node comes back in time', async () => {
    await running('one');
    await cluster.client.delete(nodes, { name: 'node-1' });
    await cluster.advance(20_000);
    // Its kubelet has registered it again.
    expect(await cluster.client.find(nodes, { name: 'node-1' })).toBeDefined();
    await cluster.advance(60_000);
    expect((await find('one'))?.status?.phase).toBe('Running');
  });

  test('go when they are bound to a node that never comes', async () => {
    await cluster.client.create(pods, pod('lost', { nodeName: 'nowhere' }));
    await cluster.advance(39_000);
    expect(await find('lost')).toBeDefined();
    await cluster.advance(2000);
    expect(await find('lost')).toBeUndefined();
  });

  test('go from a node that is declared out of service', async () => {
    await running('one', { tolerations: [{ operator: 'Exists' }] });
    await running('other', { tolerations: [{ operator: 'Exists' }] });
    cluster.cutOff('node-1', true);
    await cluster.client.delete(pods, named('one'));
    await cluster.advance(120_000);
    expect((await find('one'))?.metadata?.deletionTimestamp).toBeDefined();
    const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }];
    const present = (await cluster.client.get(nodes, { name: 'node-1' })).spec?.taints ?? [];
    await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', { spec: { taints: [...present, ...taints] } });
    await cluster.settle();
    expect(await find('one')).toBeUndefined();
    expect((await find('other'))?.metadata?.deletionTimestamp).toBeUndefined();
    await cluster.client.delete(pods, named('other'));
    await cluster.settle();
    expect(await find('other')).toBeUndefined();
  });

  test('end as failed when they were never bound', async () => {
    await cluster.client.create(pods, pod('unbound', { nodeSelector: { no: 'where' } }, ['example.com/look']));
    await cluster.client.delete(pods, named('unbound'));
    await cluster.settle();
    expect((await find('unbound'))?.status?.phase).toBe('Failed');
  });
});

test('of too many pods that have ended, evicted ones and then the oldest go', async () => {
  const cluster = new FakeCluster([podGarbageCollector(3)]);
  for (const [index, reason] of [undefined, undefined, undefined, 'Evicted', undefined].entries()) {
    const name = `pod-${index}`;
    await cluster.client.create(pods, { ...pod(name), status: { phase: 'Running' } });
    await cluster.setPhase(name, 'Succeeded', { reason });
    await cluster.clock.advance(1000);
  }
  await cluster.client.create(pods, { ...pod('runs'), status: { phase: 'Running' } });
  await cluster.settle();
  const names = cluster.list(pods).map(({ metadata }) => metadata?.name);
  expect(names.toSorted()).toEqual(['pod-1', 'pod-2', 'pod-4', 'runs']);
});
