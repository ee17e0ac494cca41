import { afterEach, expect, test } from 'vitest';
import { events } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import type { CoreV1Event } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { lastOccurrenceMs } from './event-expiry.js';

const MINUTE_MS = 60_000;

let cluster: TestCluster | undefined;

afterEach(() => cluster?.close());

test('events go an hour after they last occurred', async () => {
  const { client, clock, advance } = (cluster = await startCluster());
  const named = (name: string) => ({ namespace: 'default', name });
  const create = async (name: string): Promise<void> => {
    await client.create(events, {
      metadata: named(name),
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'one' },
      reason: 'Tested',
      lastTimestamp: formatTime(clock.now()),
    });
  };
  const names = async (): Promise<string[]> =>
    (await client.list(events, { namespace: 'default' })).items.map(({ metadata }) => metadata?.name ?? '').toSorted();
  await create('once');
  await create('again');
  await advance(30 * MINUTE_MS);
  await create('later');
  await client.patch(events, named('again'), 'merge', { count: 2, lastTimestamp: formatTime(clock.now()) });
  await advance(29 * MINUTE_MS);
  expect(await names()).toEqual(['again', 'later', 'once']);
  await advance(7 * MINUTE_MS);
  expect(await names()).toEqual(['again', 'later']);
  await advance(30 * MINUTE_MS);
  expect(await names()).toEqual([]);
  await advance(10 * MINUTE_MS);
  expect(cluster.errors).toEqual([]);
  expect(cluster.controlPlane.delayedCount).toBe(0);
});

test('the latest of all times of an event counts', () => {
  const event: CoreV1Event = {
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    involvedObject: {},
    eventTime: '2026-01-01T00:00:01.000000Z',
    lastTimestamp: '2026-01-01T00:00:02Z',
  };
  expect(lastOccurrenceMs(event)).toBe(Date.parse('2026-01-01T00:00:02Z'));
  const series = { count: 2, lastObservedTime: '2026-01-01T00:00:03.000000Z' };
  expect(lastOccurrenceMs({ ...event, series })).toBe(Date.parse('2026-01-01T00:00:03Z'));
});
