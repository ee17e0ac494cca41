import { afterAll, beforeAll, expect, test } from 'vitest';
import { BAD_PATCHES, JSON_PATCH, MERGE } from './bad-patches.js';
import { BAD_REQUESTS, CONFIG_MAPS, YAML } from './bad-requests.js';
import { startApi, type TestApi } from './support/api.js';

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ retentionEventsMax: 50 });
  await api.request('POST', CONFIG_MAPS, { metadata: { name: 'present' }, data: { a: 'b' } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.close();
});

test.each([...BAD_REQUESTS, ...BAD_PATCHES])(
  '$code for $title',
  async ({ method = 'POST', path, body, headers, code, message }) => {
    const before = (await api.request('GET', CONFIG_MAPS)).json;
    const answer = await api.request(method, path, body, headers);
    expect(answer.json).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: REASONS[code],
      code,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
    expect(answer.status).toBe(code);
    expect((await api.request('GET', CONFIG_MAPS)).json).toEqual(before);
  },
);

test('64-bit integers are kept to the last digit, on every way in', async () => {
  const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
  const body = '{"metadata":{"name":"big"},"revision":9223372036854775807,"data":{"n":12345678901234567890}}';
  await api.request('POST', revisions, body);
  const patched = await api.request('PATCH', `${revisions}/big`, '{"metadata":{"labels":{"a":"b"}}}', MERGE);
  expect(patched.text).toContain('"revision":9223372036854775807');
  expect(patched.text).toContain('12345678901234567890');
  const raised = await api.request(
    'PATCH',
    `${revisions}/big`,
    '[{"op":"replace","path":"/revision","value":9007199254740993}]',
    JSON_PATCH,
  );
  expect(raised.text).toContain('"revision":9007199254740993');
  const yaml = await api.request(
    'POST',
    revisions,
    'metadata:\n  name: yaml\nrevision: 9007199254740993\ndata: {}\n',
    YAML,
  );
  expect(yaml.text).toContain('"revision":9007199254740993');
  expect((await api.request('GET', `${revisions}/big`)).text).toContain('"revision":9007199254740993');
});

test('unknown and repeated fields are warned of by default and dropped', async () => {
  const answer = await api.request(
    'POST',
    CONFIG_MAPS,
    '{"metadata":{"name":"warned"},"foo":1,"data":{"a":"1","a":"2"}}',
  );
  expect(answer.status).toBe(201);
  expect(answer.headers.warning).toEqual(['299 - "unknown field \\"foo\\""', '299 - "duplicate field \\"data.a\\""']);
  expect(answer.json).not.toHaveProperty('foo');
  const ignored = await api.request('POST', `${CONFIG_MAPS}?fieldValidation=Ignore`, {
    metadata: { name: 'ignored' },
    foo: 1,
  });
  expect(ignored.headers).not.toHaveProperty('warning');
});

test('members of every name are data and nothing more', async () => {
  const body =
    '{"metadata":{"name":"proto","annotations":{"__proto__":"x","constructor":"y"}},"data":{"toString":"z"},"__proto__":{"polluted":true}}';
  const answer = await api.request('POST', CONFIG_MAPS, body);
  expect(answer.json.message).toMatch(/metadata\.annotations: Invalid value: "__proto__"/);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  const allowed = await api.request(
    'POST',
    CONFIG_MAPS,
    '{"metadata":{"name":"proto","annotations":{"constructor":"y"}},"data":{"toString":"z"}}',
  );
  expect(allowed.json).toMatchObject({ metadata: { annotations: { constructor: 'y' } } });
  expect(allowed.text).toContain('"toString":"z"');
});

test('huge selectors are answered, in time', async () => {
  const values = Array.from({ length: 20_000 }, (_, index) => `v${index}`).join(',');
  const inSet = await api.request('GET', `${CONFIG_MAPS}?labelSelector=${encodeURIComponent(`app in (${values})`)}`);
  expect(inSet.json).toMatchObject({ kind: 'ConfigMapList', items: [] });
  const terms = Array.from({ length: 10_000 }, (_, index) => `k${index}!=v`).join(',');
  const many = await api.request('GET', `${CONFIG_MAPS}?labelSelector=${encodeURIComponent(terms)}`);
  expect(many.json.items.length).toBeGreaterThan(0);
  const tooLong = await api.request('GET', `${CONFIG_MAPS}?labelSelector=${'a'.repeat(300_000)}`);
  expect(tooLong.json).toMatchObject({ code: 400, reason: 'BadRequest' });
});

test('410 for what the log no longer has: a list, a watch and a continue token, which goes on at the present', async () => {
  const from = (await api.request('POST', CONFIG_MAPS, { metadata: { name: 'page-1' } })).json.metadata.resourceVersion;
  const page = (await api.request('GET', `${CONFIG_MAPS}?limit=1`)).json;
  for (let round = 0; round < 200; round++) {
    await api.request('PATCH', `${CONFIG_MAPS}/present`, { metadata: { labels: { round: String(round) } } }, MERGE);
  }
  const old = await api.request('GET', `${CONFIG_MAPS}?resourceVersion=${from}&resourceVersionMatch=Exact`);
  expect(old.json).toMatchObject({ code: 410, reason: 'Expired', message: /too old resource version|is too old/ });
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${from}`);
  expect(await watch.next()).toMatchObject({
    type: 'ERROR',
    object: {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/),
    },
  });
  expect(await watch.next()).toBeUndefined();
  const late = (await api.request('GET', `${CONFIG_MAPS}?limit=1&continue=${page.metadata.continue}`)).json;
  expect(late).toMatchObject({
    code: 410,
    reason: 'Expired',
    message: expect.stringMatching(/^The provided continue parameter is too old/),
  });
  const rest = (await api.request('GET', `${CONFIG_MAPS}?continue=${late.metadata.continue}`)).json;
  const whole = (await api.request('GET', CONFIG_MAPS)).json;
  expect(rest.items).toEqual(whole.items.slice(1));
});

test('of 1,000 creates of one name at the same time exactly one succeeds', async () => {
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) =>
      api.request('POST', CONFIG_MAPS, { metadata: { name: 'once' }, data: { by: String(index) } }),
    ),
  );
  const codes = answers.map(({ status }) => status);
  expect(codes.filter((code) => code === 201)).toHaveLength(1);
  const busy = codes.filter((code) => code === 429).length;
  expect(codes.filter((code) => code === 409)).toHaveLength(999 - busy);
  const winner = answers.find(({ status }) => status === 201)?.json;
  expect((await api.request('GET', `${CONFIG_MAPS}/once`)).json).toEqual(winner);
  const loser = answers.find(({ status }) => status === 409)?.json;
  expect(loser).toMatchObject({ reason: 'AlreadyExists', message: 'configmaps "once" already exists' });
  for (const one of answers.filter(({ status }) => status === 429)) expect(one.headers['retry-after']).toBe('1');
});
