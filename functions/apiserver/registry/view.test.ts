import { expect, test } from 'vitest';
import { testServer } from './test-server.js';

test('a PUT of a part of an object needs no resourceVersion', async () => {
  const { request } = testServer();
  await request('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
  await request('DELETE', '/api/v1/namespaces/shop');
  const path = '/api/v1/namespaces/shop/finalize';
  const finalized = await request('PUT', path, { metadata: { name: 'shop' }, spec: {} });
  expect(finalized.status).toBe(200);
  expect((await request('GET', '/api/v1/namespaces/shop')).status).toBe(404);
});

test('a PUT of a scale needs no resourceVersion, and is bound by the one it has', async () => {
  const { request } = testServer();
  const replicaSets = '/apis/apps/v1/namespaces/default/replicasets';
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 1, selector: { matchLabels: { app: 'web' } }, template };
  await request('POST', replicaSets, { metadata: { name: 'web' }, spec });
  const scale = (replicas: number, resourceVersion?: string) =>
    request('PUT', `${replicaSets}/web/scale`, { metadata: { name: 'web', resourceVersion }, spec: { replicas } });
  const scaled = await scale(3);
  expect(scaled.status).toBe(200);
  expect(scaled.json.spec.replicas).toBe(3);
  expect((await scale(4, '2')).status).toBe(409);
  expect((await scale(4, scaled.json.metadata.resourceVersion)).status).toBe(200);
});
