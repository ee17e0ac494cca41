import { afterEach, describe, expect, test } from 'vitest';
import {
  deployments,
  endpoints,
  endpointSlices,
  events,
  nodes,
  pods,
  services,
} from '../../../lib/client/resources.js';
import type { V1Node, V1Pod, V1PodSpec } from '../../../lib/schema/generated/types.js';
import { startCluster, type ClusterOptions, type TestCluster } from '../../../test/support/cluster.js';
import { isPodReady } from '../shared/pods.js';
import { podTemplate } from '../shared/testing/builders.js';

const READY_ELSEWHERE_MS = 60_000;

/** What `zeroplane up` sets on a laptop. */
const TOLERATION_SECONDS = 10;

let cluster: TestCluster;

afterEach(() => cluster.close());

async function start(options: ClusterOptions = {}): Promise<void> {
  cluster = await startCluster({ nodes: 3, defaultTolerationSeconds: TOLERATION_SECONDS, ...options });
}

const named = (name: string) => ({ namespace: 'default', name });
const getNode = (name: string): Promise<V1Node> => cluster.client.get(nodes, { name });
const findPod = (name: string): Promise<V1Pod | undefined> => cluster.client.find(pods, named(name));
const readyOf = (node: V1Node) => node.status?.conditions?.find(({ type }) => type === 'Ready');

async function list(): Promise<V1Pod[]> {
  return (await cluster.client.list(pods, { namespace: 'default' })).items;
}

async function servingAddresses(): Promise<string[]> {
  const { items } = await cluster.client.list(endpointSlices, {
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=web',
  });
  const ready = items.flatMap((slice) => slice.endpoints ?? []).filter((one) => one.conditions?.ready === true);
  const legacy = await cluster.client.get(endpoints, named('web'));
  const old = (legacy.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
  const addresses = ready.flatMap((one) => one.addresses).toSorted();
  expect(old.toSorted()).toEqual(addresses);
  return addresses;
}

/** Three replicas on the nodes, behind a service. */
async function web(): Promise<void> {
  await cluster.client.create(services, {
    metadata: named('web'),
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  });
  await cluster.client.create(deployments, {
    metadata: named('web'),
    spec: { replicas: 6, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
  });
  await cluster.until(async () => expect(await servingAddresses()).toHaveLength(6));
}

function pinned(name: string, node: string, spec: Partial<V1PodSpec> = {}): V1Pod {
  return {
    metadata: { ...named(name), labels: { app: 'web' } },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'image:1' }], ...spec },
  };
}

async function settled(name: string): Promise<void> {
  await cluster.until(async () => expect((await findPod(name))?.status?.phase).toBe('Running'));
}

