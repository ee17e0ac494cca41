import { expect, test } from 'vitest';
import { testServer } from './test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';
const WRITERS = 50;

test('patches of one object at a time all come through', async () => {
  const { request } = testServer();
  await request('POST', MAPS, { metadata: { name: 'a' } });
  const type = { 'content-type': 'application/merge-patch+json' };
  const answers = await Promise.all(
    Array.from({ length: WRITERS }, (_, index) =>
      request('PATCH', `${MAPS}/a`, { data: { [`k${index}`]: 'v' } }, type),
    ),
  );
  for (const { status } of answers) expect(status).toBe(200);
  expect(Object.keys((await request('GET', `${MAPS}/a`)).json.data)).toHaveLength(WRITERS);
});

test('a PUT that creates and is overtaken by another becomes an update', async () => {
  const { request } = testServer();
  const path = '/api/v1/namespaces/default/endpoints/a';
  const answers = await Promise.all(
    Array.from({ length: WRITERS }, (_, index) =>
      request('PUT', path, { metadata: { name: 'a', labels: { by: `w${index}` } } }),
    ),
  );
  const counts = answers.map(({ status }) => status).toSorted();
  expect(counts).toEqual([...Array.from({ length: WRITERS - 1 }, () => 200), 201]);
});

test('deletions of one object at a time: one finds it, the others do not', async () => {
  const { request } = testServer();
  await request('POST', MAPS, { metadata: { name: 'a' } });
  const answers = await Promise.all(Array.from({ length: WRITERS }, () => request('DELETE', `${MAPS}/a`)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(WRITERS - 1);
});
