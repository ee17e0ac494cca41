import { expect, test } from 'vitest';
import { testServer, type TestServer } from './test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

async function make({ request }: TestServer, name: string, labels: Record<string, string> = {}): Promise<void> {
  const answer = await request('POST', MAPS, { metadata: { name, labels } });
  expect(answer.status).toBe(201);
}

test('lists select by labels and fields, in pages too', async () => {
  const server = testServer();
  for (let index = 0; index < 10; index++)
    await make(server, `m${index}`, { parity: index % 2 === 0 ? 'even' : 'odd' });
  const names = async (query: string): Promise<string[]> =>
    (await server.request('GET', `${MAPS}?${query}`)).json.items.map(
      (item: { metadata: { name: string } }) => item.metadata.name,
    );
  expect(await names('labelSelector=parity%3Dodd')).toEqual(['m1', 'm3', 'm5', 'm7', 'm9']);
  expect(await names('fieldSelector=metadata.name%3Dm1')).toEqual(['m1']);
  expect(await names('fieldSelector=metadata.name!%3Dm1&labelSelector=parity+in+(odd)')).toEqual([
    'm3',
    'm5',
    'm7',
    'm9',
  ]);

  const first = (await server.request('GET', `${MAPS}?labelSelector=parity%3Dodd&limit=2`)).json;
  expect(first.items).toHaveLength(2);
  expect(first.metadata.remainingItemCount).toBeUndefined();
  const rest = await names(`labelSelector=parity%3Dodd&continue=${first.metadata.continue}`);
  expect(rest).toEqual(['m5', 'm7', 'm9']);
});

test('a page of everything says how much follows; pages are one snapshot', async () => {
  const server = testServer();
  for (let index = 0; index < 5; index++) await make(server, `m${index}`);
  const first = (await server.request('GET', `${MAPS}?limit=2`)).json;
  expect(first.metadata).toMatchObject({ resourceVersion: '6', remainingItemCount: 3 });
  await server.request('DELETE', `${MAPS}/m3`);
  const second = (await server.request('GET', `${MAPS}?limit=2&continue=${first.metadata.continue}`)).json;
  expect(second.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['m2', 'm3']);
  expect(second.metadata).toMatchObject({ resourceVersion: '6', remainingItemCount: 1 });
});

test('an expired token is answered with one that goes on at the present', async () => {
  const server = testServer({ retentionEventsMax: 2 });
  for (let index = 0; index < 5; index++) await make(server, `m${index}`);
  const first = (await server.request('GET', `${MAPS}?limit=2`)).json;
  for (let index = 5; index < 9; index++) await make(server, `m${index}`);
  const gone = await server.request('GET', `${MAPS}?limit=2&continue=${first.metadata.continue}`);
  expect(gone.status).toBe(410);
  expect(gone.json.reason).toBe('Expired');
  const rest = (await server.request('GET', `${MAPS}?continue=${gone.json.metadata.continue}`)).json;
  expect(rest.items).toHaveLength(7);
  expect(rest.metadata.resourceVersion).toBe('10');
});

test.each([
  ['limit=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
  [
    'fieldSelector=spec.foo%3Da',
    400,
    '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
  ],
  ['labelSelector=a%3D%3D%3Db', 400, undefined],
  ['continue=%25', 400, 'invalid continue token: continue key is not valid: illegal base64 data'],
  [
    'resourceVersion=abc',
    400,
    'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
  ],
  [
    'resourceVersionMatch=Exact',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ],
  ['resourceVersion=99', 504, 'Timeout: Too large resource version: 99, current: 1'],
])('list options that cannot be met: %s', async (query, status, message) => {
  const { request } = testServer();
  const answer = await request('GET', `${MAPS}?${query}`);
  expect(answer.status).toBe(status);
  if (message !== undefined) expect(answer.json.message).toBe(message);
});

test('an exact list is the past', async () => {
  const server = testServer();
  for (let index = 0; index < 3; index++) await make(server, `m${index}`);
  const past = (await server.request('GET', `${MAPS}?resourceVersion=3&resourceVersionMatch=Exact`)).json;
  expect(past.items).toHaveLength(2);
  expect(past.metadata.resourceVersion).toBe('3');
});

test('objects entering and leaving a selection are added and deleted to its watchers', async () => {
  const server = testServer();
  await make(server, 'a', { app: 'x' });
  const events = await server.watch(`${MAPS}?watch=1&labelSelector=app%3Dx`);
  expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
  const merge = { 'content-type': 'application/merge-patch+json' };
  await server.request('PATCH', `${MAPS}/a`, { metadata: { labels: { app: 'y' } } }, merge);
  expect(await events.next()).toMatchObject({
    type: 'DELETED',
    object: { metadata: { name: 'a', labels: { app: 'x' }, resourceVersion: '3' } },
  });
  await server.request('PATCH', `${MAPS}/a`, { data: { unseen: 'yes' } }, merge);
  await server.request('PATCH', `${MAPS}/a`, { metadata: { labels: { app: 'x' } } }, merge);
  expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { resourceVersion: '5' } } });
  events.stop();
});

