import { expect, test } from 'vitest';
import { testServer } from './test-server.js';

const PODS = '/api/v1/namespaces/default/pods';

/** As an older version of this server would have written it: without defaults and without a number. */
const OLD = (revision: number): Uint8Array =>
  Buffer.from(
    `{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"${revision}","name":"p","namespace":"default","uid":"u","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"nginx"}]}}`,
  );

test('objects of an older schema come out with the defaults of today, everywhere', async () => {
  const { request, store, watch } = testServer();
  await store.write('core/pods', [{ key: 'default/p', expect: 'absent', body: OLD }]);
  const { json, text } = await request('GET', `${PODS}/p`);
  expect(json.spec).toMatchObject({ restartPolicy: 'Always', containers: [{ terminationMessagePolicy: 'File' }] });
  expect(text.startsWith('{ "kind":"Pod"')).toBe(true);
  expect((await request('GET', PODS)).json.items).toEqual([json]);
  const events = await watch(`${PODS}?watch=1&resourceVersion=1`);
  expect((await events.next()).object).toEqual(json);
  events.stop();
  const patched = await request(
    'PATCH',
    `${PODS}/p`,
    { metadata: { labels: { a: 'c' } } },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(patched.json.metadata).toMatchObject({ labels: { a: 'c' }, resourceVersion: '3' });
});
