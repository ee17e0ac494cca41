import { describe, expect, test } from 'vitest';
import { controllerRevisions, daemonSets, nodes, pods } from '../../../lib/client/resources.js';
import type { V1DaemonSet, V1DaemonSetSpec, V1Node, V1Pod, V1Taint } from '../../../lib/schema/generated/types.js';
import { podTemplate } from '../shared/testing/builders.js';
import { FakeCluster } from '../shared/testing/fake-cluster.js';
import { daemonSetController } from './index.js';
import { eligibility } from './nodes.js';
import { groupByNode, placePods } from './placement.js';

function daemonSet(more: Partial<V1DaemonSetSpec> = {}): V1DaemonSet {
  return {
    metadata: { name: 'log', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'log' } },
      template: podTemplate('log'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
      ...more,
    },
  };
}

function node(name: string, labels: Record<string, string> = {}, taints: V1Taint[] = []): V1Node {
  return { metadata: { name, labels }, spec: taints.length === 0 ? {} : { taints } };
}

async function started(more: Partial<V1DaemonSetSpec> = {}, nodeCount = 3): Promise<FakeCluster> {
  const cluster = new FakeCluster([daemonSetController]);
  for (let index = 1; index <= nodeCount; index++) await cluster.client.create(nodes, node(`n${index}`));
  await cluster.client.create(daemonSets, daemonSet(more));
  await cluster.converge();
  return cluster;
}

function edit(cluster: FakeCluster, change: (spec: V1DaemonSetSpec) => void): Promise<void> {
  return cluster.change(daemonSets, 'log', (set) => {
    if (set.spec) change(set.spec);
  });
}

/** `n1=image:1` for every pod. */
function placement(cluster: FakeCluster): string[] {
  return cluster
    .list(pods)
    .map((pod) => `${pod.spec?.nodeName}=${pod.spec?.containers[0]?.image}`)
    .sort();
}

