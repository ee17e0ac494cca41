import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type TestApi } from './support/api.js';
import { MERGE } from './support/lifecycle.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  for (const name of ['limits', 'other']) {
    await api.request('POST', '/api/v1/namespaces', { metadata: { name } });
    await api.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.close();
});

const range = (name: string, min: object, max: object, defaults: object, requests: object): object => ({
  metadata: { name, labels: { test: 'limits' } },
  spec: {
    limits: [{ type: 'Container', min, max, default: defaults, defaultRequest: requests, maxLimitRequestRatio: {} }],
  },
});
const amounts = (cpu: string, memory: string, storage: string): object => ({
  cpu,
  memory,
  'ephemeral-storage': storage,
});
const pod = (name: string, requests: object, limits: object): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'pause', image: 'pause', resources: { requests, limits } }] },
});

test('row 308: limit ranges fill in defaults and refuse what is out of range; changes of them take effect', async () => {
  const path = '/api/v1/namespaces/limits';
  const watch = await api.watch(`${path}/limitranges?watch=true`);
  const made = await api.request(
    'POST',
    `${path}/limitranges`,
    range(
      'limit-range',
      amounts('50m', '100Mi', '100Gi'),
      amounts('500m', '500Mi', '500Gi'),
      amounts('500m', '500Mi', '500Gi'),
      amounts('100m', '200Mi', '200Gi'),
    ),
  );
  expect(made.status).toBe(201);
  expect((await watch.next()).type).toBe('ADDED');
  watch.stop();

  const bare = (await api.request('POST', `${path}/pods`, pod('no-resources', {}, {}))).json;
  expect(bare.spec.containers[0].resources).toEqual({
    requests: amounts('100m', '200Mi', '200Gi'),
    limits: amounts('500m', '500Mi', '500Gi'),
  });
  const partial = (
    await api.request('POST', `${path}/pods`, pod('partial', { cpu: '300m', memory: '150Mi' }, { cpu: '300m' }))
  ).json;
  expect(partial.spec.containers[0].resources).toEqual({
    requests: { cpu: '300m', memory: '150Mi', 'ephemeral-storage': '200Gi' },
    limits: { cpu: '300m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
  });
  const low = pod('low', amounts('10m', '50Mi', '50Gi'), {});
  expect((await api.request('POST', `${path}/pods`, low)).json).toMatchObject({ code: 403, reason: 'Forbidden' });
  const high = pod('high', {}, amounts('600m', '600Mi', '600Gi'));
  expect((await api.request('POST', `${path}/pods`, high)).status).toBe(403);

  const read = (await api.request('GET', `${path}/limitranges/limit-range`)).json;
  read.spec.limits[0].min = amounts('9m', '49Mi', '49Gi');
  expect((await api.request('PUT', `${path}/limitranges/limit-range`, read)).status).toBe(200);
  expect((await api.request('POST', `${path}/pods`, low)).status).toBe(201);
  expect((await api.request('POST', `${path}/pods`, high)).status).toBe(403);

  await api.request('DELETE', `${path}/limitranges/limit-range`);
  expect((await api.request('POST', `${path}/pods`, high)).status).toBe(201);
});

test('row 309: limit ranges are listed over namespaces, patched, and deleted by collection in one namespace', async () => {
  const bounds = [{}, { cpu: '500m' }, { cpu: '500m' }, { cpu: '100m' }] as const;
  for (const [namespace, name] of [
    ['limits', 'a'],
    ['other', 'b'],
  ] as const) {
    await api.request('POST', `/api/v1/namespaces/${namespace}/limitranges`, range(name, ...bounds));
  }
  const everywhere = async (): Promise<string[]> =>
    (await api.request('GET', '/api/v1/limitranges?labelSelector=test=limits')).json.items.map(
      (one: { metadata: { namespace: string } }) => one.metadata.namespace,
    );
  expect(await everywhere()).toEqual(['limits', 'other']);
  const patch = { metadata: { labels: { patched: 'yes' } } };
  const patched = await api.request('PATCH', '/api/v1/namespaces/limits/limitranges/a', patch, MERGE);
  expect(patched.json.metadata.labels.patched).toBe('yes');
  await api.request('DELETE', '/api/v1/namespaces/limits/limitranges?labelSelector=patched=yes');
  expect(await everywhere()).toEqual(['other']);
});
