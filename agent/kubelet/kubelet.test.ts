import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { events, pods } from '../../lib/client/resources.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';

let cluster: TestCluster;

beforeEach(async () => {
  cluster = await startCluster({ nodes: 1 });
  await cluster.advance(1000);
});

afterEach(() => cluster.close());

function podOf(
  name: string,
  spec: Partial<NonNullable<V1Pod['spec']>> = {},
  annotations: Record<string, string> = {},
): V1Pod {
  return {
    metadata: { namespace: 'default', name, annotations },
    spec: { containers: [{ name: 'main', image: 'app' }], ...spec },
  };
}

const scripted = (script: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(script).map(([key, value]) => [`simulated.zeroplane.dev/${key}`, value]));

async function create(pod: V1Pod): Promise<V1Pod> {
  const created = await cluster.client.create(pods, pod);
  await cluster.settle();
  await cluster.advance(1);
  return created;
}

const get = (name: string): Promise<V1Pod> => cluster.client.get(pods, { namespace: 'default', name });

function condition(pod: V1Pod, type: string) {
  return pod.status?.conditions?.find((one) => one.type === type);
}

function runtimeOf(node = 'node-1') {
  const found = cluster.nodes.nodes.get(node);
  if (found === undefined) throw new Error(`there is no ${node}`);
  return found;
}

