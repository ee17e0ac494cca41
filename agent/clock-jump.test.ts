import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../lib/client/client.js';
import { nodes, pods, serviceAccounts } from '../lib/client/resources.js';
import type { Clock } from '../lib/clock/clock.js';
import { seededRandom } from '../lib/random.js';
import { startCluster, type TestCluster } from '../test/support/cluster.js';
import { simulatedNode, type SimulatedNode } from './simulated-node.js';
import { TokenSource } from './volumes/token-source.js';

const HOUR_MS = 3_600_000;

let cluster: TestCluster;
let node: SimulatedNode;
let offsetMs = 0;

/** The clock of the machine, which somebody sets; its timers run on as the cluster's, whose clock is right. */
const wall: Clock = {
  now: () => cluster.clock.now() + offsetMs,
  setTimer: (delayMs, callback) => cluster.clock.setTimer(delayMs, callback),
};

beforeEach(async () => {
  offsetMs = 0;
  cluster = await startCluster();
  const user = { username: 'system:node:jumps', groups: ['system:nodes', 'system:authenticated'] };
  node = simulatedNode({
    client: new Client(cluster.controlPlane.transport(user), 'kubelet'),
    clock: wall,
    steady: cluster.clock,
    random: seededRandom(1),
    name: 'jumps',
    index: 0,
    heartbeatMs: 10_000,
    log: () => undefined,
  });
  await node.kubelet.start();
  await cluster.advance(1_000);
});

afterEach(async () => {
  await node.kubelet.stop();
  await cluster.close();
});

test.each([
  ['an hour back', -HOUR_MS],
  ['an hour ahead', HOUR_MS],
])('a clock that is set %s costs no pod and no restart', async (_, jumpMs) => {
  const annotations = { 'simulated.zeroplane.dev/exit-code': '1', 'simulated.zeroplane.dev/run-ms': '100' };
  const spec = { nodeName: 'jumps', containers: [{ name: 'main', image: 'app' }] };
  await cluster.client.create(pods, { metadata: { namespace: 'default', name: 'crash', annotations }, spec });
  await cluster.client.create(pods, { metadata: { namespace: 'default', name: 'runs' }, spec });
  await cluster.advance(500);
  const restarts = async (): Promise<number | undefined> =>
    (await cluster.client.get(pods, { namespace: 'default', name: 'crash' })).status?.containerStatuses?.[0]
      ?.restartCount;
  expect(await restarts()).toBe(1);
  // While it waits for its next restart.
  offsetMs = jumpMs;
  await cluster.advance(10_000);
  expect(await restarts()).toBe(2);
  await cluster.advance(21_000);
  expect(await restarts()).toBe(3);

  const ready = async (): Promise<unknown> => {
    const { status } = await cluster.client.get(nodes, { name: 'jumps' });
    const condition = status?.conditions?.find(({ type }) => type === 'Ready');
    return [condition?.status, condition?.reason];
  };
  const before = await ready();
  expect(before).toEqual(['True', 'KubeletReady']);
  for (let minute = 0; minute < 5; minute++) {
    await cluster.advance(60_000);
    expect(await ready()).toEqual(before);
  }
  const { metadata, status } = await cluster.client.get(pods, { namespace: 'default', name: 'runs' });
  expect(metadata?.deletionTimestamp).toBeUndefined();
  expect(status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, ready: true });
  // A machine that is lost is noticed all the same.
  await node.kubelet.stop();
  await cluster.advance(42_000);
  expect(await ready()).toEqual(['Unknown', 'NodeStatusUnknown']);
});

test.each([-HOUR_MS, HOUR_MS])('a token is renewed by its age, with a clock that is %i ms off', async (jumpMs) => {
  offsetMs = jumpMs;
  const tokens = new TokenSource(cluster.client, { ...wall, now: () => cluster.clock.now() });
  await cluster.client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'app' } });
  const pod = await cluster.client.create(pods, {
    metadata: { namespace: 'default', name: 'holder' },
    spec: { nodeName: 'jumps', serviceAccountName: 'app', containers: [{ name: 'main', image: 'app' }] },
  });
  const first = await tokens.token(pod, {});
  await cluster.advance(0.75 * HOUR_MS);
  expect(await tokens.token(pod, {})).toBe(first);
  await cluster.advance(0.1 * HOUR_MS);
  expect(await tokens.token(pod, {})).not.toBe(first);
});
