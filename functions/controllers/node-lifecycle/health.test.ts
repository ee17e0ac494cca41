import { expect, test } from 'vitest';
import type { V1Lease, V1Node } from '../../../lib/schema/generated/types.js';
import { nodeHealth } from './health.js';

const DEFAULT_MS = 40_000;
const RENEWED = '2026-01-01T00:00:00.000000Z';
const renewedMs = Date.parse(RENEWED);

const node: V1Node = {
  metadata: { name: 'node-1', creationTimestamp: '2025-12-31T00:00:00Z' },
  status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2025-12-31T23:59:00Z' }] },
};

const at = (nowMs: number) => ({ nowMs, defaultMs: DEFAULT_MS, listeningSinceMs: 0 });

function graceSeconds(leaseDurationSeconds: number | undefined): number {
  const lease: V1Lease = {
    spec: { renewTime: RENEWED, ...(leaseDurationSeconds === undefined ? {} : { leaseDurationSeconds }) },
  };
  const { isSilent, silentAtMs } = nodeHealth(node, lease, at(renewedMs));
  expect(isSilent).toBe(false);
  expect(nodeHealth(node, lease, at(silentAtMs - 1)).isSilent).toBe(false);
  expect(nodeHealth(node, lease, at(silentAtMs)).isSilent).toBe(true);
  return (silentAtMs - renewedMs) / 1_000;
}

test.each([
  ["kubelet's", 40, 40],
  ["an agent's on AWS, which beats each 30 s", 120, 120],
  ['one that is too short to be renewed in time', 1, 10],
  ['one that would keep a dead node for ever', 1_000_000, 300],
  ['one that does not say', undefined, 40],
])('a node is silent when its lease has run out: %s', (_what, duration, seconds) => {
  expect(graceSeconds(duration)).toBe(seconds);
});

test('a node without a lease has the default', () => {
  const heartbeatMs = Date.parse('2025-12-31T23:59:00Z');
  expect(nodeHealth(node, undefined, at(heartbeatMs)).silentAtMs - heartbeatMs).toBe(DEFAULT_MS);
});
