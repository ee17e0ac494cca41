import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allow, deny, patch, startWebhookServer, type WebhookServer } from '../support/webhook-server.js';
import { startApi, type Answer, type TestApi } from './support/api.js';
import { MERGE } from './support/lifecycle.js';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const MUTATING = `${ADMISSION}/mutatingwebhookconfigurations`;
const VALIDATING = `${ADMISSION}/validatingwebhookconfigurations`;
const MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };

let api: TestApi;
let server: WebhookServer;

beforeAll(async () => {
  api = await startApi();
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  server = await startWebhookServer((review, path) => {
    const { object } = review.request;
    switch (path.split('?')[0]) {
      case '/always-deny':
        return deny(review, 'this webhook denies all requests');
      case '/configmaps':
        return object?.data?.['webhook-e2e-test'] === 'webhook-disallow'
          ? deny(review, 'the configmap contains unwanted key and value')
          : allow(review);
      case '/pods': {
        const { containers } = object.spec as { containers: { name: string; image: string }[] };
        if (containers.some(({ image }) => image.includes('webhook-disallow-image'))) {
          return deny(review, 'the pod response includes an unwanted container');
        }
        return allow(review);
      }
      case '/hang':
        return () => undefined;
      case '/slow':
        return (response) => {
          setTimeout(() => {
            response.end(JSON.stringify(allow(review)));
          }, 1_500).unref();
        };
      case '/first':
        return object?.data?.['mutation-start'] === 'yes'
          ? patch(review, [{ op: 'add', path: '/data/mutation-stage-1', value: 'yes' }])
          : allow(review);
      case '/second':
        return object?.data?.['mutation-stage-1'] === 'yes'
          ? patch(review, [{ op: 'add', path: '/data/mutation-stage-2', value: 'yes' }])
          : allow(review);
      case '/init-container':
        return patch(review, [
          {
            op: 'add',
            path: '/spec/initContainers',
            value: [{ name: 'webhook-added-init-container', image: 'webhook-added-image' }],
          },
        ]);
      case '/label':
        return patch(review, [{ op: 'add', path: '/metadata/labels', value: { 'added-label': 'yes' } }]);
      default:
        return allow(review);
    }
  });
});
afterAll(async () => {
  await server.close();
  expect(api.errors).toEqual([]);
  await api.close();
});
afterEach(async () => {
  await api.request('DELETE', MUTATING);
  await api.request('DELETE', VALIDATING);
  await api.request('DELETE', MAPS);
});

const CONFIG_MAPS_RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] };

const hook = (path: string, more: object = {}): object => ({
  name: `${path.replaceAll('/', '')}.k8s.io`,
  clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
  rules: [CONFIG_MAPS_RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  timeoutSeconds: 10,
  ...more,
});

async function register(collection: string, name: string, ...webhooks: object[]): Promise<Answer> {
  const answer = await api.request('POST', collection, { metadata: { name, labels: { e2e: name } }, webhooks });
  expect(answer.status, answer.text).toBe(201);
  return answer;
}

const map = (name: string, data: object = {}): object => ({ metadata: { name }, data });
const pod = (name: string, image = 'image'): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'main', image }] },
});

test('row 3: Admission webhook, list mutating webhooks', async () => {
  for (const name of ['one', 'two']) {
    const webhook = hook('/first');
    await api.request('POST', MUTATING, { metadata: { name, labels: { e2e: 'list' } }, webhooks: [webhook] });
  }
  const list = (await api.request('GET', `${MUTATING}?labelSelector=e2e%3Dlist`)).json;
  expect(list.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['one', 'two']);
  const changed = (await api.request('POST', MAPS, map('changed', { 'mutation-start': 'yes' }))).json;
  expect(changed.data).toEqual({ 'mutation-start': 'yes', 'mutation-stage-1': 'yes' });
  expect((await api.request('DELETE', `${MUTATING}?labelSelector=e2e%3Dlist`)).status).toBe(200);
  const unchanged = (await api.request('POST', MAPS, map('unchanged', { 'mutation-start': 'yes' }))).json;
  expect(unchanged.data).toEqual({ 'mutation-start': 'yes' });
});

