import { expect, test } from 'vitest';
import type { V1Node, V1Pod } from '../../../lib/schema/generated/types.js';
import { evictionTime } from '../taint-eviction.js';
import { evictionPace, zoneState } from './zones.js';

test('states of zones', () => {
  expect(zoneState({ ready: 3, unready: 2 })).toBe('normal');
  expect(zoneState({ ready: 0, unready: 1 })).toBe('full-disruption');
  expect(zoneState({ ready: 2, unready: 3 })).toBe('partial-disruption');
  expect(zoneState({ ready: 0, unready: 0 })).toBe('normal');
});

test('a zone that is wholly lost is left at the usual pace, one that is partly lost slowly or not at all', () => {
  const node = (name: string, zone: string): V1Node => ({
    metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  });
  const small = [...Array(10).keys()].map((index) => node(`a${index}`, 'a'));
  const large = [...Array(60).keys()].map((index) => node(`b${index}`, 'b'));
  const all = [...small, ...large];
  expect(evictionPace('/a', all, (one) => !small.includes(one))).toEqual({ isStopped: false, intervalMs: 10_000 });
  expect(evictionPace('/a', all, (one) => small.indexOf(one) < 3)).toEqual({
    isStopped: false,
    intervalMs: Infinity,
  });
  expect(evictionPace('/b', all, (one) => large.indexOf(one) < 9)).toEqual({ isStopped: false, intervalMs: 100_000 });
  expect(evictionPace('/a', all, () => false)).toEqual({ isStopped: true, intervalMs: 10_000 });
});

test('a pod that comes to a node that has been tainted for long has its whole time', () => {
  const node: V1Node = {
    spec: { taints: [{ key: 'k', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' }] },
  };
  const pod: V1Pod = {
    spec: { containers: [], tolerations: [{ operator: 'Exists', tolerationSeconds: 60 }] },
    status: { conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T01:00:00Z' }] },
  };
  expect(new Date(evictionTime(pod, node, 0)).toISOString()).toBe('2026-01-01T01:01:00.000Z');
});
