import { describe, expect, it } from 'vitest';
import { nodes, pods, priorityClasses, replicaSets } from '../../lib/client/resources.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { pod, replicaSet } from './manifests.js';
import { livePods, nameOf } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

/** Tests that fill nodes up have a node each, of which an extended resource says how much there is. */
const cluster = useCluster({ nodes: 6 });

const TIMEOUT = '--timeout=25s';
const RESOURCE = 'example.org/slots';

async function giveSlots(node: string, count: number): Promise<void> {
  await cluster.client.patch(
    nodes,
    { name: node },
    'merge',
    { status: { capacity: { [RESOURCE]: String(count) }, allocatable: { [RESOURCE]: String(count) } } },
    { subresource: 'status' },
  );
}

const taking = (slots: number, node: string, more: object = {}): object => ({
  containers: [
    {
      name: 'main',
      image: 'app',
      resources: { requests: { [RESOURCE]: String(slots) }, limits: { [RESOURCE]: String(slots) } },
    },
  ],
  nodeSelector: { 'kubernetes.io/hostname': node },
  ...more,
});

const condition = (one: V1Pod, type: string) => one.status?.conditions?.find((candidate) => candidate.type === type);

async function unschedulable({ client, namespace }: Scene, name: string): Promise<string> {
  return eventually(async () => {
    const scheduled = condition(await client.get(pods, { namespace, name }), 'PodScheduled');
    expect(scheduled).toMatchObject({ status: 'False', reason: 'Unschedulable' });
    return scheduled?.message ?? '';
  });
}

const ready = ({ kubectl }: Scene, ...names: string[]): Promise<string> =>
  kubectl.ok(['wait', '--for=condition=Ready', ...names.map((name) => `pod/${name}`), TIMEOUT]);

async function withPriorities(levels: Record<string, number>): Promise<Scene & { className(level: string): string }> {
  const scene = await cluster.scene('schedule');
  const className = (level: string): string => `${scene.namespace}-${level}`;
  for (const [level, value] of Object.entries(levels))
    await scene.client.create(priorityClasses, { metadata: { name: className(level) }, value });
  return { ...scene, className };
}