test('row 4: Admission webhook, list validating webhooks', async () => {
  await register(VALIDATING, 'list', hook('/configmaps'));
  expect((await api.request('GET', `${VALIDATING}?labelSelector=e2e%3Dlist`)).json.items).toHaveLength(1);
  const bad = map('bad', { 'webhook-e2e-test': 'webhook-disallow' });
  const refused = await api.request('POST', MAPS, bad);
  expect(refused.status).toBe(400);
  expect(refused.json).toMatchObject({
    kind: 'Status',
    status: 'Failure',
    message: 'admission webhook "configmaps.k8s.io" denied the request: the configmap contains unwanted key and value',
    code: 400,
  });
  await api.request('DELETE', `${VALIDATING}?labelSelector=e2e%3Dlist`);
  expect((await api.request('POST', MAPS, bad)).status).toBe(201);
});

test('row 5: Admission webhook, update mutating webhook', async () => {
  const { json } = await register(MUTATING, 'updated', hook('/first'));
  const create = async (name: string): Promise<object> =>
    (await api.request('POST', MAPS, map(name, { 'mutation-start': 'yes' }))).json.data;
  const isMutated = { 'mutation-stage-1': 'yes' };
  json.webhooks[0].rules[0].operations = ['UPDATE'];
  expect((await api.request('PUT', `${MUTATING}/updated`, json)).status).toBe(200);
  expect(await create('one')).not.toMatchObject(isMutated);
  const operations = [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }];
  expect((await api.request('PATCH', `${MUTATING}/updated`, operations, JSON_PATCH)).status).toBe(200);
  expect(await create('two')).toMatchObject(isMutated);
});

test('row 6: Admission webhook, update validating webhook', async () => {
  const { json } = await register(VALIDATING, 'updated', hook('/always-deny'));
  expect((await api.request('POST', MAPS, map('one'))).status).toBe(400);
  json.webhooks[0].rules[0].operations = ['UPDATE'];
  await api.request('PUT', `${VALIDATING}/updated`, json);
  expect((await api.request('POST', MAPS, map('two'))).status).toBe(201);
  const operations = [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }];
  await api.request('PATCH', `${VALIDATING}/updated`, operations, JSON_PATCH);
  expect((await api.request('POST', MAPS, map('three'))).status).toBe(400);
});

test.each([
  [
    'row 7: Mutating Admission webhook, create and update mutating webhook configuration with matchConditions',
    MUTATING,
  ],
  [
    'row 8: Validating Admission webhook, create and update validating webhook configuration with matchConditions',
    VALIDATING,
  ],
])('%s', async (_title, collection) => {
  const matchConditions = [{ name: 'expression-1', expression: "object.metadata.namespace == 'production'" }];
  const { json } = await register(collection, 'conditional', hook('/always-deny', { matchConditions }));
  expect(json.webhooks[0].matchConditions).toEqual(matchConditions);
  expect((await api.request('POST', MAPS, map('elsewhere'))).status).toBe(201);
  const changed = [{ name: 'expression-2', expression: "object.metadata.namespace == 'default'" }];
  json.webhooks[0].matchConditions = changed;
  await api.request('PUT', `${collection}/conditional`, json);
  const read = await api.request('GET', `${collection}/conditional`);
  expect(read.json.webhooks[0].matchConditions).toEqual(changed);
  expect((await api.request('POST', MAPS, map('here'))).status).toBe(400);
});

test('row 19: Mutating Admission webhook, mutating webhook excluding object with specific name', async () => {
  const matchConditions = [{ name: 'skip-me', expression: "object.metadata.name != 'skip-me'" }];
  await register(MUTATING, 'excluding', hook('/first', { matchConditions }));
  const data = { 'mutation-start': 'yes' };
  expect((await api.request('POST', MAPS, map('skip-me', data))).json.data).toEqual(data);
  expect((await api.request('POST', MAPS, map('mutate-me', data))).json.data).toEqual({
    ...data,
    'mutation-stage-1': 'yes',
  });
});

test.each([
  ['row 22: Mutating Admission webhook, reject mutating webhook configurations with invalid matchConditions', MUTATING],
  [
    'row 23: Validating Admission webhook, reject validating webhook configurations with invalid matchConditions',
    VALIDATING,
  ],
])('%s', async (_title, collection) => {
  const matchConditions = [{ name: 'invalid', expression: '... [] bad expression' }];
  const webhooks = [hook('/nothing', { matchConditions })];
  const { json } = await api.request('POST', collection, { metadata: { name: 'invalid' }, webhooks });
  expect(json).toMatchObject({ code: 422, reason: 'Invalid' });
  expect(json.message).toContain(
    'webhooks[0].matchConditions[0].expression: Invalid value: "... [] bad expression": compilation failed: ERROR: <input>:1:',
  );
});