describe('a pod that runs', () => {
  it('is reported as the kubelet reports it', async () => {
    await create(
      podOf('web', {
        containers: [
          { name: 'b', image: 'two' },
          { name: 'a', image: 'one' },
        ],
      }),
    );
    const { status } = await get('web');
    expect(status?.phase).toBe('Running');
    expect(status?.podIP).toMatch(/^10\.244\.0\.\d+$/);
    expect(status?.podIPs).toEqual([{ ip: status?.podIP }]);
    expect(status?.hostIP).toBe('198.18.0.1');
    expect(status?.conditions?.map(({ type, status: value }) => [type, value])).toEqual(
      expect.arrayContaining([
        ['PodReadyToStartContainers', 'True'],
        ['Initialized', 'True'],
        ['Ready', 'True'],
        ['ContainersReady', 'True'],
        ['PodScheduled', 'True'],
      ]),
    );
    expect(status?.containerStatuses?.map((one) => [one.name, one.ready, one.started, one.restartCount])).toEqual([
      ['a', true, true, 0],
      ['b', true, true, 0],
    ]);
    expect(status?.containerStatuses?.[0]?.state?.running?.startedAt).toBeDefined();
  });

  it('is written once, not on every step', async () => {
    await create(podOf('web'));
    const { resourceVersion } = (await get('web')).metadata ?? {};
    await cluster.advance(120_000);
    expect((await get('web')).metadata?.resourceVersion).toBe(resourceVersion);
  });

  it('becomes unready and ready again with its annotation', async () => {
    await create(podOf('web'));
    const annotate = async (ready: string | null): Promise<void> => {
      const annotations = { 'simulated.zeroplane.dev/ready': ready };
      await cluster.client.patch(pods, { namespace: 'default', name: 'web' }, 'merge', { metadata: { annotations } });
      await cluster.settle();
    };
    await annotate('false');
    expect(condition(await get('web'), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    });
    await annotate(null);
    expect(condition(await get('web'), 'Ready')?.status).toBe('True');
  });

  it('waits for its readiness gates', async () => {
    await create(podOf('web', { readinessGates: [{ conditionType: 'example.com/gate' }] }));
    expect(condition(await get('web'), 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' });
    const conditions = [{ type: 'example.com/gate', status: 'True' }];
    await cluster.client.patch(
      pods,
      { namespace: 'default', name: 'web' },
      'strategic',
      { status: { conditions } },
      { subresource: 'status' },
    );
    await cluster.settle();
    expect(condition(await get('web'), 'Ready')?.status).toBe('True');
    expect(condition(await get('web'), 'example.com/gate')?.status).toBe('True');
  });
});

describe('a pod that ends', () => {
  it('succeeds, and keeps its address', async () => {
    await create(podOf('task', { restartPolicy: 'Never' }, scripted({ 'exit-code': '0', 'run-ms': '1000' })));
    const running = await get('task');
    await cluster.advance(1500);
    const { status } = await get('task');
    expect(status?.phase).toBe('Succeeded');
    expect(status?.podIP).toBe(running.status?.podIP);
    expect(status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(condition(await get('task'), 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    expect((await runtimeOf().runtime.listSandboxes()).every((sandbox) => sandbox.state === 'not-ready')).toBe(true);
  });

  it('fails with its exit code', async () => {
    await create(podOf('task', { restartPolicy: 'Never' }, scripted({ 'exit-code': '3', 'run-ms': '100' })));
    await cluster.advance(500);
    const { status } = await get('task');
    expect(status?.phase).toBe('Failed');
    expect(status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  });

  it('is restarted with growing waits and says CrashLoopBackOff', async () => {
    await create(podOf('crash', {}, scripted({ 'exit-code': '1', 'run-ms': '100' })));
    await cluster.advance(500);
    const first = (await get('crash')).status?.containerStatuses?.[0];
    expect(first?.restartCount).toBe(1);
    expect(first?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    expect(first?.state?.waiting?.message).toContain('back-off 10s restarting failed container=main');
    expect(first?.lastState?.terminated?.exitCode).toBe(1);
    await cluster.advance(10_000);
    expect((await get('crash')).status?.containerStatuses?.[0]?.restartCount).toBe(2);
    await cluster.advance(10_000);
    expect((await get('crash')).status?.containerStatuses?.[0]?.restartCount).toBe(2);
    await cluster.advance(11_000);
    expect((await get('crash')).status?.containerStatuses?.[0]?.restartCount).toBe(3);
    expect((await get('crash')).status?.phase).toBe('Running');
    const containers = await runtimeOf().runtime.listContainers();
    expect(containers.length).toBeLessThanOrEqual(2);
  });

  it('is failed at its deadline', async () => {
    await create(podOf('late', { activeDeadlineSeconds: 5, restartPolicy: 'Never' }));
    await cluster.advance(4000);
    expect((await get('late')).status?.phase).toBe('Running');
    await cluster.advance(2000);
    const { status } = await get('late');
    expect(status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(status?.containerStatuses?.[0]).toMatchObject({ ready: false, state: { terminated: {} } });
    const containers = await runtimeOf().runtime.listContainers();
    expect(containers.every((container) => container.state === 'exited')).toBe(true);
  });
});

describe('init containers', () => {
  it('run one after the other before the others', async () => {
    const init = [
      { name: 'one', image: 'i' },
      { name: 'two', image: 'i' },
    ];
    await create(podOf('web', { initContainers: init }, scripted({ 'exit-code': '0', 'run-ms': '1000' })));
    expect((await get('web')).status).toMatchObject({ phase: 'Pending' });
    expect(condition(await get('web'), 'Initialized')).toMatchObject({
      status: 'False',
      message: 'containers with incomplete status: [one two]',
    });
    await cluster.advance(1100);
    const between = await get('web');
    expect(between.status?.initContainerStatuses?.map((one) => one.ready)).toEqual([true, false]);
    expect(between.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
    await cluster.advance(1000);
    expect((await get('web')).status?.phase).toBe('Running');
    expect(condition(await get('web'), 'Initialized')?.status).toBe('True');
  });

  it('that fail end a pod that is never restarted', async () => {
    const spec = { initContainers: [{ name: 'one', image: 'i' }], restartPolicy: 'Never' };
    await create(podOf('web', spec, scripted({ 'exit-code': '1', 'run-ms': '100' })));
    await cluster.advance(500);
    const { status } = await get('web');
    expect(status?.phase).toBe('Failed');
    expect(status?.containerStatuses?.[0]?.state?.waiting).toBeDefined();
  });

  it('that are sidecars keep running beside the others', async () => {
    const spec = { initContainers: [{ name: 'side', image: 'i', restartPolicy: 'Always' }] };
    await create(podOf('web', spec));
    await cluster.advance(10);
    const { status } = await get('web');
    expect(status?.phase).toBe('Running');
    expect(status?.initContainerStatuses?.[0]).toMatchObject({ ready: true, started: true });
  });
});

it('an image that cannot be pulled is tried again after a wait', async () => {
  await create(podOf('web', {}, scripted({ pull: 'error' })));
  expect((await get('web')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ErrImagePull');
  await cluster.advance(2000);
  expect((await get('web')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff');
  expect((await get('web')).status?.phase).toBe('Pending');
  const { items } = await cluster.client.list(events, { namespace: 'default', fieldSelector: 'reason=Failed' });
  expect(items.length).toBeGreaterThan(0);
});

it('a pod whose image takes long to pull says that its container is being created', async () => {
  await create(podOf('web', {}, scripted({ pull: '3000' })));
  await cluster.advance(500);
  const { status } = await get('web');
  expect(status?.phase).toBe('Pending');
  expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ContainerCreating');
  expect(condition(await get('web'), 'Ready')?.status).toBe('False');
  await cluster.advance(3000);
  expect((await get('web')).status?.phase).toBe('Running');
});

it('a container whose image changes is replaced, also in a pod that is never restarted', async () => {
  await create(podOf('web', { restartPolicy: 'Never' }));
  const image = { spec: { containers: [{ name: 'main', image: 'app:2' }] } };
  await cluster.client.patch(pods, { namespace: 'default', name: 'web' }, 'strategic', image);
  await cluster.advance(1000);
  const { status } = await get('web');
  expect(status?.phase).toBe('Running');
  expect(status?.containerStatuses?.[0]).toMatchObject({ image: 'app:2', restartCount: 1, ready: true });
  expect(status?.containerStatuses?.[0]?.lastState?.terminated).toBeDefined();
});

it('an ephemeral container is started once and does not keep the pod from anything', async () => {
  await create(podOf('web'));
  const target = { namespace: 'default', name: 'web' };
  const ephemeralContainers = [{ name: 'debugger', image: 'tools' }];
  await cluster.client.patch(
    pods,
    target,
    'strategic',
    { spec: { ephemeralContainers } },
    { subresource: 'ephemeralcontainers' },
  );
  await cluster.advance(1000);
  const { status } = await get('web');
  expect(status?.ephemeralContainerStatuses).toEqual([
    expect.objectContaining({ name: 'debugger', restartCount: 0, state: { running: expect.anything() as unknown } }),
  ]);
  expect(condition(await get('web'), 'Ready')?.status).toBe('True');
  const [, container] = await runtimeOf().runtime.listContainers();
  await runtimeOf().runtime.stopContainer(container?.id ?? '', 0);
  await cluster.advance(60_000);
  expect((await runtimeOf().runtime.listContainers()).map(({ name }) => name)).toEqual(['main', 'debugger']);
  expect((await get('web')).status?.phase).toBe('Running');
});

it('what a node has taken holds its place against pods made in the same second, or before', async () => {
  const taken = {
    nodeName: 'node-1',
    containers: [{ name: 'main', image: 'app', ports: [{ containerPort: 80, hostPort: 80 }] }],
  };
  await create(podOf('first', taken));
  expect((await get('first')).status?.phase).toBe('Running');
  for (let i = 0; i < 8; i++) {
    await create(podOf(`late-${i}`, taken));
    expect((await get(`late-${i}`)).status).toMatchObject({ phase: 'Failed', reason: 'NodePorts' });
  }
  expect((await get('first')).status?.phase).toBe('Running');
});

describe('deletion', () => {
  it('ends the containers, then the object', async () => {
    await create(podOf('web'));
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.advance(1000);
    expect(await cluster.client.find(pods, { namespace: 'default', name: 'web' })).toBeUndefined();
    expect(await runtimeOf().runtime.listSandboxes()).toEqual([]);
  });

  it('by force leaves nothing on the node', async () => {
    await create(podOf('web'));
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
    await cluster.advance(1000);
    expect(await runtimeOf().runtime.listSandboxes()).toEqual([]);
  });

  it('waits for finalizers with the containers gone', async () => {
    const pod = podOf('web');
    pod.metadata = { ...pod.metadata, finalizers: ['example.com/hold'] };
    await create(pod);
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.advance(1000);
    const held = await get('web');
    expect(held.metadata?.deletionTimestamp).toBeDefined();
    expect(condition(held, 'Ready')?.status).toBe('False');
    const containers = await runtimeOf().runtime.listContainers();
    expect(containers.every((container) => container.state === 'exited')).toBe(true);
    await cluster.client.patch(pods, { namespace: 'default', name: 'web' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.advance(1000);
    expect(await cluster.client.find(pods, { namespace: 'default', name: 'web' })).toBeUndefined();
    expect(await runtimeOf().runtime.listSandboxes()).toEqual([]);
  });
});

describe('admission by the node', () => {
  it('fails a pod whose host port is taken', async () => {
    const spec = {
      nodeName: 'node-1',
      containers: [{ name: 'main', image: 'app', ports: [{ containerPort: 80, hostPort: 80 }] }],
    };
    await create(podOf('first', spec));
    await cluster.advance(1000);
    await create(podOf('second', spec));
    await cluster.advance(1000);
    expect((await get('first')).status?.phase).toBe('Running');
    expect((await get('second')).status).toMatchObject({ phase: 'Failed', reason: 'NodePorts' });
  });

  it('fails a pod that asks for more than is left', async () => {
    const containers = [{ name: 'main', image: 'app', resources: { requests: { cpu: '33' } } }];
    await create(podOf('big', { nodeName: 'node-1', containers }));
    await cluster.advance(1000);
    expect((await get('big')).status).toMatchObject({ phase: 'Failed', reason: 'OutOfcpu' });
  });
});

describe('a pod whose sandbox is lost', () => {
  it('gets another, and the address of that one', async () => {
    await create(podOf('web'));
    const before = (await get('web')).status?.podIP;
    const { runtime } = runtimeOf();
    for (const sandbox of await runtime.listSandboxes()) await runtime.removeSandbox(sandbox.id);
    await cluster.client.patch(pods, { namespace: 'default', name: 'web' }, 'merge', {
      metadata: { annotations: { look: 'again' } },
    });
    await cluster.advance(5000);
    const { status } = await get('web');
    expect(status?.podIP).not.toBe(before);
    expect(status?.podIPs).toEqual([{ ip: status?.podIP }]);
    expect(condition(await get('web'), 'Ready')?.status).toBe('True');
  });
});

describe('pods that are gone', () => {
  it('are removed from the node, and one that cannot be yet keeps neither the others nor the node', async () => {
    const { kubelet, runtime } = runtimeOf();
    const plain = { namespace: 'default', attempt: 0, hostname: '', hostNetwork: false, labels: {}, annotations: {} };
    const [first] = await Promise.all(
      ['stuck', 'gone'].map((name) => runtime.runSandbox({ ...plain, podUid: `uid-of-${name}`, name })),
    );
    const remove = vi
      .spyOn(runtime, 'removeSandbox')
      .mockImplementationOnce(() => Promise.reject(new Error('running task')));
    await kubelet.removeStrangers();
    expect((await runtime.listSandboxes()).map(({ id }) => id)).toEqual([first]);
    await kubelet.removeStrangers();
    expect(await runtime.listSandboxes()).toEqual([]);
    remove.mockRestore();
  });
});