describe.concurrent('scheduling', () => {
  it('row 310: a pod that asks for more than any node has stays unscheduled', async () => {
    const scene = await cluster.scene('schedule');
    const { kubectl } = scene;
    await kubectl.apply(
      pod('huge', {
        podSpec: { containers: [{ name: 'main', image: 'app', resources: { requests: { cpu: '33' } } }] },
      }),
    );
    expect(await unschedulable(scene, 'huge')).toMatch(/^0\/6 nodes are available: .*Insufficient cpu/);
    await eventually(async () =>
      expect(await kubectl.ok(['events', '--for', 'pod/huge', '--types=Warning', '--no-headers'])).toMatch(
        / FailedScheduling .*Insufficient cpu/,
      ),
    );
    expect(await kubectl.ok(['get', 'pod', 'huge', '--no-headers'])).toMatch(/^huge +0\/1 +Pending /);
  });

  it('rows 311 and 312: a node selector finds its node, or none', async () => {
    const scene = await cluster.scene('schedule');
    const { client, kubectl, namespace } = scene;
    const selecting = (name: string, nodeSelector: object) =>
      pod(name, { podSpec: { containers: [{ name: 'main', image: 'app' }], nodeSelector } });
    await kubectl.apply(selecting('waits', { [namespace]: 'yes' }));
    expect(await unschedulable(scene, 'waits')).toContain("6 node(s) didn't match Pod's node affinity/selector");
    await kubectl.ok(['label', 'node', 'node-2', `${namespace}=yes`]);
    await ready(scene, 'waits');
    expect((await client.get(pods, { namespace, name: 'waits' })).spec?.nodeName).toBe('node-2');
    await kubectl.ok(['label', 'node', 'node-2', `${namespace}-`]);
  });

  it('row 313: the same host port conflicts on a node when either address is 0.0.0.0', async () => {
    const scene = await cluster.scene('schedule');
    const { kubectl } = scene;
    const on = (name: string, hostIP: string | undefined, protocol = 'TCP') =>
      pod(name, {
        podSpec: {
          containers: [
            {
              name: 'main',
              image: 'app',
              ports: [{ containerPort: 8080, hostPort: 54_322, protocol, ...(hostIP === undefined ? {} : { hostIP }) }],
            },
          ],
          nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
        },
      });
    await kubectl.apply(on('first', undefined));
    await ready(scene, 'first');
    await kubectl.apply(on('second', '127.0.0.1'));
    expect(await unschedulable(scene, 'second')).toContain(
      "1 node(s) didn't have free ports for the requested pod ports",
    );
    await kubectl.apply(on('udp', undefined, 'UDP'));
    await ready(scene, 'udp');
    await kubectl.ok(['delete', 'pod', 'first', '--now']);
    await ready(scene, 'second');
  });

  it('rows 316 and 318: a pod of higher priority pushes out a lower one, which says so', async () => {
    const scene = await withPriorities({ low: 1, high: 1000 });
    const { client, kubectl, namespace, className } = scene;
    await giveSlots('node-3', 2);
    const held = pod('held', {
      podSpec: taking(2, 'node-3', { priorityClassName: className('low') }),
      metadata: { finalizers: ['example.org/hold'] },
    });
    await kubectl.apply(held);
    await ready(scene, 'held');
    await kubectl.apply(pod('urgent', { podSpec: taking(1, 'node-3', { priorityClassName: className('high') }) }));
    await eventually(async () => {
      const victim = await client.get(pods, { namespace, name: 'held' });
      expect(victim.metadata?.deletionTimestamp).toBeDefined();
      expect(condition(victim, 'DisruptionTarget')).toMatchObject({
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: expect.stringContaining('preempting to accommodate a higher priority pod') as string,
      });
    });
    await eventually(async () =>
      expect(await kubectl.ok(['events', '--for', 'pod/held', '--no-headers'])).toContain(' Preempted '),
    );
    await client.patch(pods, { namespace, name: 'held' }, 'merge', { metadata: { finalizers: null } });
    await ready(scene, 'urgent');
    expect((await client.get(pods, { namespace, name: 'urgent' })).spec).toMatchObject({
      priority: 1000,
      nodeName: 'node-3',
    });
  });

  it('row 317: a system-critical pod pushes out one of lower priority', async () => {
    const scene = await withPriorities({ low: 1 });
    const { client, kubectl, namespace, className } = scene;
    await giveSlots('node-4', 1);
    await kubectl.apply(pod('lesser', { podSpec: taking(1, 'node-4', { priorityClassName: className('low') }) }));
    await ready(scene, 'lesser');
    const critical = {
      ...pod('critical', { podSpec: taking(1, 'node-4', { priorityClassName: 'system-cluster-critical' }) }),
    };
    await cluster.kubectl.ok(['apply', '-n', 'kube-system', '-f', '-'], { input: JSON.stringify(critical) });
    await cluster.kubectl.ok(['wait', '-n', 'kube-system', '--for=condition=Ready', 'pod/critical', TIMEOUT]);
    expect(await client.find(pods, { namespace, name: 'lesser' })).toBeUndefined();
    expect((await client.get(pods, { namespace: 'kube-system', name: 'critical' })).spec?.priority).toBe(2_000_000_000);
    await cluster.kubectl.ok(['delete', '-n', 'kube-system', 'pod', 'critical', '--now']);
  });

  it('row 314: replica sets of higher priority push out those of lower', async () => {
    const scene = await withPriorities({ p1: 1, p2: 2, p3: 3, p4: 4 });
    const { client, kubectl, namespace, className } = scene;
    await giveSlots('node-5', 5);
    const set = (level: string, replicas: number, slots: number) =>
      replicaSet(level, { replicas, podSpec: taking(slots, 'node-5', { priorityClassName: className(level) }) });
    const runs = async (level: string): Promise<number> =>
      (await livePods(client, namespace, `app=${level}`)).filter((one) => one.status?.phase === 'Running').length;
    await kubectl.apply(set('p1', 1, 1));
    await kubectl.apply(set('p2', 1, 1));
    await kubectl.apply(set('p3', 3, 1));
    await eventually(async () => expect([await runs('p1'), await runs('p2'), await runs('p3')]).toEqual([1, 1, 3]));
    await kubectl.apply(set('p4', 1, 2));
    await eventually(async () =>
      expect([await runs('p1'), await runs('p2'), await runs('p3'), await runs('p4')]).toEqual([0, 0, 3, 1]),
    );
    await client.deleteCollection(replicaSets, { namespace });
  });

  it('row 315: the description of a priority class may change, its value may not', async () => {
    const { client, kubectl, namespace } = await withPriorities({ one: 100 });
    const name = `${namespace}-one`;
    const patched = await client.patch(priorityClasses, { name }, 'merge', {
      description: 'patched',
      metadata: { annotations: { a: 'b' } },
    });
    expect(patched.description).toBe('patched');
    expect((await client.update(priorityClasses, { ...patched, description: 'updated' })).description).toBe('updated');
    await expect(client.patch(priorityClasses, { name }, 'merge', { value: 200 })).rejects.toMatchObject({
      status: {
        code: 422,
        message: expect.stringContaining('value: Forbidden: may not be changed in an update') as string,
      },
    });
    expect(
      await kubectl.fails(['create', '-f', '-'], {
        input: JSON.stringify(
          pod('none', { podSpec: { containers: [{ name: 'main', image: 'app' }], priorityClassName: 'not-there' } }),
        ),
      }),
    ).toContain('pods "none" is forbidden: no PriorityClass with name not-there was found');
  });

  it('pods spread over nodes, and fill them up to the number a node takes', async () => {
    const { client, kubectl, namespace } = await cluster.scene('schedule');
    await kubectl.apply(replicaSet('web', { replicas: 60 }));
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=60', 'rs/web', TIMEOUT]);
    const counts = new Map<string, number>();
    for (const one of await livePods(client, namespace))
      counts.set(one.spec?.nodeName ?? '', (counts.get(one.spec?.nodeName ?? '') ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual(['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6']);
    for (const count of counts.values()) expect(count).toBeLessThan(25);
    const names = (await livePods(client, namespace)).map((one) => one.status?.podIP);
    expect(new Set(names).size).toBe(60);
    expect(nameOf({ metadata: { name: 'web' } })).toBe('web');
  });
});