test('match conditions may ask the authorizer, and what fails in them is decided by the failure policy', async () => {
  const asking = [
    {
      name: 'not-for-breakers',
      expression: "!authorizer.group('').resource('configmaps').check('breakglass').allowed()",
    },
  ];
  await register(VALIDATING, 'asking', hook('/always-deny', { matchConditions: asking }));
  expect((await api.request('POST', MAPS, map('broken-glass'))).status).toBe(201);
  await api.request('DELETE', `${VALIDATING}/asking`);
  const failing = [{ name: 'failing', expression: "object.data.nothing == 'x'" }];
  await register(VALIDATING, 'failing', hook('/always-deny', { matchConditions: failing }));
  const refused = await api.request('POST', MAPS, map('failing'));
  expect(refused.json).toMatchObject({ code: 403, reason: 'Forbidden' });
  expect(refused.json.message).toBe(
    `configmaps "failing" is forbidden: expression 'object.data.nothing == 'x'' resulted in error: no such key: data`,
  );
  await api.request('DELETE', `${VALIDATING}/failing`);
  await register(VALIDATING, 'failing', hook('/always-deny', { matchConditions: failing, failurePolicy: 'Ignore' }));
  expect((await api.request('POST', MAPS, map('failing'))).status).toBe(201);
});

