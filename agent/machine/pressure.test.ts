import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { PressureMonitor, rankForEviction, type MachineState } from './pressure.js';

const MI = 1024 * 1024;

const pod = (name: string, spec: Partial<NonNullable<V1Pod['spec']>> = {}, memory?: string): V1Pod => ({
  metadata: { name, uid: name },
  spec: { containers: [{ name: 'main', ...(memory && { resources: { requests: { memory } } }) }], ...spec },
  status: { phase: 'Running' },
});

const ROOMY: MachineState = {
  memoryAvailableBytes: 1000 * MI,
  storageAvailableBytes: 50 * 1024 * MI,
  storageBytes: 100 * 1024 * MI,
  inodesFree: 900,
  inodes: 1000,
};

it('those above their requests go first, then lower priorities, then those furthest above; critical, static and ended pods stay', () => {
  const use = new Map([
    ['modest', 50 * MI],
    ['greedy', 300 * MI],
    ['greedier', 500 * MI],
    ['low', 150 * MI],
    ['critical', 900 * MI],
    ['static', 900 * MI],
  ]);
  const pods = [
    pod('modest', {}, '100Mi'),
    pod('greedy', { priority: 10 }, '100Mi'),
    pod('greedier', { priority: 10 }, '100Mi'),
    pod('low', { priority: 1 }, '100Mi'),
    pod('critical', { priority: 2_000_001_000 }),
    { ...pod('static'), metadata: { uid: 'static', annotations: { 'kubernetes.io/config.source': 'file' } } },
    { ...pod('over'), status: { phase: 'Succeeded' } },
  ];
  expect(rankForEviction(pods, use).map(({ metadata }) => metadata?.name)).toEqual([
    'low',
    'greedier',
    'greedy',
    'modest',
  ]);
});

it('one pod at a time ends while memory is short, and the condition outlasts the shortage for a while', async () => {
  const clock = new FakeClock();
  const evicted: string[] = [];
  let state: MachineState = { ...ROOMY, memoryAvailableBytes: 20 * MI };
  let changes = 0;
  const monitor = new PressureMonitor({
    clock,
    read: async () => state,
    memoryUse: async () => new Map([['a', 10 * MI]]),
    reclaimStorage: async () => expect.fail('there is storage enough'),
    pods: () => [pod('a'), pod('b')].filter(({ metadata }) => !evicted.includes(metadata?.name ?? '')),
    evict(uid, { reason, message }) {
      expect(reason).toBe('Evicted');
      expect(message).toBe('The node was low on resource: memory. Threshold quantity: 100Mi, available: 20480Ki. ');
      evicted.push(uid);
    },
    onChange: () => void changes++,
    log: () => undefined,
  });
  await monitor.check();
  await monitor.check();
  expect(evicted).toEqual(['a']);
  expect(monitor.problems().MemoryPressure?.reason).toBe('KubeletHasInsufficientMemory');
  state = ROOMY;
  await clock.advance(30_000);
  await monitor.check();
  expect(monitor.problems()).toHaveProperty('MemoryPressure');
  await clock.advance(31_000);
  await monitor.check();
  expect(monitor.problems()).toEqual({});
  expect([evicted, changes]).toEqual([['a'], 2]);
});

it('a full disk: what nobody uses goes first, and a pod only when that is not enough', async () => {
  const clock = new FakeClock();
  const FULL = { ...ROOMY, storageAvailableBytes: 1024 * MI };
  const evicted: string[] = [];
  let state: MachineState = FULL;
  let afterwards: MachineState = ROOMY;
  const monitor = new PressureMonitor({
    clock,
    read: async () => state,
    memoryUse: async () => new Map(),
    pods: () => [pod('a')],
    reclaimStorage: async () => void (state = afterwards),
    evict: (_uid, { message }) => void evicted.push(message),
    onChange: () => undefined,
    log: () => undefined,
  });
  await monitor.check();
  expect([evicted, monitor.problems().DiskPressure?.reason]).toEqual([[], 'KubeletHasDiskPressure']);
  state = afterwards = FULL;
  await monitor.check();
  expect(evicted).toEqual([
    'The node was low on resource: ephemeral-storage. Threshold quantity: 5368709120, available: 1048576Ki. ',
  ]);
});
