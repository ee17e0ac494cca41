import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { events, nodes, pods, priorityClasses } from '../../lib/client/resources.js';
import { TransportError } from '../../lib/client/transport.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';

let cluster: TestCluster;

beforeEach(async () => {
  cluster = await startCluster({ nodes: 2 });
  await cluster.advance(1000);
});

afterEach(() => cluster.close());

function podOf(name: string, requests: Record<string, string>, more: Partial<NonNullable<V1Pod['spec']>> = {}): V1Pod {
  return {
    metadata: { namespace: 'default', name },
    spec: { containers: [{ name: 'c', image: 'app', resources: { requests } }], ...more },
  };
}

async function get(name: string): Promise<V1Pod> {
  return cluster.client.get(pods, { namespace: 'default', name });
}

async function create(pod: V1Pod): Promise<void> {
  await cluster.client.create(pods, pod);
  await cluster.advance(100);
}

describe('a pod that fits nowhere', () => {
  it('says why in its condition and in an event, and is placed once something opens up', async () => {
    await create(podOf('big', { cpu: '40' }));
    const message =
      '0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
    expect((await get('big')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }),
    );
    const { items } = await cluster.client.list(events, {
      namespace: 'default',
      fieldSelector: 'reason=FailedScheduling',
    });
    expect(items).toMatchObject([{ type: 'Warning', message, source: { component: 'default-scheduler' } }]);

    const status = { allocatable: { cpu: '64' }, capacity: { cpu: '64' } };
    await cluster.client.patch(nodes, { name: 'node-2' }, 'merge', { status }, { subresource: 'status' });
    await cluster.advance(15_000);
    const placed = await get('big');
    expect(placed.spec?.nodeName).toBe('node-2');
    expect(placed.status?.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
  });

  it('is tried again when it is changed so that it fits', async () => {
    for (const name of ['node-1', 'node-2']) {
      await cluster.client.patch(nodes, { name }, 'merge', {
        spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] },
      });
    }
    await create(podOf('shy', {}));
    await cluster.advance(60_000);
    const shy = await get('shy');
    expect(shy.spec?.nodeName).toBeUndefined();
    const tolerations = [...(shy.spec?.tolerations ?? []), { key: 'mine', operator: 'Exists' }];
    await cluster.client.patch(pods, { namespace: 'default', name: 'shy' }, 'merge', { spec: { tolerations } });
    await cluster.advance(15_000);
    expect((await get('shy')).spec?.nodeName).toBeDefined();
  });

  it('waits for its scheduling gates', async () => {
    await create(podOf('gated', {}, { schedulingGates: [{ name: 'example.com/gate' }] }));
    expect((await get('gated')).spec?.nodeName).toBeUndefined();
    await cluster.client.patch(pods, { namespace: 'default', name: 'gated' }, 'merge', {
      spec: { schedulingGates: null },
    });
    await cluster.advance(1000);
    expect((await get('gated')).spec?.nodeName).toBeDefined();
  });

  it('is left alone when another scheduler is to place it', async () => {
    await create(podOf('other', {}, { schedulerName: 'mine' }));
    await cluster.advance(60_000);
    expect((await get('other')).spec?.nodeName).toBeUndefined();
  });
});

