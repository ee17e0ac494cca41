import { expect, test } from 'vitest';
import { pods } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import { podTemplate } from './shared/testing/builders.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';
import { staleDisruptionController } from './stale-disruption.js';

test('a disruption that does not happen within two minutes is called off', async () => {
  const cluster = new FakeCluster([staleDisruptionController]);
  const lastTransitionTime = formatTime(cluster.clock.now());
  await cluster.client.create(pods, { metadata: { name: 'p', namespace: 'default' }, spec: podTemplate('p').spec });
  await cluster.setPhase('p', 'Running', {
    conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', lastTransitionTime }],
  });
  await cluster.advance(119_000);
  expect(cluster.get(pods, 'p').status?.conditions?.[0]?.status).toBe('True');
  await cluster.advance(2_000);
  expect(cluster.get(pods, 'p').status?.conditions).toEqual([
    { type: 'DisruptionTarget', status: 'False', lastTransitionTime: '2026-01-01T00:02:00Z' },
  ]);
});
