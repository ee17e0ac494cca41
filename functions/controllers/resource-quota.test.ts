import { expect, test } from 'vitest';
import { configMaps, resourceQuotas } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import { CHARGE_SETTLED_MS, LAST_CHARGE_ANNOTATION } from '../../lib/quota/last-charge.js';
import { resourceQuotaController } from './resource-quota.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';

const metadata = { name: 'q', namespace: 'default' };

test('what a crash left charged is counted away once no write can be under way, and not before', async () => {
  const cluster = new FakeCluster([resourceQuotaController]);
  await cluster.client.create(configMaps, { metadata: { name: 'a', namespace: 'default' } });
  const spec = { hard: { configmaps: '5', pods: '3' } };
  const annotations = { [LAST_CHARGE_ANNOTATION]: formatTime(cluster.clock.now()) };
  const created = await cluster.client.create(resourceQuotas, { metadata: { ...metadata, annotations }, spec });
  await cluster.client.updateStatus(resourceQuotas, {
    ...created,
    status: { hard: spec.hard, used: { configmaps: '4' } },
  });
  const used = () => cluster.get(resourceQuotas, 'q').status?.used;

  await cluster.settle();
  expect(used()).toEqual({ configmaps: '4', pods: '0' });
  await cluster.advance(CHARGE_SETTLED_MS - 1_000);
  expect(used()).toEqual({ configmaps: '4', pods: '0' });
  await cluster.advance(1_000);
  expect(used()).toEqual({ configmaps: '1', pods: '0' });
});

test('what is there and was never charged counts at once; limits follow the spec', async () => {
  const cluster = new FakeCluster([resourceQuotaController]);
  const annotations = { [LAST_CHARGE_ANNOTATION]: formatTime(cluster.clock.now()) };
  await cluster.client.create(resourceQuotas, {
    metadata: { ...metadata, annotations },
    spec: { hard: { configmaps: '5' } },
  });
  await cluster.settle();
  for (const name of ['a', 'b']) await cluster.client.create(configMaps, { metadata: { name, namespace: 'default' } });
  await cluster.change(resourceQuotas, 'q', (quota) => {
    quota.spec = { hard: { configmaps: '1', 'requests.storage': '1Gi' } };
  });
  await cluster.settle();
  expect(cluster.get(resourceQuotas, 'q').status).toEqual({
    hard: { configmaps: '1', 'requests.storage': '1Gi' },
    used: { configmaps: '2', 'requests.storage': '0' },
  });
});
