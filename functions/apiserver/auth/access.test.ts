import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../lib/clock/fake.js';
import { seededRandom } from '../../../lib/random.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import { staticAdmission } from '../admission/index.js';
import { serviceAllocation } from '../allocation/index.js';
import { Catalog } from '../registry/catalog.js';
import { StoredObjects } from '../registry/objects.js';
import { testServer, type Answer } from '../registry/test-server.js';
import { kinds } from '../resources/index.js';
import { ChainAuthenticator, hashToken } from './authenticator.js';
import { FixedAuthorizer } from './authorizer.js';
import { NodeAuthorizer } from './node-authorizer.js';
import { StoreNodeReferences } from './node-references.js';
import { reviewHandlers, tokenRequestHandler } from './reviews.js';
import { ServiceAccountTokens } from './service-account-tokens.js';
import { generateSigningKey, SigningKeys } from './signing-keys.js';

const keys = new SigningKeys([generateSigningKey()]);
const ADMIN_TOKEN = 'admin-token';
const NODE_TOKEN = 'node-token';

type Ask = (
  method: string,
  path: string,
  body?: object,
  token?: string,
  headers?: Record<string, string>,
) => Promise<Answer>;

let ask: Ask;

beforeEach(async () => {
  const clock = new FakeClock();
  const random = seededRandom(5);
  const store = new MemoryStore({ clock });
  const objects = new StoredObjects(store, new Catalog(kinds));
  const tokens = new ServiceAccountTokens({ keys, issuer: 'https://cluster.local', clock, random, objects });
  const authenticator = new ChainAuthenticator({
    serviceAccountTokens: tokens,
    staticTokens: [
      { sha256: hashToken(ADMIN_TOKEN), user: { username: 'admin', groups: ['system:masters'] } },
      { sha256: hashToken(NODE_TOKEN), user: { username: 'system:node:n1', groups: ['system:nodes'] } },
    ],
  });
  const authorizer = new FixedAuthorizer(new NodeAuthorizer(objects, new StoreNodeReferences(store)));
  const { request } = testServer({
    store,
    clock,
    random,
    authenticator,
    authorizer,
    admission: staticAdmission(),
    reservations: serviceAllocation({ store, clock, random }).reservations,
    subresources: { 'serviceaccounts/token': tokenRequestHandler(tokens) },
    reviews: reviewHandlers(authenticator, authorizer),
  });
  ask = (method, path, body, token = ADMIN_TOKEN, headers = {}) =>
    request(method, path, body, { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers });
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
  await ask('POST', '/api/v1/namespaces/shop/serviceaccounts', { metadata: { name: 'default' } });
});

const tokenOf = async (spec: object = {}, token?: string): Promise<Answer> =>
  ask('POST', '/api/v1/namespaces/shop/serviceaccounts/default/token', { spec }, token);

const createPod = async (name: string, spec: object = {}): Promise<Answer> =>
  ask('POST', '/api/v1/namespaces/shop/pods', {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  });

describe('who may come in', () => {
  test('nobody without credentials, and nobody with wrong ones', async () => {
    for (const token of ['', 'wrong']) {
      const answer = await ask('GET', '/api/v1/namespaces/shop/pods', undefined, token);
      expect(answer.status).toBe(401);
      expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 });
    }
  });

  test('a refusal says who may not do what', async () => {
    const { json } = await tokenOf();
    const answer = await ask('GET', '/api/v1/namespaces/shop/pods', undefined, json.status.token);
    expect(answer.json).toMatchObject({
      code: 403,
      message:
        'pods is forbidden: User "system:serviceaccount:shop:default" cannot list resource "pods" in API group "" in the namespace "shop"',
      details: { kind: 'pods' },
    });
  });

  test('paths are no exception', async () => {
    const { json } = await tokenOf();
    const answer = await ask('GET', '/metrics', undefined, json.status.token);
    expect(answer.json).toMatchObject({
      code: 403,
      message: 'forbidden: User "system:serviceaccount:shop:default" cannot get path "/metrics"',
    });
    expect((await ask('GET', '/no/such/path')).status).toBe(404);
    expect((await ask('GET', '/apis', undefined, '')).status).toBe(401);
    expect((await ask('GET', '/healthz', undefined, '')).status).not.toBe(401);
  });

  test('an administrator may act as another', async () => {
    const as = { 'impersonate-user': 'jane', 'impersonate-group': 'dev' };
    const answer = await ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, ADMIN_TOKEN, as);
    expect(answer.status).toBe(201);
    expect(answer.json.status.userInfo).toEqual({ username: 'jane', groups: ['dev', 'system:authenticated'] });
  });
});

