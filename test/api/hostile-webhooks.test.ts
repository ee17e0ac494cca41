import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { allow, deny, patch, startWebhookServer, type WebhookServer } from '../support/webhook-server.js';
import { startApi, type Answer, type TestApi } from './support/api.js';
import { MERGE } from './support/lifecycle.js';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const MUTATING = `${ADMISSION}/mutatingwebhookconfigurations`;
const VALIDATING = `${ADMISSION}/validatingwebhookconfigurations`;
const MAPS = '/api/v1/namespaces/default/configmaps';
const FAILED = /^Internal error occurred: failed calling webhook "(?<name>[^"]+)": (?<why>.*)$/;

let api: TestApi;
let server: WebhookServer;
/** Operations that `/patch` answers with. */
let operations: object[] = [];
let rounds = 0;

beforeAll(async () => {
  api = await startApi();
  server = await startWebhookServer((review, path) => {
    switch (path.split('?')[0]) {
      case '/hang':
        return () => undefined;
      case '/garbage':
        return (response) => response.end('\u0000not json');
      case '/huge':
        return (response) => response.end(Buffer.alloc(10 * 1024 * 1024, 0x20));
      case '/wrong-uid':
        return { ...allow(review), response: { uid: 'somebody-else', allowed: true } };
      case '/wrong-kind':
        return { ...allow(review), apiVersion: 'admission.k8s.io/v2' };
      case '/silent':
        return { apiVersion: review.apiVersion, kind: review.kind };
      case '/untyped-patch':
        return allow(review, { patch: Buffer.from('[]').toString('base64') });
      case '/bad-base64':
        return allow(review, { patchType: 'JSONPatch', patch: '{}' });
      case '/no-patch':
        return allow(review, { patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') });
      case '/patch':
        return patch(review, operations);
      case '/grow':
        rounds++;
        return patch(review, [{ op: 'add', path: '/data', value: { round: String(rounds) } }]);
      case '/warn':
        return allow(review, { warnings: ['mind the gap', 1, ''], auditAnnotations: { key: 'x'.repeat(100_000) } });
      case '/explain':
        return deny(review, undefined, {
          status: { code: 409, reason: 'Conflict', message: 'taken', details: { name: 'x', kind: 'y' } },
        });
      case '/mute':
        return deny(review, undefined, { status: { code: 200, status: 'Success' } });
      case '/boast':
        return deny(review, undefined, { status: { code: 99_999, message: 7, details: 'x' } });
      default:
        return allow(review);
    }
  });
});
afterAll(async () => {
  await server.close();
  await api.close();
});
afterEach(async () => {
  await api.request('DELETE', MUTATING);
  await api.request('DELETE', VALIDATING);
  await api.request('DELETE', MAPS);
});

const hook = (path: string, more: object = {}): object => ({
  name: `${path.replaceAll('/', '')}.example.com`,
  clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  timeoutSeconds: 5,
  ...more,
});

async function register(collection: string, ...webhooks: object[]): Promise<void> {
  const answer = await api.request('POST', collection, { metadata: { name: 'hostile' }, webhooks });
  expect(answer.status, answer.text).toBe(201);
}

const create = (name: string, more: object = {}): Promise<Answer> =>
  api.request('POST', MAPS, { metadata: { name }, ...more });

test.each([
  ['/garbage', "failed to call webhook: couldn't get version/kind; json parse error: invalid character '\\x00'"],
  ['/huge', 'the answer is larger than 6291456 bytes'],
  ['/wrong-uid', 'received invalid webhook response: expected response.uid='],
  [
    '/wrong-kind',
    'received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v2, Kind=AdmissionReview',
  ],
  ['/silent', 'received invalid webhook response: webhook response was absent'],
  ['/untyped-patch', 'received invalid webhook response: webhook returned response.patch but not response.patchType'],
  ['/bad-base64', 'received invalid webhook response: response.patch is no base64'],
])('%s: an answer that is none fails the request, or is ignored where the configuration says so', async (path, why) => {
  await register(MUTATING, hook(path));
  const answer = await create('refused');
  expect(answer.json).toMatchObject({ kind: 'Status', code: 500, reason: 'InternalError' });
  expect(FAILED.exec(answer.json.message)?.groups?.['why']).toContain(why);
  await api.request('DELETE', MUTATING);
  await register(MUTATING, hook(path, { failurePolicy: 'Ignore' }));
  expect((await create('accepted')).status).toBe(201);
});

test('while webhooks hang, others are served, and the hung requests end', async () => {
  await register(VALIDATING, hook('/hang', { timeoutSeconds: 8 }));
  const hung = Array.from({ length: 100 }, (_, index) => create(`hung-${index}`));
  let isHanging = true;
  void Promise.race(hung).then(() => (isHanging = false));
  const others = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      api.request('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: `other-${index}` } }),
    ),
  );
  expect(others.every(({ status }) => status === 201)).toBe(true);
  expect(isHanging).toBe(true);
  for (const answer of await Promise.all(hung)) {
    expect(answer.status).toBe(500);
    expect(answer.json.message).toContain('context deadline exceeded');
  }
  expect((await api.request('GET', MAPS)).json.items).toEqual([]);
});

test('a patch that cannot be applied, or that makes another object, is refused', async () => {
  await register(MUTATING, hook('/patch'));
  const outcome = async (...given: object[]): Promise<{ code: number; message: string }> => {
    operations = given;
    const { json } = await create('mine');
    return { code: json.code, message: json.message };
  };
  expect(await outcome({ op: 'remove', path: '/data/none' })).toMatchObject({ code: 500 });
  expect(await outcome({ op: 'replace', path: '', value: [] })).toMatchObject({ code: 500 });
  expect(await outcome({ op: 'replace', path: '/kind', value: 'Secret' })).toMatchObject({ code: 500 });
  expect(await outcome({ op: 'replace', path: '/metadata', value: null })).toMatchObject({ code: 400 });
  expect(await outcome({ op: 'add', path: '/data', value: 'text' })).toMatchObject({ code: 500 });
  expect(await outcome({ op: 'add', path: '/metadata/namespace', value: 'kube-system' })).toEqual({
    code: 400,
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  });
  expect(await outcome({ op: 'add', path: '/metadata/labels', value: { 'bad key': 'x' } })).toMatchObject({
    code: 422,
    message: expect.stringContaining('metadata.labels: Invalid value: "bad key"'),
  });
  expect(await outcome({ op: 'add', path: '/metadata/name', value: 'UPPER' })).toMatchObject({ code: 422 });
  expect((await api.request('GET', MAPS)).json.items).toEqual([]);
});

test('a patch does not reach what the server owns', async () => {
  await register(MUTATING, hook('/patch'));
  operations = [
    { op: 'add', path: '/metadata/uid', value: 'mine' },
    { op: 'add', path: '/metadata/creationTimestamp', value: '2001-01-01T00:00:00Z' },
    { op: 'add', path: '/metadata/generation', value: 99 },
    { op: 'add', path: '/metadata/deletionTimestamp', value: '2001-01-01T00:00:00Z' },
    { op: 'add', path: '/metadata/resourceVersion', value: '1' },
    { op: 'add', path: '/unknown', value: 'field' },
    { op: 'add', path: '/data', value: { patched: 'yes' } },
  ];
  const { json, status } = await create('owned');
  expect(status).toBe(201);
  expect(json.data).toEqual({ patched: 'yes' });
  expect(json).not.toHaveProperty('unknown');
  expect(json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(json.metadata.creationTimestamp).not.toBe('2001-01-01T00:00:00Z');
  expect(json.metadata).not.toHaveProperty('deletionTimestamp');
  expect(json.metadata).not.toHaveProperty('generation');
  operations = [{ op: 'add', path: '/metadata/uid', value: 'mine' }];
  const uid = await api.request('PATCH', `${MAPS}/owned`, { data: { more: 'yes' } }, MERGE);
  expect(uid.json.message).toBe(
    'ConfigMap "owned" is invalid: metadata.uid: Invalid value: "mine": field is immutable',
  );
  operations = [{ op: 'add', path: '/metadata/name', value: 'other' }];
  const name = await api.request('PATCH', `${MAPS}/owned`, { data: { more: 'yes' } }, MERGE);
  expect(name.json.message).toContain('metadata.name: Invalid value: "other": field is immutable');
});

test('webhooks that answer each other with changes are each called twice at most', async () => {
  rounds = 0;
  const again = { reinvocationPolicy: 'IfNeeded' };
  await register(MUTATING, hook('/grow', again), hook('/grow', { ...again, name: 'second.example.com' }));
  const { json } = await create('grown');
  expect(json.data).toEqual({ round: '4' });
  expect(rounds).toBe(4);
});

test('a webhook is called again when a later one has changed what it saw, and only if it wants to', async () => {
  operations = [{ op: 'add', path: '/data', value: { changed: 'yes' } }];
  const before = server.received.length;
  await register(
    MUTATING,
    hook('/wants', { reinvocationPolicy: 'IfNeeded' }),
    hook('/does-not-want', { reinvocationPolicy: 'Never' }),
    hook('/patch'),
  );
  await create('again');
  const called = server.received.slice(before).map(({ path }) => path.split('?')[0]);
  expect(called).toEqual(['/wants', '/does-not-want', '/patch', '/wants']);
  expect(server.received.at(-1)?.review.request.object.data).toEqual({ changed: 'yes' });
});

test('warnings reach the client; what a webhook says with its refusal does too, within bounds', async () => {
  await register(VALIDATING, hook('/warn'));
  const warned = await create('warned');
  expect(warned.status).toBe(201);
  expect(warned.headers['warning']).toEqual(['299 - "mind the gap"']);
  await api.request('DELETE', VALIDATING);
  await register(VALIDATING, hook('/explain'));
  expect((await create('taken')).json).toMatchObject({
    code: 409,
    reason: 'Conflict',
    message: 'admission webhook "explain.example.com" denied the request: taken',
    details: { name: 'x', kind: 'y' },
  });
  for (const path of ['/mute', '/boast']) {
    await api.request('DELETE', VALIDATING);
    await register(VALIDATING, hook(path));
    const { json } = await create('refused');
    expect(json).toMatchObject({ status: 'Failure', code: 400 });
    expect(json.message).toMatch(/denied the request without explanation$/);
  }
});

test('the first refusal in order is the answer, whoever is faster', async () => {
  await register(VALIDATING, hook('/hang', { timeoutSeconds: 1 }), hook('/explain'));
  expect((await create('twice')).json.message).toContain('failed calling webhook "hang.example.com"');
});

test('a dry run does not call what would leave traces', async () => {
  await register(VALIDATING, hook('/fine', { sideEffects: 'NoneOnDryRun' }));
  expect((await api.request('POST', `${MAPS}?dryRun=All`, { metadata: { name: 'dry' } })).status).toBe(201);
  expect(server.received.at(-1)?.review.request.dryRun).toBe(true);
});

test('webhooks of the older review version are understood', async () => {
  operations = [{ op: 'add', path: '/data', value: { old: 'yes' } }];
  await register(MUTATING, hook('/patch', { admissionReviewVersions: ['v1beta1', 'v1'] }));
  expect((await create('old')).json.data).toEqual({ old: 'yes' });
  expect(server.received.at(-1)?.review.apiVersion).toBe('admission.k8s.io/v1beta1');
});