test('row 9: Admission webhook, deny attach', async () => {
  await api.request('POST', PODS, pod('to-be-attached'));
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CONNECT'], resources: ['pods/attach'] };
  await register(VALIDATING, 'attach', hook('/always-deny', { rules: [rule] }));
  const attached = `${PODS}/to-be-attached/attach?stdout=true&container=main`;
  const refused = await api.request('POST', attached);
  expect(refused.json).toMatchObject({
    code: 400,
    message: 'admission webhook "always-deny.k8s.io" denied the request: this webhook denies all requests',
  });
  expect(server.received.at(-1)?.review.request).toMatchObject({
    kind: { group: '', version: 'v1', kind: 'PodAttachOptions' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    subResource: 'attach',
    name: 'to-be-attached',
    namespace: 'default',
    operation: 'CONNECT',
    object: { kind: 'PodAttachOptions', apiVersion: 'v1', stdout: true, container: 'main' },
    oldObject: null,
    options: null,
  });
});

test('row 11: Admission webhook, deny create', async () => {
  const namespaceSelector = {
    matchExpressions: [{ key: 'skip-webhook-admission', operator: 'NotIn', values: ['yes'] }],
  };
  const pods = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
  const maps = { ...CONFIG_MAPS_RULE, operations: ['CREATE', 'UPDATE', 'DELETE'] };
  await register(
    VALIDATING,
    'deny',
    hook('/pods', { rules: [pods], namespaceSelector }),
    hook('/configmaps', { rules: [maps], namespaceSelector }),
  );
  expect((await api.request('POST', PODS, pod('disallowed', 'webhook-disallow-image'))).json.message).toContain(
    'the pod response includes an unwanted container',
  );
  const bad = { 'webhook-e2e-test': 'webhook-disallow' };
  expect((await api.request('POST', MAPS, map('bad', bad))).json.message).toContain('unwanted key and value');
  expect((await api.request('POST', MAPS, map('good', { fine: 'yes' }))).status).toBe(201);
  expect((await api.request('PUT', `${MAPS}/good`, map('good', bad))).json.message).toContain('unwanted key and value');
  expect((await api.request('PATCH', `${MAPS}/good`, { data: bad }, MERGE)).status).toBe(400);
  const exempt = { metadata: { name: 'exempt', labels: { 'skip-webhook-admission': 'yes' } } };
  await api.request('POST', '/api/v1/namespaces', exempt);
  expect((await api.request('POST', '/api/v1/namespaces/exempt/configmaps', map('bad', bad))).status).toBe(201);
  await api.request('DELETE', `${VALIDATING}/deny`);

  await register(VALIDATING, 'hang', hook('/hang', { rules: [pods], timeoutSeconds: 1 }));
  const hung = await api.request('POST', PODS, pod('hanging'));
  expect(hung.json).toMatchObject({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: failed calling webhook "hang.k8s.io": failed to call webhook: Post "${server.url}/hang?timeout=1s": context deadline exceeded`,
  });
});

test('row 12: Admission webhook, deny custom resource definition', async () => {
  const rule = {
    apiGroups: ['apiextensions.k8s.io'],
    apiVersions: ['*'],
    operations: ['CREATE'],
    resources: ['customresourcedefinitions'],
  };
  await register(VALIDATING, 'definitions', hook('/always-deny', { rules: [rule] }));
  const answer = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  });
  expect(answer.json.message).toBe(
    'admission webhook "always-deny.k8s.io" denied the request: this webhook denies all requests',
  );
});

test('row 13: Admission webhook, honor timeout', async () => {
  const slow = (more: object): object => hook('/slow', more);
  await register(VALIDATING, 'slow', slow({ timeoutSeconds: 1, failurePolicy: 'Fail' }));
  expect((await api.request('POST', MAPS, map('one'))).json.message).toMatch(
    /failed calling webhook "slow.k8s.io": failed to call webhook: Post ".*timeout=1s": context deadline exceeded/,
  );
  await api.request('DELETE', `${VALIDATING}/slow`);
  await register(VALIDATING, 'slow', slow({ timeoutSeconds: 1, failurePolicy: 'Ignore' }));
  expect((await api.request('POST', MAPS, map('two'))).status).toBe(201);
  await api.request('DELETE', `${VALIDATING}/slow`);
  await register(VALIDATING, 'slow', slow({ timeoutSeconds: 10, failurePolicy: 'Fail' }));
  expect((await api.request('POST', MAPS, map('three'))).status).toBe(201);
});

test('row 14: Admission webhook, discovery document', async () => {
  const { groups } = (await api.request('GET', '/apis')).json;
  expect(groups).toContainEqual(
    expect.objectContaining({
      name: 'admissionregistration.k8s.io',
      versions: expect.arrayContaining([{ groupVersion: 'admissionregistration.k8s.io/v1', version: 'v1' }]),
    }),
  );
  const { resources } = (await api.request('GET', ADMISSION)).json;
  const names = resources.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']));
});

test('row 15: Admission webhook, ordered mutation', async () => {
  await register(MUTATING, 'ordered', hook('/first'), hook('/second'));
  const { json } = await api.request('POST', MAPS, map('ordered', { 'mutation-start': 'yes' }));
  expect(json.data).toEqual({ 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' });
});

test('row 20: Admission webhook, mutation with defaulting', async () => {
  const pods = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
  await register(MUTATING, 'defaulting', hook('/init-container', { rules: [pods] }));
  const { json } = await api.request('POST', PODS, pod('defaulted'));
  expect(json.spec.initContainers).toMatchObject([
    {
      name: 'webhook-added-init-container',
      image: 'webhook-added-image',
      terminationMessagePolicy: 'File',
      terminationMessagePath: '/dev/termination-log',
      imagePullPolicy: 'Always',
    },
  ]);
});

test('row 21: Admission webhook, admission control not allowed on webhook configuration objects', async () => {
  const everything = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*', '*'] };
  const rule = { ...everything, resources: ['*/*'] };
  await register(VALIDATING, 'deny-all', hook('/always-deny', { rules: [rule] }));
  await register(MUTATING, 'label-all', hook('/label', { rules: [rule] }));
  for (const collection of [VALIDATING, MUTATING]) {
    const { json } = await register(collection, 'dummy', hook('/nothing'));
    expect(json.metadata.labels).toEqual({ e2e: 'dummy' });
    expect((await api.request('DELETE', `${collection}/dummy`)).status).toBe(200);
  }
  expect((await api.request('POST', MAPS, map('denied'))).status).toBe(400);
});

test('row 24: Admission webhook, fail closed', async () => {
  const closed = { ...hook('/nothing', { failurePolicy: 'Fail' }), clientConfig: { url: `${server.url}/nothing` } };
  await register(VALIDATING, 'fail-closed', closed);
  const { json } = await api.request('POST', MAPS, map('never'));
  expect(json).toMatchObject({ code: 500, reason: 'InternalError' });
  expect(json.message).toMatch(
    /failed calling webhook "nothing.k8s.io": failed to call webhook: .*x509: certificate signed by unknown authority/,
  );
  const inCluster = {
    ...closed,
    clientConfig: { service: { namespace: 'default', name: 'nobody' }, caBundle: server.caBundle },
  };
  await api.request('DELETE', `${VALIDATING}/fail-closed`);
  await register(VALIDATING, 'fail-closed', inCluster);
  expect((await api.request('POST', MAPS, map('never'))).json.message).toBe(
    'Internal error occurred: failed calling webhook "nothing.k8s.io": failed to call webhook: Post "https://nobody.default.svc:443/?timeout=10s": service "nobody" not found',
  );
});

describe('custom resources', () => {
  const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const ofVersion = (name: string, storage: boolean): object => ({
    name,
    served: true,
    storage,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          data: {
            type: 'object',
            properties: { 'mutation-start': { type: 'string' }, 'mutation-stage-1': { type: 'string' } },
          },
        },
      },
    },
  });
  const THINGS = '/apis/hooks.example.com/v1/namespaces/default/things';
  const things = { apiGroups: ['hooks.example.com'], apiVersions: ['*'], resources: ['things'] };
  const thing = (name: string, data: object = {}): object => ({
    apiVersion: 'hooks.example.com/v1',
    kind: 'Thing',
    metadata: { name },
    data,
  });

  beforeAll(async () => {
    const answer = await api.request('POST', DEFINITIONS, {
      metadata: { name: 'things.hooks.example.com' },
      spec: {
        group: 'hooks.example.com',
        scope: 'Namespaced',
        names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
        versions: [ofVersion('v1', true), ofVersion('v2', false)],
      },
    });
    expect(answer.status, answer.text).toBe(201);
    expect((await api.request('GET', THINGS)).status).toBe(200);
  });

  test('row 10: Admission webhook, deny custom resource create and delete', async () => {
    expect((await api.request('POST', THINGS, thing('kept'))).status).toBe(201);
    const rules = [{ ...things, operations: ['CREATE', 'UPDATE', 'DELETE'] }];
    await register(VALIDATING, 'things', hook('/always-deny', { rules }));
    const denied = 'denied the request: this webhook denies all requests';
    expect((await api.request('POST', THINGS, thing('new'))).json.message).toContain(denied);
    const changed = await api.request('PATCH', `${THINGS}/kept`, { data: { 'mutation-start': 'x' } }, MERGE);
    expect(changed.json.message).toContain(denied);
    expect((await api.request('DELETE', `${THINGS}/kept`)).json.message).toContain(denied);
    await api.request('DELETE', VALIDATING);
    expect((await api.request('DELETE', `${THINGS}/kept`)).status).toBe(200);
  });

  test('row 16, 18: Admission webhook, mutate custom resource, also with pruning', async () => {
    const rules = [{ ...things, operations: ['CREATE'] }];
    await register(MUTATING, 'things', hook('/first', { rules }), hook('/second', { rules }));
    const { json } = await api.request('POST', THINGS, thing('mutated', { 'mutation-start': 'yes' }));
    expect(json.data).toEqual({ 'mutation-start': 'yes', 'mutation-stage-1': 'yes' });
  });

  test('row 17: Admission webhook, mutate custom resource with different stored version', async () => {
    expect((await api.request('POST', THINGS, thing('moved', { 'mutation-start': 'no' }))).status).toBe(201);
    const rules = [{ ...things, apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] }];
    await register(MUTATING, 'things', hook('/first', { rules }));
    const versions = [ofVersion('v1', false), ofVersion('v2', true)];
    const definition = `${DEFINITIONS}/things.hooks.example.com`;
    expect((await api.request('PATCH', definition, { spec: { versions } }, MERGE)).status).toBe(200);
    const v2 = THINGS.replace('/v1/', '/v2/');
    const patched = await api.request('PATCH', `${v2}/moved`, { data: { 'mutation-start': 'yes' } }, MERGE);
    expect(patched.status, patched.text).toBe(200);
    expect(patched.json).toMatchObject({
      apiVersion: 'hooks.example.com/v2',
      data: { 'mutation-start': 'yes', 'mutation-stage-1': 'yes' },
    });
    expect(server.received.at(-1)?.review.request).toMatchObject({
      resource: { version: 'v1' },
      requestResource: { version: 'v2' },
      object: { apiVersion: 'hooks.example.com/v1' },
    });
  });
});

describe('what a webhook is sent', () => {
  test('of a create, an update and a delete', async () => {
    const rule = { ...CONFIG_MAPS_RULE, operations: ['*'] };
    await register(VALIDATING, 'look', hook('/look', { rules: [rule] }));
    const sent = (): object => server.received.at(-1)?.review ?? {};
    const common = {
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'seen',
      namespace: 'default',
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      dryRun: false,
    };
    await api.request('POST', `${MAPS}?fieldManager=me`, map('seen', { a: 'b' }));
    expect(sent()).toMatchObject({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        ...common,
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        operation: 'CREATE',
        object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'seen' }, data: { a: 'b' } },
        oldObject: null,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
      },
    });
    await api.request('PATCH', `${MAPS}/seen?dryRun=All`, { data: { a: 'c' } }, MERGE);
    expect(sent()).toMatchObject({
      request: {
        ...common,
        operation: 'UPDATE',
        dryRun: true,
        object: { data: { a: 'c' } },
        oldObject: { data: { a: 'b' } },
        options: { kind: 'UpdateOptions', dryRun: ['All'] },
      },
    });
    await api.request('DELETE', `${MAPS}/seen`);
    expect(sent()).toMatchObject({
      request: {
        ...common,
        operation: 'DELETE',
        object: null,
        oldObject: { metadata: { name: 'seen' } },
        options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
      },
    });
  });

  test('of a generated name, which only those see who can no longer change it', async () => {
    await register(MUTATING, 'before', hook('/before'));
    await register(VALIDATING, 'after', hook('/after'));
    const { json } = await api.request('POST', MAPS, { metadata: { generateName: 'made-' } });
    const [before, after] = server.received.slice(-2).map(({ review }) => review.request);
    expect(before).not.toHaveProperty('name');
    expect(before.object.metadata).not.toHaveProperty('name');
    expect(before.object.metadata).not.toHaveProperty('uid');
    expect(after).toMatchObject({ name: json.metadata.name, object: { metadata: { uid: json.metadata.uid } } });
  });

  test('of a scale, and of another version than the one it asks for', async () => {
    const scaler = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
    const rule = {
      apiGroups: ['autoscaling'],
      apiVersions: ['v2'],
      operations: ['CREATE'],
      resources: ['horizontalpodautoscalers'],
    };
    const spec = {
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 50,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    };
    await register(VALIDATING, 'equivalent', hook('/equivalent', { rules: [rule] }));
    expect((await api.request('POST', scaler, { metadata: { name: 'one' }, spec })).status).toBe(201);
    expect(server.received.at(-1)).toMatchObject({
      path: '/equivalent?timeout=10s',
      review: {
        request: {
          kind: { group: 'autoscaling', version: 'v2' },
          resource: { version: 'v2' },
          requestKind: { group: 'autoscaling', version: 'v1' },
          requestResource: { version: 'v1' },
          object: { apiVersion: 'autoscaling/v2', spec: { metrics: [{ type: 'Resource' }] } },
        },
      },
    });
    await api.request('DELETE', `${VALIDATING}/equivalent`);
    const calls = server.received.length;
    await register(VALIDATING, 'exact', hook('/exact', { rules: [rule], matchPolicy: 'Exact' }));
    await api.request('POST', scaler, { metadata: { name: 'two' }, spec });
    expect(server.received).toHaveLength(calls);

    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const labels = { app: 'web' };
    await api.request('POST', deployments, {
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const scale = {
      apiGroups: ['apps'],
      apiVersions: ['v1'],
      operations: ['UPDATE'],
      resources: ['deployments/scale'],
    };
    await register(MUTATING, 'scale', hook('/scale', { rules: [scale] }));
    await api.request('PATCH', `${deployments}/web/scale`, { spec: { replicas: 4 } }, MERGE);
    expect(server.received.at(-1)?.review.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      subResource: 'scale',
      object: { kind: 'Scale', spec: { replicas: 4 } },
      oldObject: { kind: 'Scale', spec: { replicas: 1 } },
    });
  });
});
