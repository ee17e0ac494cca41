import { expect, test } from 'vitest';
import { testServer, type TestServer } from './test-server.js';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const labels = { app: 'web' };
const type = (name: string): Record<string, string> => ({ 'content-type': `application/${name}` });

async function make({ request }: TestServer): Promise<void> {
  const answer = await request('POST', DEPLOYMENTS, {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            { name: 'a', image: 'x' },
            { name: 'b', image: 'y' },
          ],
        },
      },
    },
  });
  expect(answer.status).toBe(201);
}

test('a strategic merge patch merges containers by name', async () => {
  const server = testServer();
  await make(server);
  const patch = {
    spec: {
      template: {
        spec: {
          containers: [
            { name: 'b', image: 'z' },
            { name: 'c', image: 'w' },
          ],
        },
      },
    },
  };
  const { json } = await server.request('PATCH', `${DEPLOYMENTS}/web`, patch, type('strategic-merge-patch+json'));
  const images = json.spec.template.spec.containers.map((one: { name: string; image: string }) => [
    one.name,
    one.image,
  ]);
  expect(Object.fromEntries(images)).toEqual({ a: 'x', b: 'z', c: 'w' });
  expect(json.metadata.generation).toBe(2);
});

test('a JSON patch tests and replaces', async () => {
  const server = testServer();
  await make(server);
  const operations = [
    { op: 'test', path: '/spec/replicas', value: 1 },
    { op: 'replace', path: '/spec/replicas', value: 4 },
  ];
  const once = await server.request('PATCH', `${DEPLOYMENTS}/web`, operations, type('json-patch+json'));
  expect(once.json.spec.replicas).toBe(4);
  const twice = await server.request('PATCH', `${DEPLOYMENTS}/web`, operations, type('json-patch+json'));
  expect(twice.status).toBe(422);
});

test('a patch that states an old resourceVersion conflicts; one that states none is repeated', async () => {
  const server = testServer();
  await make(server);
  const stale = { metadata: { resourceVersion: '1' }, spec: { replicas: 2 } };
  const answer = await server.request('PATCH', `${DEPLOYMENTS}/web`, stale, type('merge-patch+json'));
  expect(answer.status).toBe(409);
  const patches = Array.from({ length: 4 }, (_, index) =>
    server.request(
      'PATCH',
      `${DEPLOYMENTS}/web`,
      { metadata: { annotations: { [`k${index}`]: 'v' } } },
      type('merge-patch+json'),
    ),
  );
  for (const { status } of await Promise.all(patches)) expect(status).toBe(200);
  const { json } = await server.request('GET', `${DEPLOYMENTS}/web`);
  expect(Object.keys(json.metadata.annotations)).toHaveLength(4);
});

test('patches that cannot be applied', async () => {
  const server = testServer();
  await make(server);
  const patch = (body: unknown, kind: string, query = ''): ReturnType<TestServer['request']> =>
    server.request('PATCH', `${DEPLOYMENTS}/web${query}`, body, type(kind));
  const strict = await patch({ spec: { foo: 1 } }, 'merge-patch+json', '?fieldValidation=Strict');
  expect(strict.status).toBe(422);
  expect(strict.json.message).toContain('strict decoding error: unknown field "spec.foo"');
  expect((await patch({ spec: { replicas: 'x' } }, 'merge-patch+json')).status).toBe(422);
  expect((await patch('{', 'merge-patch+json')).status).toBe(400);
  expect((await patch({ metadata: { name: 'other' } }, 'merge-patch+json')).status).toBe(400);
  expect((await patch({ kind: 'Other' }, 'merge-patch+json')).status).toBe(400);
  const cbor = await patch({ spec: {} }, 'apply-patch+cbor');
  expect(cbor.status).toBe(415);
  expect(cbor.json.message).toBe(
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
  );
  const absent = await server.request('PATCH', `${DEPLOYMENTS}/none`, {}, type('merge-patch+json'));
  expect(absent.status).toBe(404);
  const immutable = await patch({ spec: { selector: { matchLabels: { other: 'x' } } } }, 'merge-patch+json');
  expect(immutable.status).toBe(422);
});