describe('daemon set', () => {
  test('runs one pod on each node, pinned to it, and replaces a deleted one', async () => {
    const cluster = await started();
    expect(placement(cluster)).toEqual(['n1=image:1', 'n2=image:1', 'n3=image:1']);
    const [revision] = cluster.list(controllerRevisions);
    const hash = revision?.metadata?.labels?.['controller-revision-hash'];
    const [pod] = cluster.list(pods);
    expect(pod?.metadata).toMatchObject({
      generateName: 'log-',
      labels: { app: 'log', 'controller-revision-hash': hash },
    });
    expect(pod?.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
    });
    expect(pod?.spec?.tolerations?.map(({ key, effect }) => `${key} ${effect}`)).toEqual([
      'node.kubernetes.io/not-ready NoExecute',
      'node.kubernetes.io/unreachable NoExecute',
      'node.kubernetes.io/disk-pressure NoSchedule',
      'node.kubernetes.io/memory-pressure NoSchedule',
      'node.kubernetes.io/pid-pressure NoSchedule',
      'node.kubernetes.io/unschedulable NoSchedule',
    ]);
    expect(cluster.get(daemonSets, 'log').status).toEqual({
      observedGeneration: 1,
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
    });
    await cluster.client.delete(pods, { namespace: 'default', name: pod?.metadata?.name ?? '' });
    await cluster.converge();
    expect(placement(cluster)).toHaveLength(3);
  });

  test('follows nodes that come, go, and change their labels', async () => {
    const cluster = await started({
      template: {
        ...podTemplate('log'),
        spec: { ...podTemplate('log').spec, containers: [], nodeSelector: { disk: 'ssd' } },
      },
    });
    expect(placement(cluster)).toEqual([]);
    await cluster.client.patch(nodes, { name: 'n2' }, 'merge', { metadata: { labels: { disk: 'ssd' } } });
    await cluster.converge();
    expect(cluster.list(pods).map(({ spec }) => spec?.nodeName)).toEqual(['n2']);
    await cluster.client.create(nodes, node('n4', { disk: 'ssd' }));
    await cluster.converge();
    expect(cluster.get(daemonSets, 'log').status?.desiredNumberScheduled).toBe(2);
    await cluster.client.patch(nodes, { name: 'n2' }, 'merge', { metadata: { labels: { disk: 'hdd' } } });
    await cluster.converge();
    expect(cluster.list(pods).map(({ spec }) => spec?.nodeName)).toEqual(['n4']);
  });

  test('replaces a failed pod, and one that has finished', async () => {
    const cluster = await started({}, 2);
    const [first, second] = cluster.list(pods).map(({ metadata }) => metadata?.name ?? '');
    await cluster.setPhase(first ?? '', 'Failed');
    await cluster.setPhase(second ?? '', 'Succeeded');
    await cluster.advance(10_000);
    await cluster.converge();
    expect(placement(cluster)).toEqual(['n1=image:1', 'n2=image:1']);
    expect(cluster.list(pods).every(({ status }) => status?.phase === 'Running')).toBe(true);
    expect(cluster.events()).toContain(
      `FailedDaemonPod: Found failed daemon pod default/${first} on node n1, will try to kill it`,
    );
    expect(cluster.events()).toContain(
      `SucceededDaemonPod: Found succeeded daemon pod default/${second} on node n2, will try to delete it`,
    );
  });

  test('rolls a template out node by node, and a rollback leaves pods alone that never changed', async () => {
    const cluster = await started();
    const before = new Map(cluster.list(pods).map((pod) => [pod.spec?.nodeName, pod.metadata?.uid]));
    await edit(cluster, (spec) => (spec.template = podTemplate('log', 'image:broken')));
    const healthy = (pod: V1Pod): boolean => pod.spec?.containers[0]?.image !== 'image:broken';
    await cluster.converge(healthy);
    expect(placement(cluster).filter((entry) => entry.endsWith('broken'))).toHaveLength(1);
    expect(cluster.get(daemonSets, 'log').status).toMatchObject({ updatedNumberScheduled: 1, numberUnavailable: 1 });
    await edit(cluster, (spec) => (spec.template = podTemplate('log')));
    await cluster.converge(healthy);
    expect(placement(cluster)).toEqual(['n1=image:1', 'n2=image:1', 'n3=image:1']);
    const kept = cluster.list(pods).filter((pod) => before.get(pod.spec?.nodeName) === pod.metadata?.uid);
    expect(kept).toHaveLength(2);
    expect(
      cluster
        .list(controllerRevisions)
        .map(({ revision }) => revision)
        .sort((left, right) => left - right),
    ).toEqual([2, 3]);
  });

  test('with surge a new pod is ready before the old one goes', async () => {
    const cluster = await started({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
    await edit(cluster, (spec) => (spec.template = podTemplate('log', 'image:2')));
    await cluster.settle();
    expect(cluster.list(pods)).toHaveLength(4);
    let minReady = Infinity;
    for (let round = 0; round < 20; round++) {
      const ready = cluster.list(pods).filter((pod) => pod.status?.conditions?.[0]?.status === 'True');
      minReady = Math.min(minReady, ready.filter(({ metadata }) => metadata?.deletionTimestamp === undefined).length);
      await cluster.runPods();
      await cluster.settle();
    }
    expect(minReady).toBe(3);
    expect(placement(cluster)).toEqual(['n1=image:2', 'n2=image:2', 'n3=image:2']);
  });

  test('OnDelete waits for somebody to delete a pod', async () => {
    const cluster = await started({ updateStrategy: { type: 'OnDelete' } }, 2);
    await edit(cluster, (spec) => (spec.template = podTemplate('log', 'image:2')));
    await cluster.converge();
    expect(placement(cluster)).toEqual(['n1=image:1', 'n2=image:1']);
    const onFirst = cluster.list(pods).find(({ spec }) => spec?.nodeName === 'n1');
    await cluster.client.delete(pods, { namespace: 'default', name: onFirst?.metadata?.name ?? '' });
    await cluster.converge();
    expect(placement(cluster)).toEqual(['n1=image:2', 'n2=image:1']);
  });

  test('the same outcome after a crash between any two writes of an update', async () => {
    for (let crashAt = 1; crashAt < 30; crashAt++) {
      const cluster = await started({}, 2);
      let writes = 0;
      cluster.api.afterWrite = () => {
        if (++writes === crashAt) throw new Error('crash');
      };
      await edit(cluster, (spec) => (spec.template = podTemplate('log', 'image:2')));
      await cluster.converge();
      expect(placement(cluster), `crash after write ${crashAt}`).toEqual(['n1=image:2', 'n2=image:2']);
      expect(cluster.get(daemonSets, 'log').status).toMatchObject({ updatedNumberScheduled: 2, numberAvailable: 2 });
    }
  });
});

describe('eligible nodes', () => {
  const taint = (key: string, effect: string): V1Taint => ({ key, effect });

  test('automatic tolerations keep daemons on nodes in trouble', () => {
    const set = daemonSet();
    const at = (...taints: V1Taint[]): unknown => eligibility(set, node('n', {}, taints));
    expect(at(taint('node.kubernetes.io/unschedulable', 'NoSchedule'))).toEqual({ shouldRun: true, mayStay: true });
    expect(at(taint('node.kubernetes.io/not-ready', 'NoExecute'))).toEqual({ shouldRun: true, mayStay: true });
    expect(at(taint('team', 'NoSchedule'))).toEqual({ shouldRun: false, mayStay: true });
    expect(at(taint('team', 'NoExecute'))).toEqual({ shouldRun: false, mayStay: false });
    expect(at(taint('node.kubernetes.io/network-unavailable', 'NoSchedule'))).toEqual({
      shouldRun: false,
      mayStay: true,
    });
  });

  test('a pod that waits for a node that is gone is removed, one that ran there is not', () => {
    const pinned = (name: string, nodeName?: string): V1Pod => ({
      metadata: { name },
      spec: {
        containers: [],
        nodeName,
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }],
            },
          },
        },
      },
    });
    const changes = placePods({
      daemonSet: daemonSet(),
      nodes: [node('n1')],
      podsByNode: groupByNode([pinned('waits'), pinned('ran', 'gone')]),
      hash: 'x',
      nowMs: 0,
    });
    expect(changes.create).toEqual(['n1']);
    expect(changes.remove.map(({ metadata }) => metadata?.name)).toEqual(['waits']);
  });
});