describe('preemption', () => {
  beforeEach(async () => {
    await cluster.client.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 });
    await cluster.client.create(priorityClasses, { metadata: { name: 'low' }, value: 10 });
  });

  it('evicts a pod of lower priority, marks it, and places the other in its stead', async () => {
    await create(podOf('low-1', { cpu: '30' }, { priorityClassName: 'low' }));
    await create(podOf('low-2', { cpu: '20' }, { priorityClassName: 'low' }));
    const held = { metadata: { finalizers: ['example.com/hold'] } };
    await cluster.client.patch(pods, { namespace: 'default', name: 'low-1' }, 'merge', held);
    await cluster.client.patch(pods, { namespace: 'default', name: 'low-2' }, 'merge', held);
    await create(podOf('high', { cpu: '31' }, { priorityClassName: 'high' }));
    await cluster.advance(2000);
    const victims = [await get('low-1'), await get('low-2')].filter((pod) => pod.metadata?.deletionTimestamp);
    expect(victims).toHaveLength(1);
    expect(victims[0]?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }),
    );
    await cluster.client.patch(pods, { namespace: 'default', name: victims[0]?.metadata?.name ?? '' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.advance(40_000);
    expect((await get('high')).spec?.nodeName).toBe(victims[0]?.spec?.nodeName);
  });

  it('keeps the room that its victims leave for the pod they left for', async () => {
    await cluster.client.patch(nodes, { name: 'node-2' }, 'merge', { spec: { unschedulable: true } });
    const held = { metadata: { finalizers: ['example.com/hold'] } };
    for (const name of ['low-1', 'low-2']) {
      await create(podOf(name, { cpu: '15' }, { priorityClassName: 'low' }));
      await cluster.client.patch(pods, { namespace: 'default', name }, 'merge', held);
    }
    await create(podOf('high', { cpu: '30' }, { priorityClassName: 'high' }));
    expect((await get('high')).status?.nominatedNodeName).toBe('node-1');
    await create(podOf('greedy', { cpu: '15' }));
    await cluster.client.patch(pods, { namespace: 'default', name: 'low-1' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.advance(30_000);
    expect((await get('greedy')).spec?.nodeName).toBeUndefined();
    await cluster.client.patch(pods, { namespace: 'default', name: 'low-2' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.advance(30_000);
    expect((await get('high')).spec?.nodeName).toBe('node-1');
    expect((await get('greedy')).spec?.nodeName).toBeUndefined();
  });

  it('never evicts pods of the same or higher priority, and not with preemptionPolicy Never', async () => {
    await create(podOf('first-1', { cpu: '30' }, { priorityClassName: 'high' }));
    await create(podOf('first-2', { cpu: '30' }, { priorityClassName: 'high' }));
    await create(podOf('second', { cpu: '30' }, { priorityClassName: 'high' }));
    await cluster.client.create(priorityClasses, {
      metadata: { name: 'patient' },
      value: 2000,
      preemptionPolicy: 'Never',
    });
    await create(podOf('patient', { cpu: '30' }, { priorityClassName: 'patient' }));
    await cluster.advance(60_000);
    for (const name of ['first-1', 'first-2']) expect((await get(name)).metadata?.deletionTimestamp).toBeUndefined();
    const condition = (await get('patient')).status?.conditions?.find((one) => one.type === 'PodScheduled');
    expect(condition?.message).toContain('preemption: not eligible due to preemptionPolicy=Never.');
    expect((await get('second')).status?.conditions?.find((one) => one.type === 'PodScheduled')?.message).toContain(
      'No preemption victims found for incoming pod',
    );
  });
});

it('places the more important pod first when both wait', async () => {
  await cluster.client.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 });
  for (const name of ['node-1', 'node-2']) {
    await cluster.client.patch(nodes, { name }, 'merge', { spec: { unschedulable: true } });
  }
  await create(podOf('plain', { cpu: '20' }));
  await create(podOf('important', { cpu: '20' }, { priorityClassName: 'high' }));
  // Both have waited out their back-off, so the queue's order alone decides.
  await cluster.advance(20_000);
  await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', { spec: { unschedulable: null } });
  await cluster.advance(30_000);
  expect((await get('important')).spec?.nodeName).toBe('node-1');
  expect((await get('plain')).spec?.nodeName).toBeUndefined();
});

describe('a write of the scheduler that fails', () => {
  async function restart(fails: (path: string, method: string) => boolean): Promise<void> {
    await cluster.close();
    cluster = await startCluster({
      nodes: 1,
      wrapTransport: (component, inner) => ({
        send: (request) =>
          component === 'scheduler' && fails(request.path, request.method)
            ? Promise.reject(new TransportError('the network is away'))
            : inner.send(request),
      }),
    });
    await cluster.advance(1000);
  }

  it('is tried again: a binding', async () => {
    let failures = 1;
    await restart((path) => path.includes('/binding') && failures-- > 0);
    await create(podOf('web', {}));
    expect((await get('web')).spec?.nodeName).toBeUndefined();
    await cluster.advance(5000);
    expect((await get('web')).spec?.nodeName).toBe('node-1');
  });

  it('is tried again: an eviction', async () => {
    let failures = 1;
    await restart((path, method) => path.includes('/pods/low') && method === 'DELETE' && failures-- > 0);
    await cluster.client.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 });
    await create(podOf('low', { cpu: '30' }));
    await create(podOf('high', { cpu: '30' }, { priorityClassName: 'high' }));
    await cluster.advance(20_000);
    expect((await get('high')).spec?.nodeName).toBe('node-1');
  });

  it('is tried again: why a pod does not fit', async () => {
    let failures = 1;
    await restart((path) => path.includes('/pods/big/status') && failures-- > 0);
    await create(podOf('big', { cpu: '40' }));
    await cluster.advance(5000);
    expect((await get('big')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PodScheduled', status: 'False' }),
    );
  });
});