describe('a node that stops heartbeating', () => {
  test('loses its pods in time, keeps those that tolerate it, and gets well again', async () => {
    await start();
    await web();
    const toleration = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' };
    await cluster.client.create(
      pods,
      pinned('patient', 'node-1', { tolerations: [{ ...toleration, tolerationSeconds: 300 }] }),
    );
    await settled('patient');
    await cluster.advance(7000);
    const lost = (await list()).filter(({ spec }) => spec?.nodeName === 'node-1');
    const lostAddresses = lost.map(({ status }) => status?.podIP ?? '');
    expect(lost.length).toBeGreaterThan(1);

    cluster.cutOff('node-1', true);
    const cutMs = cluster.clock.now();
    const { tookMs: noticedMs } = await cluster.until(async () => {
      const serving = await servingAddresses();
      expect(serving.filter((ip) => lostAddresses.includes(ip))).toEqual([]);
    });
    expect(noticedMs).toBeLessThanOrEqual(40_000);
    const ill = await getNode('node-1');
    expect(readyOf(ill)).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(ill.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    for (const { metadata } of lost) {
      const pod = await findPod(metadata?.name ?? '');
      expect(pod === undefined ? 'gone' : isPodReady(pod)).toBe(false);
    }

    await cluster.until(async () => {
      const living = (await list()).filter(({ metadata }) => metadata?.name?.startsWith('web-'));
      const elsewhere = living.filter((pod) => pod.spec?.nodeName !== 'node-1' && isPodReady(pod));
      expect(elsewhere).toHaveLength(6);
      expect(await servingAddresses()).toHaveLength(6);
    });
    expect(cluster.clock.now() - cutMs).toBeLessThanOrEqual(READY_ELSEWHERE_MS);

    // What is deleted on a dead node stays until the node says so; the patient one is not even asked to go.
    const waiting = (await list()).filter(({ spec }) => spec?.nodeName === 'node-1');
    for (const { metadata } of waiting) {
      expect(metadata?.deletionTimestamp !== undefined).toBe(metadata?.name !== 'patient');
    }
    const reasons = (await cluster.client.list(events)).items.map(({ reason }) => reason);
    expect(reasons).toContain('TaintManagerEviction');
    expect(reasons).toContain('NodeNotReady');

    await cluster.advance(200_000);
    expect((await findPod('patient'))?.metadata?.deletionTimestamp).toBeUndefined();

    cluster.cutOff('node-1', false);
    await cluster.until(async () => {
      const well = await getNode('node-1');
      expect(readyOf(well)?.status).toBe('True');
      expect(well.spec?.taints ?? []).toEqual([]);
      expect((await list()).filter(({ spec }) => spec?.nodeName === 'node-1').map(isPodReady)).toEqual([true]);
      expect(await servingAddresses()).toHaveLength(7);
    });
    await cluster.advance(400_000);
    expect((await findPod('patient'))?.metadata?.deletionTimestamp).toBeUndefined();
  });

  test('loses a pod that tolerates it for 300 s after 300 s', async () => {
    await start();
    const tolerations = [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }];
    await cluster.client.create(pods, pinned('patient', 'node-1', { tolerations }));
    await cluster.client.create(pods, pinned('stays', 'node-1', { tolerations: [{ operator: 'Exists' }] }));
    await settled('patient');
    cluster.cutOff('node-1', true);
    const { tookMs } = await cluster.until(
      async () => expect((await findPod('patient'))?.metadata?.deletionTimestamp).toBeDefined(),
      400_000,
    );
    expect(tookMs).toBeGreaterThan(300_000);
    expect(tookMs).toBeLessThanOrEqual(341_000);
    expect(
      (await findPod('patient'))?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    ).toMatchObject({
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    });
    await cluster.advance(600_000);
    expect((await findPod('stays'))?.metadata?.deletionTimestamp).toBeUndefined();
  });

  test('loses nothing when no other node is ready either', async () => {
    await start({ nodes: 2 });
    await cluster.client.create(pods, pinned('one', 'node-1', { tolerations: [] }));
    await settled('one');
    cluster.cutOff('node-1', true);
    cluster.cutOff('node-2', true);
    await cluster.advance(300_000);
    expect(readyOf(await getNode('node-1'))?.status).toBe('Unknown');
    const effects = (await getNode('node-1')).spec?.taints?.map(({ effect }) => effect);
    expect(effects).toEqual(['NoSchedule']);
    expect((await findPod('one'))?.metadata?.deletionTimestamp).toBeUndefined();
    cluster.cutOff('node-2', false);
    await cluster.until(async () => expect((await findPod('one'))?.metadata?.deletionTimestamp).toBeDefined());
  });

  test('waits for its turn after another of its zone', async () => {
    await start({ nodes: 5 });
    cluster.cutOff('node-1', true);
    cluster.cutOff('node-2', true);
    await cluster.advance(120_000);
    const times = await Promise.all(
      ['node-1', 'node-2'].map(async (name) => {
        const taint = (await getNode(name)).spec?.taints?.find(({ effect }) => effect === 'NoExecute');
        return Date.parse(taint?.timeAdded ?? '');
      }),
    );
    expect(Math.abs((times[0] ?? NaN) - (times[1] ?? NaN))).toBe(10_000);
  });
});

test('a node that never reports counts as lost after a minute', async () => {
  await start({ nodes: 1 });
  await cluster.client.create(nodes, { metadata: { name: 'mute' } });
  await cluster.advance(59_000);
  expect(readyOf(await getNode('mute'))).toBeUndefined();
  await cluster.advance(2000);
  expect(readyOf(await getNode('mute'))).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
  });
});

describe('taints of people', () => {
  test('drive pods away too, and count from when they are seen', async () => {
    await start({ nodes: 1 });
    const tolerations = [{ key: 'maintenance', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }];
    await cluster.client.create(pods, pinned('goes', 'node-1'));
    await cluster.client.create(pods, pinned('later', 'node-1', { tolerations }));
    await settled('later');
    const taints = [{ key: 'maintenance', value: 'now', effect: 'NoExecute' }];
    await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', { spec: { taints } });
    await cluster.until(async () => expect(await findPod('goes')).toBeUndefined());
    const { tookMs } = await cluster.until(async () => expect(await findPod('later')).toBeUndefined(), 120_000);
    expect(tookMs).toBeGreaterThanOrEqual(59_000);
    expect(tookMs).toBeLessThanOrEqual(62_000);
  });

  test('unschedulable nodes get their taint and lose it', async () => {
    await start({ nodes: 1 });
    await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', { spec: { unschedulable: true } });
    await cluster.settle();
    expect((await getNode('node-1')).spec?.taints).toEqual([
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: expect.any(String) },
    ]);
    await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', { spec: { unschedulable: null } });
    await cluster.settle();
    expect((await getNode('node-1')).spec?.taints).toBeUndefined();
  });
});
