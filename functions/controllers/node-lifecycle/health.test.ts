import { expect, test } from 'vitest';
import { formatMicroTime, formatTime } from '../../../lib/clock/clock.js';
import type { V1Lease, V1Node } from '../../../lib/schema/generated/types.js';
import { nodeHealth } from './health.js';

const NOW_MS = Date.UTC(2026, 0, 2);
const GRACE_MS = 40_000;
const HOUR_MS = 3_600_000;

function health(options: {
  toldMs: number;
  takenMs?: number;
  listeningSinceMs?: number;
}): ReturnType<typeof nodeHealth> {
  const { toldMs, takenMs, listeningSinceMs = 0 } = options;
  const node: V1Node = {
    metadata: { name: 'node-1', creationTimestamp: formatTime(NOW_MS - 24 * HOUR_MS) },
    status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: formatTime(toldMs) }] },
  };
  const managedFields = takenMs === undefined ? [] : [{ manager: 'kubelet', time: formatTime(takenMs) }];
  const lease: V1Lease = { metadata: { name: 'node-1', managedFields }, spec: { renewTime: formatMicroTime(toldMs) } };
  return nodeHealth(node, lease, { nowMs: NOW_MS, defaultMs: GRACE_MS, listeningSinceMs });
}

test.each([
  ['is an hour behind', -HOUR_MS],
  ['is an hour ahead', HOUR_MS],
])('a node whose clock %s is heard when the API server has heard it', (_, wrongMs) => {
  const heard = (agoMs: number): ReturnType<typeof nodeHealth> =>
    health({ toldMs: NOW_MS - agoMs + wrongMs, takenMs: NOW_MS - agoMs });
  expect(heard(10_000)).toEqual({ isSilent: false, silentAtMs: NOW_MS + 30_000 });
  expect(heard(41_000).isSilent).toBe(true);
});

test('a lease that does not say when it was taken counts from when it says it was renewed', () => {
  expect(health({ toldMs: NOW_MS - 30_000 }).isSilent).toBe(false);
  expect(health({ toldMs: NOW_MS - 41_000 }).isSilent).toBe(true);
});

test('what was not heard while nobody listened is held against no node', () => {
  const takenMs = NOW_MS - 60_000;
  expect(health({ toldMs: takenMs, takenMs, listeningSinceMs: NOW_MS - 1_000 })).toEqual({
    isSilent: false,
    silentAtMs: NOW_MS + 39_000,
  });
  expect(health({ toldMs: takenMs, takenMs, listeningSinceMs: NOW_MS - 41_000 }).isSilent).toBe(true);
});

test.each([
  ["kubelet's", 40, 40],
  ["an agent's on AWS, which beats each 30 s", 120, 120],
  ['one that is too short to be renewed in time', 1, 10],
  ['one that would keep a dead node for ever', 1_000_000, 300],
  ['one that does not say', undefined, GRACE_MS / 1_000],
])('a node is silent when its lease has run out: %s', (_, leaseDurationSeconds, seconds) => {
  const node: V1Node = {
    metadata: { name: 'node-1', creationTimestamp: formatTime(NOW_MS - HOUR_MS) },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const duration = leaseDurationSeconds === undefined ? {} : { leaseDurationSeconds };
  const lease: V1Lease = { spec: { renewTime: formatMicroTime(NOW_MS), ...duration } };
  const at = (nowMs: number): boolean =>
    nodeHealth(node, lease, { nowMs, defaultMs: GRACE_MS, listeningSinceMs: 0 }).isSilent;
  expect([at(NOW_MS + seconds * 1_000 - 1), at(NOW_MS + seconds * 1_000)]).toEqual([false, true]);
});
