import { expect, test } from 'vitest';
import { testServer } from './registry/test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

test('an object lives: created, read, listed, updated, patched, deleted, all of it watched', async () => {
  const { request, watch } = testServer();
  const events = await watch(`${MAPS}?watch=1&resourceVersion=1`);
  const created = await request('POST', MAPS, { metadata: { name: 'a' }, data: { x: '1' } });
  expect(created.status).toBe(201);
  expect(created.json).toMatchObject({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a', namespace: 'default', resourceVersion: '2' },
    data: { x: '1' },
  });
  const read = await request('GET', `${MAPS}/a`);
  expect(read.json).toEqual(created.json);

  const updated = await request('PUT', `${MAPS}/a`, { ...read.json, data: { x: '2' } });
  expect(updated.json).toMatchObject({ metadata: { resourceVersion: '3' }, data: { x: '2' } });
  const stale = await request('PUT', `${MAPS}/a`, { ...read.json, data: { x: '3' } });
  expect(stale.status).toBe(409);
  expect(stale.json.message).toBe(
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  );
  const patched = await request(
    'PATCH',
    `${MAPS}/a`,
    { data: { y: '4' } },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(patched.json.data).toEqual({ x: '2', y: '4' });

  const list = await request('GET', MAPS);
  expect(list.json).toMatchObject({ kind: 'ConfigMapList', metadata: { resourceVersion: '4' } });
  expect(list.json.items).toEqual([patched.json]);

  const deleted = await request('DELETE', `${MAPS}/a`);
  expect(deleted.json).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'a', kind: 'configmaps' } });
  expect((await request('GET', `${MAPS}/a`)).status).toBe(404);

  const seen = [await events.next(), await events.next(), await events.next(), await events.next()];
  expect(seen.map(({ type, object }) => [type, object.metadata.resourceVersion])).toEqual([
    ['ADDED', '2'],
    ['MODIFIED', '3'],
    ['MODIFIED', '4'],
    ['DELETED', '5'],
  ]);
  expect(seen[3].object).toEqual({ ...patched.json, metadata: { ...patched.json.metadata, resourceVersion: '5' } });
  events.stop();
});

test('an update that changes nothing writes nothing', async () => {
  const { request } = testServer();
  const created = await request('POST', MAPS, { metadata: { name: 'a' }, data: { x: '1' } });
  const again = await request('PUT', `${MAPS}/a`, created.json);
  expect(again.json).toEqual(created.json);
});

test('status and spec are written apart', async () => {
  const { request } = testServer();
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const labels = { app: 'web' };
  const created = await request('POST', path, {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
    status: { replicas: 7 },
  });
  expect(created.text).toContain('"generation":1');
  expect(created.json.status).toEqual({});
  expect(created.json.spec.replicas).toBe(1);
  const status = await request(
    'PATCH',
    `${path}/web/status`,
    { spec: { replicas: 9 }, status: { replicas: 3 } },
    {
      'content-type': 'application/merge-patch+json',
    },
  );
  expect(status.json).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 3 } });
  const scaled = await request(
    'PATCH',
    `${path}/web/scale`,
    { spec: { replicas: 5 } },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(scaled.json).toMatchObject({
    kind: 'Scale',
    spec: { replicas: 5 },
    status: { replicas: 3, selector: 'app=web' },
  });
  const read = await request('GET', `${path}/web`);
  expect(read.json).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 }, status: { replicas: 3 } });
});