test('a watch of one object hears of no other', async () => {
  const server = testServer();
  const events = await server.watch(`${MAPS}?watch=1&resourceVersion=1&fieldSelector=metadata.name%3Db`);
  await make(server, 'a');
  await make(server, 'b');
  expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
  events.stop();
});

test('a watch with initial events closes them with a bookmark, and bookmarks go on', async () => {
  const server = testServer();
  await make(server, 'a');
  const query =
    'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=30';
  const events = await server.watch(`${MAPS}?${query}`);
  expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
  expect(await events.next()).toMatchObject({
    type: 'BOOKMARK',
    object: {
      kind: 'ConfigMap',
      metadata: { resourceVersion: '2', annotations: { 'k8s.io/initial-events-end': 'true' } },
    },
  });
  const bookmark = events.next();
  await server.clock.advance(25_000);
  expect(await bookmark).toMatchObject({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '2' } } });
  await server.clock.advance(5_000);
  expect(await events.next()).toMatchObject({ type: 'BOOKMARK' });
  expect(await events.next()).toBeUndefined();
});

test('a watch from before the log begins ends with 410', async () => {
  const server = testServer({ retentionEventsMax: 2 });
  for (let index = 0; index < 6; index++) await make(server, `m${index}`);
  const events = await server.watch(`${MAPS}?watch=1&resourceVersion=2`);
  expect(events.response.status).toBe(200);
  expect(await events.next()).toMatchObject({
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired' },
  });
  expect(await events.next()).toBeUndefined();
});

test('watches leave no timers behind', async () => {
  const server = testServer();
  const events = await server.watch(`${MAPS}?watch=1`);
  expect(server.clock.pendingTimers).toBe(2);
  events.stop();
  expect(await events.next().catch(() => undefined)).toBeUndefined();
  await server.clock.advance(60_000);
  expect(server.clock.pendingTimers).toBe(0);
});

test('the older watch paths are watches, of one object when they name it', async () => {
  const server = testServer();
  const events = await server.watch('/api/v1/watch/namespaces/default/configmaps/b');
  await make(server, 'a');
  await make(server, 'b');
  expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
  events.stop();
  expect((await server.request('HEAD', '/api/v1/watch/configmaps')).status).toBe(405);
  expect((await server.request('HEAD', `${MAPS}?watch=1`)).status).toBe(200);
});

test('answers in YAML, pretty, as metadata alone and as tables', async () => {
  const server = testServer();
  const path = '/apis/apps/v1/namespaces/default/controllerrevisions';
  await server.request('POST', path, '{"metadata":{"name":"a"},"revision":9007199254740993,"data":{"x":[]}}');
  expect((await server.request('GET', `${path}/a`, undefined, { accept: 'application/yaml' })).text).toContain(
    'revision: 9007199254740993',
  );
  expect((await server.request('GET', `${path}/a?pretty=true`)).text).toContain('\n  "revision": 9007199254740993');
  const partial = { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' };
  expect((await server.request('GET', `${path}/a`, undefined, partial)).json).toMatchObject({
    kind: 'PartialObjectMetadata',
    metadata: { name: 'a' },
  });
  const tabled = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' };
  const table = (await server.request('GET', `${path}?includeObject=Object&limit=1`, undefined, tabled)).json;
  expect(table.rows[0].object).toMatchObject({ kind: 'ControllerRevision' });
  const events = await server.watch(`${path}?watch=1&includeObject=None`, tabled);
  expect(await events.next()).toMatchObject({
    type: 'ADDED',
    object: { kind: 'Table', rows: [{ cells: expect.arrayContaining(['a']) }] },
  });
  events.stop();
  const unknown = await server.request('GET', path, undefined, { accept: 'application/cbor' });
  expect(unknown.status).toBe(406);
});
