import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../lib/random.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { diagnose } from './fit-error.js';
import { NodeInfo } from './node-info.js';
import { misfit, NodeRanking } from './node-ranking.js';
import { filterPlugins, scorePlugins } from './plugins/index.js';
import { podInfo, type PodInfo } from './pod-info.js';

const plugins = { filters: filterPlugins, scores: scorePlugins };

function node(
  name: string,
  more: { spec?: V1Node['spec']; labels?: Record<string, string>; allocatable?: object } = {},
): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode({
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    spec: more.spec ?? {},
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '10', ...more.allocatable } },
  });
  return info;
}

let uid = 0;

function pod(spec: Partial<NonNullable<V1Pod['spec']>> = {}, requests: Record<string, string> = {}): PodInfo {
  const name = `pod-${uid++}`;
  return podInfo({
    metadata: { name, namespace: 'default', uid: name },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
  });
}

function ranking(nodes: NodeInfo[], podCount = 1, seed = 1): NodeRanking {
  return new NodeRanking({ plugins, nodes, random: seededRandom(seed), podCount });
}

describe('filters say no in kube-scheduler’s words', () => {
  const cases: [string, PodInfo, NodeInfo, string[], boolean][] = [
    ['cordoned', pod(), node('a', { spec: { unschedulable: true } }), ['node(s) were unschedulable'], true],
    [
      'tainted',
      pod(),
      node('a', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
      ['node(s) had untolerated taint(s)'],
      true,
    ],
    [
      'selector',
      pod({ nodeSelector: { disk: 'ssd' } }),
      node('a'),
      ["node(s) didn't match Pod's node affinity/selector"],
      true,
    ],
    ['cpu', pod({}, { cpu: '3' }), full('3'), ['Insufficient cpu'], false],
    [
      'more than the node has',
      pod({}, { cpu: '5', memory: '1Ti' }),
      node('a'),
      ['Insufficient cpu', 'Insufficient memory'],
      true,
    ],
    ['extended', pod({}, { 'nvidia.com/gpu': '1' }), node('a'), ['Insufficient nvidia.com/gpu'], true],
    ['pods', pod(), node('a', { allocatable: { pods: '0' } }), ['Too many pods'], false],
  ];
  it.each(cases)('%s', (_name, wanted, where, reasons, unresolvable) => {
    expect(misfit(plugins, wanted, where)).toEqual({ reasons, unresolvable });
  });

  function full(cpu: string): NodeInfo {
    const info = node('full');
    info.add(pod({}, { cpu }));
    return info;
  }

  it('host ports clash by port, protocol and address', () => {
    const withPort = (hostIP: string | undefined, protocol = 'TCP'): PodInfo =>
      pod({
        containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 8080, hostIP, protocol }] }],
      });
    const where = node('a');
    where.add(withPort('127.0.0.1'));
    expect(misfit(plugins, withPort('127.0.0.2'), where)).toBeUndefined();
    expect(misfit(plugins, withPort('127.0.0.1', 'UDP'), where)).toBeUndefined();
    for (const ip of ['127.0.0.1', '0.0.0.0', undefined]) {
      expect(misfit(plugins, withPort(ip), where)?.reasons).toEqual([
        "node(s) didn't have free ports for the requested pod ports",
      ]);
    }
  });

  it('counts the reasons of all nodes', () => {
    const nodes = [
      node('a', { spec: { unschedulable: true } }),
      node('b', { allocatable: { cpu: '1' } }),
      node('c', { allocatable: { cpu: '1' } }),
    ];
    expect(diagnose(plugins, pod({}, { cpu: '2' }), nodes).message).toBe(
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.',
    );
    expect(diagnose(plugins, pod(), []).message).toBe('no nodes available to schedule pods');
  });
});

describe('ranking', () => {
  it('takes the least allocated node, pod after pod', () => {
    const nodes = [node('a'), node('b'), node('c')];
    nodes[0]?.add(pod({}, { cpu: '2', memory: '4Gi' }));
    const ranked = ranking(nodes, 20);
    const placed = new Map<string, number>();
    for (let count = 0; count < 6; count++) {
      const next = pod({}, { cpu: '500m', memory: '1Gi' });
      const best = ranked.best(next);
      best?.add(next);
      placed.set(best?.name ?? 'none', (placed.get(best?.name ?? 'none') ?? 0) + 1);
    }
    expect([...placed.keys()].sort()).toEqual(['b', 'c']);
    expect([...placed.values()]).toEqual([3, 3]);
  });

  it('never overfills a node and ends when all are full', () => {
    const nodes = Array.from({ length: 7 }, (_, index) =>
      node(`n${index}`, { allocatable: { cpu: '1', pods: '100' } }),
    );
    const ranked = ranking(nodes, 50);
    let placed = 0;
    for (;;) {
      const next = pod({}, { cpu: '300m' });
      const best = ranked.best(next);
      if (best === undefined) break;
      best.add(next);
      placed++;
    }
    expect(placed).toBe(7 * 3);
    for (const one of nodes) expect(one.requested.get('cpu')).toBeLessThanOrEqual(1000);
  });

  it('looks at a sample of many nodes, and at the rest when the sample is used up', () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => node(`n${index}`, { allocatable: { pods: '1' } }));
    const ranked = ranking(nodes);
    const taken = new Set<string>();
    for (let count = 0; count < 1000; count++) {
      const next = pod();
      const best = ranked.best(next);
      best?.add(next);
      taken.add(best?.name ?? '');
    }
    expect(taken.size).toBe(1000);
    expect(ranked.best(pod())).toBeUndefined();
  });

  it('is exact: the heap agrees with looking at every node anew', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const nodes = Array.from({ length: 20 }, (_, index) =>
        node(`n${index}`, { allocatable: { cpu: String(2 + (random.uint32() % 6)), memory: '8Gi', pods: '50' } }),
      );
      const ranked = ranking(nodes, 40, seed);
      for (let count = 0; count < 40; count++) {
        const next = pod({}, { cpu: '250m', memory: '256Mi' });
        const scoreOf = (one: NodeInfo): number =>
          scorePlugins.find((plugin) => plugin.name === 'NodeResourcesFit')?.score(next, one) ?? 0;
        const fitting = nodes.filter((one) => misfit(plugins, next, one) === undefined);
        const best = ranked.best(next);
        expect(best === undefined).toBe(fitting.length === 0);
        if (best === undefined) break;
        expect(scoreOf(best), `seed ${seed}, pod ${count}`).toBe(Math.max(...fitting.map(scoreOf)));
        best.add(next);
      }
    }
  });

  it('prefers what preferred affinity weighs and avoids PreferNoSchedule', () => {
    const preference = { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] };
    const wanted = pod({
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, preference }] } },
    });
    expect(ranking([node('a'), node('b', { labels: { disk: 'ssd' } }), node('c')]).best(wanted)?.name).toBe('b');
    const taints = [{ key: 'k', effect: 'PreferNoSchedule' }];
    expect(ranking([node('a', { spec: { taints } }), node('b')]).best(pod())?.name).toBe('b');
  });
});
