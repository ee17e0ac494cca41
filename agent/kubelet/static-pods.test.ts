import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readStaticPod } from '../../functions/apiserver/static-pod-reader.js';
import { Client } from '../../lib/client/client.js';
import { events, nodes, pods } from '../../lib/client/resources.js';
import { seededRandom } from '../../lib/random.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { Line } from '../../test/support/line.js';
import { SimulatedRuntime } from '../runtime/simulated/simulated-runtime.js';
import { simulatedNode, type SimulatedNode } from '../simulated-node.js';
import type { ManifestFile, ManifestSource } from './manifest-folder.js';

const NODE = 'edge-1';

let cluster: TestCluster;
let line: Line;
let runtime: SimulatedRuntime;
let node: SimulatedNode;
let logged: string[];
let starting: Promise<void>;

/** A folder whose changes nobody is told of, as on file systems that do not tell. */
class Folder implements ManifestSource {
  readonly files = new Map<string, string | { problem: string }>();

  write(name: string, text: object | string): void {
    this.files.set(`/manifests/${name}`, typeof text === 'string' ? text : JSON.stringify(text));
  }

  read(): ManifestFile[] {
    return [...this.files].map(([file, text]) =>
      typeof text === 'string' ? { file, bytes: Buffer.from(text) } : { file, ...text },
    );
  }

  watch(): () => void {
    return () => undefined;
  }
}

let folder: Folder;

/** The node's agent, as it starts on this machine. */
function startAgent(): void {
  const user = { username: `system:node:${NODE}`, groups: ['system:nodes', 'system:authenticated'] };
  line = new Line(cluster.controlPlane.transport(user));
  logged = [];
  node = simulatedNode({
    client: new Client(line, 'kubelet'),
    clock: cluster.clock,
    random: seededRandom(7),
    name: NODE,
    index: 9,
    heartbeatMs: 10_000,
    runtime,
    staticPods: { source: folder, read: readStaticPod },
    log: (_level, message, data) => logged.push(`${message} ${JSON.stringify(data)}`),
  });
}

const begin = (): void => {
  starting = node.kubelet.start();
};

beforeEach(async () => {
  cluster = await startCluster();
  runtime = new SimulatedRuntime({ clock: cluster.clock, random: seededRandom(3) });
  folder = new Folder();
  startAgent();
});

afterEach(async () => {
  line.cut(false);
  await node.kubelet.stop();
  await starting.catch(() => undefined);
  await cluster.close();
});

const manifest = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'main', image: 'app:1' }], ...spec },
});

const mirror = (name = 'web'): Promise<V1Pod> =>
  cluster.client.get(pods, { namespace: 'default', name: `${name}-edge-1` });

/** The sandboxes of this machine that run: POD/UID. */
const running = async (): Promise<string[]> =>
  (await runtime.listSandboxes()).filter(({ state }) => state === 'ready').map((one) => `${one.name}/${one.podUid}`);

const isRunning = async (name = 'web'): Promise<V1Pod> => {
  const pod = await mirror(name);
  expect(pod.status?.phase).toBe('Running');
  return pod;
};

