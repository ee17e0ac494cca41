import { expect, test } from 'vitest';
import { testServer, type TestServer } from './test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const MERGE = { 'content-type': 'application/merge-patch+json' };

async function makePod({ request }: TestServer, name: string, spec: object = {}): Promise<void> {
  const answer = await request('POST', PODS, {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'nginx' }], nodeName: 'n1', ...spec },
  });
  expect(answer.text).toContain('"uid"');
}

test('finalizers hold a deleted object until the last one goes', async () => {
  const { request, watch } = testServer();
  await request('POST', MAPS, { metadata: { name: 'a', finalizers: ['example.com/a', 'example.com/b'] } });
  const events = await watch(`${MAPS}?watch=1&resourceVersion=2`);
  const marked = await request('DELETE', `${MAPS}/a`);
  expect(marked.status).toBe(200);
  expect(marked.json.metadata).toMatchObject({
    deletionTimestamp: '2026-01-01T00:00:00Z',
    deletionGracePeriodSeconds: 0,
  });
  const more = await request(
    'PATCH',
    `${MAPS}/a`,
    { metadata: { finalizers: ['example.com/a', 'example.com/c'] } },
    MERGE,
  );
  expect(more.status).toBe(422);
  expect(more.json.message).toContain('no new finalizers can be added if the object is being deleted');
  await request('PATCH', `${MAPS}/a`, { metadata: { finalizers: ['example.com/a'] } }, MERGE);
  expect((await request('GET', `${MAPS}/a`)).status).toBe(200);
  const last = await request('PATCH', `${MAPS}/a`, { metadata: { finalizers: null } }, MERGE);
  expect(last.status).toBe(200);
  expect((await request('GET', `${MAPS}/a`)).status).toBe(404);
  const types = [];
  for (let count = 0; count < 3; count++) types.push((await events.next()).type);
  expect(types).toEqual(['MODIFIED', 'MODIFIED', 'DELETED']);
  events.stop();
});

test('propagation policies become finalizers', async () => {
  const { request } = testServer();
  const path = '/apis/apps/v1/namespaces/default/controllerrevisions';
  for (const [policy, finalizers, status] of [
    ['Foreground', ['foregroundDeletion'], 202],
    ['Orphan', ['orphan'], 200],
  ] as const) {
    await request('POST', path, { metadata: { name: 'a' }, revision: 1, data: { a: 1 } });
    const deleted = await request('DELETE', `${path}/a`, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: policy,
    });
    expect(deleted.status).toBe(status);
    expect(deleted.json.metadata.finalizers).toEqual(finalizers);
    await request('PATCH', `${path}/a`, { metadata: { finalizers: null } }, MERGE);
    expect((await request('GET', `${path}/a`)).status).toBe(404);
  }
  const both = await request('DELETE', `${path}/a?propagationPolicy=Orphan&orphanDependents=true`);
  expect(both.status).toBe(422);
});

test('preconditions are held', async () => {
  const { request } = testServer();
  const { json } = await request('POST', MAPS, { metadata: { name: 'a' } });
  const wrongUid = await request('DELETE', `${MAPS}/a`, { preconditions: { uid: 'x' } });
  expect(wrongUid.status).toBe(409);
  expect(wrongUid.json.message).toBe(
    `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (x) does not match the UID in record (${json.metadata.uid}). The object might have been deleted and then recreated`,
  );
  const wrongVersion = await request('DELETE', `${MAPS}/a`, { preconditions: { resourceVersion: '1' } });
  expect(wrongVersion.status).toBe(409);
  const right = { preconditions: { uid: json.metadata.uid, resourceVersion: json.metadata.resourceVersion } };
  expect((await request('DELETE', `${MAPS}/a`, right)).status).toBe(200);
});

test('a running pod gets its grace period, which only shortens', async () => {
  const server = testServer();
  const { request, clock } = server;
  await makePod(server, 'p');
  const first = await request('DELETE', `${PODS}/p`);
  expect(first.json.metadata).toMatchObject({
    deletionTimestamp: '2026-01-01T00:00:30Z',
    deletionGracePeriodSeconds: 30,
  });
  await clock.advance(5_000);
  const same = await request('DELETE', `${PODS}/p`);
  expect(same.json.metadata).toEqual(first.json.metadata);
  const longer = await request('DELETE', `${PODS}/p?gracePeriodSeconds=60`);
  expect(longer.json.metadata).toEqual(first.json.metadata);
  const shorter = await request('DELETE', `${PODS}/p?gracePeriodSeconds=10`);
  expect(shorter.json.metadata).toMatchObject({
    deletionTimestamp: '2026-01-01T00:00:10Z',
    deletionGracePeriodSeconds: 10,
  });
  const now = await request('DELETE', `${PODS}/p?gracePeriodSeconds=0`);
  expect(now.json.kind).toBe('Pod');
  expect((await request('GET', `${PODS}/p`)).status).toBe(404);
});