describe('tokens', () => {
  test('are issued on request, and reviewed', async () => {
    const answer = await tokenOf({ expirationSeconds: 601 });
    expect(answer.status).toBe(201);
    const { token, expirationTimestamp } = answer.json.status;
    expect(answer.json).toMatchObject({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: 'default', namespace: 'shop' },
      spec: { audiences: ['https://cluster.local'], expirationSeconds: 601 },
    });
    expect(Date.parse(expirationTimestamp) / 1000).toBe(decodeJwt(token).exp);
    const review = await ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } });
    expect(review.json.status).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:shop:default' },
      audiences: ['https://cluster.local'],
    });
    const wrong = await ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      spec: { token, audiences: ['vault'] },
    });
    expect(wrong.json.status).toMatchObject({
      authenticated: false,
      error:
        '[invalid bearer token, token audiences ["https://cluster.local"] is invalid for the target audiences ["vault"]]',
    });
  });

  test('are refused with the reason', async () => {
    expect((await tokenOf({ expirationSeconds: 599 })).json).toMatchObject({
      code: 422,
      message:
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    });
    expect((await tokenOf({ expirationSeconds: 2 ** 33 })).json.message).toContain('larger than 2^32 seconds');
    const missing = { apiVersion: 'v1', kind: 'Pod', name: 'no' };
    expect((await tokenOf({ boundObjectRef: missing })).json.message).toBe('pods "no" not found');
    const pod = await createPod('web');
    expect(pod.status).toBe(201);
    expect((await tokenOf({ boundObjectRef: { ...missing, name: 'web', uid: 'other' } })).json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on Pod "web": the UID in the bound object reference (other) does not match the UID in record. The object might have been deleted and then recreated',
    });
    expect(
      (await tokenOf({ boundObjectRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } })).json,
    ).toMatchObject({
      code: 400,
      message: 'cannot bind token to object of type apps/v1, Kind=Deployment',
    });
    const gone = await ask('POST', '/api/v1/namespaces/shop/serviceaccounts/x/token', { spec: {} });
    expect(gone.json.message).toBe('serviceaccounts "x" not found');
  });

  test('go to nodes for their own pods', async () => {
    const pod = await createPod('web', { nodeName: 'n1' });
    const other = await createPod('far', { nodeName: 'n2' });
    const reference = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: pod.json.metadata.uid };
    const answer = await tokenOf({ boundObjectRef: reference }, NODE_TOKEN);
    expect(answer.status).toBe(201);
    expect(decodeJwt(answer.json.status.token)['kubernetes.io']).toMatchObject({
      node: { name: 'n1' },
      pod: { name: 'web', uid: pod.json.metadata.uid },
    });
    expect((await tokenOf({}, NODE_TOKEN)).json.message).toContain('node requested token not bound to a pod');
    const far = { ...reference, name: 'far', uid: other.json.metadata.uid };
    expect((await tokenOf({ boundObjectRef: far }, NODE_TOKEN)).status).toBe(403);
  });
});

describe('questions about access', () => {
  const GROUP = '/apis/authorization.k8s.io/v1';
  const list = { namespace: 'shop', verb: 'list', resource: 'pods' };

  test('are answered as the request itself would be', async () => {
    const spec = { resourceAttributes: list };
    const own = await ask('POST', `${GROUP}/selfsubjectaccessreviews`, { spec });
    expect(own.status).toBe(201);
    expect(own.json.status).toEqual({ allowed: true });
    const user = 'system:serviceaccount:shop:default';
    const about = { ...spec, user, groups: ['system:serviceaccounts'] };
    expect((await ask('POST', `${GROUP}/subjectaccessreviews`, { spec: about })).json.status.allowed).toBe(false);
    const local = await ask('POST', `${GROUP}/namespaces/shop/localsubjectaccessreviews`, { spec: about });
    expect(local.json.status.allowed).toBe(false);
    const path = { user, groups: ['system:authenticated'], nonResourceAttributes: { verb: 'get', path: '/version' } };
    expect((await ask('POST', `${GROUP}/subjectaccessreviews`, { spec: path })).json.status).toEqual({
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:authenticated"',
    });
  });

  test('must be questions', async () => {
    const none = await ask('POST', `${GROUP}/selfsubjectaccessreviews`, { spec: {} });
    expect(none.json).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(none.json.message).toContain('exactly one of nonResourceAttributes or resourceAttributes must be specified');
    const elsewhere = { user: 'x', resourceAttributes: { ...list, namespace: 'other' } };
    const local = await ask('POST', `${GROUP}/namespaces/shop/localsubjectaccessreviews`, { spec: elsewhere });
    expect(local.json.message).toContain(
      'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
    );
  });

  test('list what a user may do', async () => {
    const { json } = await ask('POST', `${GROUP}/selfsubjectrulesreviews`, { spec: { namespace: 'shop' } });
    expect(json.status).toMatchObject({
      incomplete: false,
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    });
  });
});

describe('services over the API', () => {
  const create = (name: string, spec: object = {}): Promise<Answer> =>
    ask('POST', '/api/v1/namespaces/shop/services', { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

  test('get an address with their create, and lose it with their delete', async () => {
    const { status, json } = await create('web', { type: 'NodePort' });
    expect(status).toBe(201);
    const address = `/apis/networking.k8s.io/v1/ipaddresses/${json.spec.clusterIP}`;
    expect((await ask('GET', address)).json.spec.parentRef).toEqual({
      resource: 'services',
      namespace: 'shop',
      name: 'web',
    });
    const taken = await create('other', { clusterIP: json.spec.clusterIP });
    expect(taken.json).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(taken.json.message).toContain('provided IP is already allocated');
    const again = await ask('PUT', '/api/v1/namespaces/shop/services/web', {
      metadata: { name: 'web', labels: { a: 'b' } },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    });
    expect(again.json.spec).toMatchObject({ clusterIP: json.spec.clusterIP, ports: json.spec.ports });
    await ask('DELETE', '/api/v1/namespaces/shop/services/web');
    expect((await ask('GET', address)).status).toBe(404);
  });

  test('a dry run and a name that is taken reserve nothing', async () => {
    await create('web');
    expect((await create('web')).json).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    const dry = await ask('POST', '/api/v1/namespaces/shop/services?dryRun=All', {
      metadata: { name: 'dry' },
      spec: { ports: [{ port: 80 }] },
    });
    expect(dry.json.spec.clusterIP).toMatch(/^10\.96\./);
    expect((await ask('GET', '/apis/networking.k8s.io/v1/ipaddresses')).json.items).toHaveLength(1);
  });
});