describe('a static pod', () => {
  it('runs, and is shown by a mirror pod that belongs to its node', async () => {
    folder.write('web.json', manifest('web', {}, { labels: { app: 'web' } }));
    begin();
    const { value: pod } = await cluster.until(() => isRunning());
    const { metadata, spec, status } = pod;
    const owner = await cluster.client.get(nodes, { name: 'edge-1' });
    expect(metadata?.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'Node', name: 'edge-1', uid: owner.metadata?.uid, controller: true },
    ]);
    const annotations = metadata?.annotations ?? {};
    const hash = annotations['kubernetes.io/config.hash'] ?? '';
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    expect(annotations).toEqual({
      'kubernetes.io/config.source': 'file',
      'kubernetes.io/config.hash': hash,
      'kubernetes.io/config.mirror': hash,
      'kubernetes.io/config.seen': expect.stringMatching(/^2026-01-01T00:00:/) as string,
    });
    expect(metadata?.labels).toEqual({ app: 'web' });
    expect(spec?.nodeName).toBe('edge-1');
    expect(spec?.tolerations).toContainEqual({ operator: 'Exists', effect: 'NoExecute' });
    expect(spec?.serviceAccountName).toBeUndefined();
    expect(status?.containerStatuses).toMatchObject([{ name: 'main', ready: true, restartCount: 0 }]);
    expect(status?.podIP).toMatch(/^10\.244\./);
    expect(metadata?.uid).not.toBe(hash);
    expect(await running()).toEqual([`web-edge-1/${hash}`]);
    // What the API calls it by its mirror's uid is found here.
    expect(await node.kubelet.findContainer(metadata?.uid ?? '', 'main')).toMatchObject({ state: 'running' });
  });

  it('goes on when its mirror is deleted, which comes again', async () => {
    folder.write('web.json', manifest('web'));
    begin();
    const { value: before } = await cluster.until(() => isRunning());
    const sandboxes = await running();
    await cluster.client.delete(pods, { namespace: 'default', name: 'web-edge-1' });
    const { value: after } = await cluster.until(async () => {
      const pod = await isRunning();
      expect(pod.metadata?.uid).not.toBe(before.metadata?.uid);
      return pod;
    });
    expect(after.metadata?.deletionTimestamp).toBeUndefined();
    expect(after.status?.containerStatuses?.[0]?.restartCount).toBe(0);
    expect(await running()).toEqual(sandboxes);
  });

  it('is another pod when its file changes: the old one ends first', async () => {
    folder.write('web.json', manifest('web'));
    begin();
    const { value: before } = await cluster.until(() => isRunning());
    folder.write('web.json', manifest('web', { containers: [{ name: 'main', image: 'app:2' }] }));
    let most = 0;
    const { tookMs } = await cluster.until(async () => {
      most = Math.max(most, (await running()).length);
      const pod = await isRunning();
      expect(pod.spec?.containers[0]?.image).toBe('app:2');
      expect(pod.status?.containerStatuses?.[0]?.image).toBe('app:2');
      expect(pod.metadata?.uid).not.toBe(before.metadata?.uid);
    });
    expect(tookMs).toBeLessThanOrEqual(25_000);
    expect(most).toBe(1);
    const hash = (await mirror()).metadata?.annotations?.['kubernetes.io/config.hash'];
    expect(hash).not.toBe(before.metadata?.annotations?.['kubernetes.io/config.hash']);
    expect(await running()).toEqual([`web-edge-1/${hash}`]);
  });

  it('ends with its file, in its own time, and its mirror after it', async () => {
    const stop = vi.spyOn(runtime, 'stopContainer');
    folder.write('web.json', manifest('web', { terminationGracePeriodSeconds: 17 }));
    folder.write(
      'other.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: other}\nspec:\n  containers:\n  - {name: m, image: i}\n',
    );
    begin();
    await cluster.until(() => isRunning());
    await cluster.until(() => isRunning('other'));
    folder.files.delete('/manifests/web.json');
    await cluster.until(async () => {
      await expect(mirror()).rejects.toThrow('not found');
    });
    expect(stop.mock.calls).toEqual([[expect.any(String), 17]]);
    expect((await running()).map((one) => one.split('/')[0])).toEqual(['other-edge-1']);
    await isRunning('other');
  });

  it('runs while the API server is away from the start, and is shown when it comes', async () => {
    folder.write('web.json', manifest('web', { hostNetwork: true }));
    line.cut(true);
    begin();
    await cluster.advance(5_000);
    expect((await running()).map((one) => one.split('/')[0])).toEqual(['web-edge-1']);
    line.cut(false);
    await cluster.until(() => isRunning());
  });

  it('is adopted by the next agent, without a change to its mirror', async () => {
    folder.write('web.json', manifest('web'));
    begin();
    await cluster.until(() => isRunning());
    await cluster.advance(1_000);
    const { metadata } = await mirror();
    const sandboxes = await running();
    await node.kubelet.stop();
    startAgent();
    begin();
    await starting;
    await cluster.advance(30_000);
    expect((await mirror()).metadata?.resourceVersion).toBe(metadata?.resourceVersion);
    expect(await running()).toEqual(sandboxes);
  });

  it('that changed or went while there was no agent is not left running', async () => {
    folder.write('web.json', manifest('web'));
    folder.write('gone.json', manifest('gone'));
    begin();
    await cluster.until(() => isRunning());
    await cluster.until(() => isRunning('gone'));
    await node.kubelet.stop();
    folder.files.delete('/manifests/gone.json');
    folder.write('web.json', manifest('web', { containers: [{ name: 'main', image: 'app:2' }] }));
    startAgent();
    begin();
    await cluster.until(async () => expect((await isRunning()).spec?.containers[0]?.image).toBe('app:2'));
    await cluster.until(async () => {
      await expect(mirror('gone')).rejects.toThrow('not found');
    });
    expect((await running()).map((one) => one.split('/')[0])).toEqual(['web-edge-1']);
  });

  it('that has ended says so, and is not run again', async () => {
    const annotations = { 'simulated.zeroplane.dev/exit-code': '0', 'simulated.zeroplane.dev/run-ms': '100' };
    folder.write('task.json', manifest('task', { restartPolicy: 'Never' }, { annotations }));
    begin();
    await cluster.until(async () => expect((await mirror('task')).status?.phase).toBe('Succeeded'));
    await cluster.advance(60_000);
    expect((await mirror('task')).status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
    expect(await running()).toEqual([]);
  });
});