test('a pod without a node goes at once', async () => {
  const server = testServer();
  await makePod(server, 'p', { nodeName: undefined });
  await server.request('DELETE', `${PODS}/p`);
  expect((await server.request('GET', `${PODS}/p`)).status).toBe(404);
});

test('a namespace waits until it is finalized', async () => {
  const { request } = testServer();
  const path = '/api/v1/namespaces';
  await request('POST', path, { metadata: { name: 'a' } });
  const deleted = await request('DELETE', `${path}/a`);
  expect(deleted.json).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Terminating' } });
  const patched = await request('PATCH', `${path}/a`, { metadata: { labels: { x: 'y' } } }, MERGE);
  expect(patched.json.spec.finalizers).toEqual(['kubernetes']);
  const finalized = await request('PUT', `${path}/a/finalize`, { ...patched.json, spec: { finalizers: [] } });
  expect(finalized.status).toBe(200);
  expect((await request('GET', `${path}/a`)).status).toBe(404);
});

test('a dry run of anything changes nothing', async () => {
  const { request, store } = testServer();
  const dry = await request('POST', `${MAPS}?dryRun=All`, { metadata: { name: 'a' }, data: { x: '1' } });
  expect(dry.status).toBe(201);
  expect(dry.json.metadata.resourceVersion).toBeUndefined();
  await request('POST', MAPS, { metadata: { name: 'a' }, data: { x: '1' } });
  expect((await request('POST', `${MAPS}?dryRun=All`, { metadata: { name: 'a' } })).status).toBe(409);
  const patched = await request('PATCH', `${MAPS}/a?dryRun=All`, { data: { x: '2' } }, MERGE);
  expect(patched.json).toMatchObject({ data: { x: '2' }, metadata: { resourceVersion: '2' } });
  expect((await request('DELETE', `${MAPS}/a?dryRun=All`)).status).toBe(200);
  expect((await request('DELETE', `${MAPS}?dryRun=All`)).status).toBe(200);
  expect(await store.revision('core/configmaps')).toBe(2);
  const wrong = await request('POST', `${MAPS}?dryRun=Some`, { metadata: { name: 'b' } });
  expect(wrong.status).toBe(422);
});

test('deletecollection deletes what its selectors match', async () => {
  const { request } = testServer();
  for (let index = 0; index < 30; index++) {
    await request('POST', MAPS, { metadata: { name: `m${index}`, labels: { side: index % 3 === 0 ? 'a' : 'b' } } });
  }
  await request('DELETE', `${MAPS}?labelSelector=side%3Db`);
  expect((await request('GET', MAPS)).json.items).toHaveLength(10);
  expect((await request('DELETE', '/api/v1/configmaps')).status).toBe(405);
});

test.each(['9007199254740991', '9223372036854775807'])(
  'a grace period of %s seconds is longer than time',
  async (seconds) => {
    const { request } = testServer();
    const spec = `{"nodeName":"n","containers":[{"name":"c","image":"i"}],"terminationGracePeriodSeconds":${seconds}}`;
    await request('POST', PODS, `{"metadata":{"name":"a"},"spec":${spec}}`);
    const marked = await request('DELETE', `${PODS}/a`);
    expect(marked.status).toBe(200);
    expect(marked.json.metadata.deletionTimestamp).toBe('9999-12-31T23:59:59Z');
    expect(marked.text).toContain(`"deletionGracePeriodSeconds":${seconds}`);
    const shortened = await request('DELETE', `${PODS}/a`, { gracePeriodSeconds: 5 });
    expect(shortened.json.metadata).toMatchObject({ deletionGracePeriodSeconds: 5 });
    expect((await request('DELETE', `${PODS}/a`, { gracePeriodSeconds: 0 })).status).toBe(200);
    expect((await request('GET', `${PODS}/a`)).status).toBe(404);
  },
);