describe('files that are no static pods', () => {
  const secret = { volumes: [{ name: 's', secret: { secretName: 's' } }] };
  it.each([
    ['cut.yaml', 'kind: Pod\n  metadata: [', /yaml: line 1/],
    ['list.json', '[]', /expected a Pod/],
    [
      'deployment.json',
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } },
      /expected apiVersion v1/,
    ],
    ['typed.json', manifest('x', { hostNetwork: 'yes' }), /cannot unmarshal/],
    ['nameless.json', manifest(''), /metadata\.name: Required value/],
    ['empty.json', manifest('x', { containers: [] }), /spec\.containers: Required value/],
    ['secret.json', manifest('x', secret), /static pods may not reference secrets/],
    [
      'config.json',
      manifest('x', { volumes: [{ name: 'c', configMap: { name: 'c' } }] }),
      /may not reference configmaps/,
    ],
    ['account.json', manifest('x', { serviceAccountName: 'a' }), /may not reference serviceaccounts/],
    ['twice.json', manifest('web'), /web\.json has a pod of this name already/],
  ])('%s: the log and an event of the node say what is wrong, and others run', async (name, text, problem) => {
    folder.write('web.json', manifest('web'));
    folder.write(name, text);
    begin();
    await cluster.until(() => isRunning());
    await cluster.advance(45_000);
    const told = logged.filter((text) => text.includes(`/manifests/${name}`));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(problem);
    const { items } = await cluster.client.list(events, { namespace: 'default' });
    const event = items.find(({ reason }) => reason === 'FailedValidation');
    expect(event).toMatchObject({ type: 'Warning', involvedObject: { kind: 'Node', name: 'edge-1' } });
    expect(event?.message).toContain(`Static pod of /manifests/${name} is not run: `);
    expect(event?.message).toMatch(problem);
    expect(await running()).toHaveLength(1);
  });
});

it('a mirror pod of no static pod is removed', async () => {
  begin();
  await cluster.until(() => cluster.client.get(nodes, { name: 'edge-1' }));
  const annotations = { 'kubernetes.io/config.mirror': 'x' };
  const spec = { nodeName: 'edge-1', containers: [{ name: 'main', image: 'app' }] };
  await cluster.client.create(pods, { metadata: { namespace: 'default', name: 'web-edge-1', annotations }, spec });
  await cluster.until(async () => {
    await expect(mirror()).rejects.toThrow('not found');
  });
  expect(await running()).toEqual([]);
});

it('a pod of the same name is left alone, and named', async () => {
  const spec = { nodeName: 'elsewhere', containers: [{ name: 'main', image: 'app' }] };
  const other = await cluster.client.create(pods, { metadata: { namespace: 'default', name: 'web-edge-1' }, spec });
  folder.write('web.json', manifest('web'));
  begin();
  await cluster.until(() => expect(logged.join('\n')).toContain('web-edge-1'));
  await cluster.advance(5_000);
  expect((await mirror()).metadata?.uid).toBe(other.metadata?.uid);
  expect((await running()).map((one) => one.split('/')[0])).toEqual(['web-edge-1']);
});
