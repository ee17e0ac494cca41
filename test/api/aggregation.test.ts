import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterPki } from '../../cli/cluster-pki.js';
import { MemorySecretFiles } from '../../cli/secret-files.js';
import { systemClock } from '../../lib/clock/system.js';
import { seededRandom } from '../../lib/random.js';
import { startWebhookServer, type WebhookReply, type WebhookServer } from '../support/webhook-server.js';
import { readWatch, serve, startApi, type TestApi } from './support/api.js';
import { RawConnection } from './support/raw-connection.js';

const API_SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const GROUP = 'wardle.example.com';
const NAME = `v1alpha1.${GROUP}`;
const FLUNDERS = `/apis/${GROUP}/v1alpha1/namespaces/default/flunders`;
const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };

/** An API server of somebody else, small but with all that the aggregator asks for. */
class SampleServer {
  readonly flunders = new Map<string, Record<string, unknown>>();
  readonly seen: { method: string; path: string; headers: IncomingMessage['headers']; certificate: string }[] = [];
  readonly #watchers = new Set<ServerResponse>();
  readonly upgrades: { url: string; headers: IncomingMessage['headers'] }[] = [];
  isBroken = false;
  mayCreate: (user: string) => Promise<boolean> = async () => true;

  async answer(body: object, path: string, request: IncomingMessage): Promise<WebhookReply> {
    const { method = 'GET', headers } = request;
    const socket = request.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } };
    this.seen.push({ method, path, headers, certificate: socket.getPeerCertificate().subject.CN });
    if (this.isBroken) return (response) => response.writeHead(500).end('broken');
    const [bare = '', query = ''] = path.split('?');
    if (bare === `/apis/${GROUP}/v1alpha1`) return DISCOVERY;
    if (bare === '/openapi/v2') return SWAGGER;
    if (bare === '/openapi/v3') {
      const name = `apis/${GROUP}/v1alpha1`;
      return { paths: { [name]: { serverRelativeURL: `/openapi/v3/${name}?hash=1` } } };
    }
    if (bare === `/openapi/v3/apis/${GROUP}/v1alpha1`)
      return { openapi: '3.0.0', info: { title: 'sample' }, paths: {} };
    if (bare === '/apis/metrics.k8s.io/v1beta1')
      return { kind: 'APIResourceList', groupVersion: 'metrics.k8s.io/v1beta1' };
    if (bare === '/apis/metrics.k8s.io/v1beta1/nodes') return { kind: 'NodeMetricsList', items: ['theirs'] };
    if (!bare.startsWith(FLUNDERS)) return (response) => response.writeHead(404).end();
    if (new URLSearchParams(query).get('watch') === 'true') {
      return (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        this.#watchers.add(response);
        response.once('close', () => this.#watchers.delete(response));
      };
    }
    const name = bare.slice(FLUNDERS.length + 1);
    if (method === 'GET' && name === '') {
      return { kind: 'FlunderList', apiVersion: `${GROUP}/v1alpha1`, metadata: {}, items: [...this.flunders.values()] };
    }
    if (method === 'POST') {
      if (!(await this.mayCreate(String(headers['x-remote-user'])))) return (response) => response.writeHead(403).end();
      const given = body as { metadata: { name: string } };
      this.flunders.set(given.metadata.name, given as unknown as Record<string, unknown>);
      for (const watcher of this.#watchers) watcher.write(`${JSON.stringify({ type: 'ADDED', object: given })}\n`);
      return (response) =>
        response
          .writeHead(201, { 'content-type': 'application/json', warning: '299 - "sample"' })
          .end(JSON.stringify(given));
    }
    const found = this.flunders.get(name);
    if (found === undefined) {
      return (response) =>
        response.writeHead(404, { 'content-type': 'application/json' }).end('{"kind":"Status","code":404}');
    }
    if (method === 'DELETE') this.flunders.delete(name);
    return found;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }
}

const DISCOVERY = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${GROUP}/v1alpha1`,
  resources: [
    {
      name: 'flunders',
      singularName: 'flunder',
      namespaced: true,
      kind: 'Flunder',
      verbs: ['create', 'get', 'list', 'watch'],
    },
    { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get', 'update'] },
  ],
};

const reference = (name: string): object => ({ $ref: `#/definitions/${name}` });
const FLUNDER = 'com.example.wardle.v1alpha1.Flunder';
const STATUS = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
const operation = (answer: string): object => ({
  get: {
    operationId: answer,
    parameters: [{ $ref: '#/parameters/pretty' }],
    responses: { 200: { description: 'OK', schema: reference(answer) } },
  },
});
const SWAGGER = {
  swagger: '2.0',
  info: { title: 'sample', version: 'v0' },
  paths: {
    [`/apis/${GROUP}/v1alpha1/flunders`]: operation(FLUNDER),
    [`/apis/${GROUP}/v1alpha1/status`]: operation(STATUS),
    '/apis/apps/v1/deployments': operation('not.Theirs'),
  },
  parameters: { pretty: { name: 'pretty', in: 'query', type: 'string', uniqueItems: true } },
  definitions: {
    [FLUNDER]: { type: 'object', properties: { spec: reference('com.example.Spec') } },
    [STATUS]: { type: 'object', description: 'another one' },
    'com.example.Spec': { type: 'object' },
    'not.Theirs': { type: 'object' },
  },
};

const WARDLE = {
  group: GROUP,
  version: 'v1alpha1',
  groupPriorityMinimum: 2000,
  versionPriority: 200,
};

let api: TestApi;
let server: WebhookServer;
const sample = new SampleServer();

beforeAll(async () => {
  const pki = await ClusterPki.open(new MemorySecretFiles(), { clock: systemClock, random: seededRandom(3) });
  const frontProxy = await pki.frontProxy();
  api = await startApi({ frontProxy });
  server = await startWebhookServer((review, path, request) => sample.answer(review, path, request), {
    dnsNames: ['sample-api.default.svc'],
    clientCa: frontProxy.caCertificate,
    upgrade(request, socket) {
      sample.upgrades.push({ url: request.url ?? '', headers: request.headers });
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
      socket.pipe(socket);
    },
  });
});
afterAll(async () => {
  await server.close();
  expect(api.errors).toEqual([]);
  await api.close();
});

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

async function available(): Promise<Condition | undefined> {
  await api.controlPlane.api.checkExtensionServers();
  const { json } = await api.request('GET', `${API_SERVICES}/${NAME}`);
  return json.status.conditions?.find(({ type }: Condition) => type === 'Available');
}

test('every group version that is served has an APIService, which is available', async () => {
  const { items } = (await api.request('GET', API_SERVICES)).json;
  const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  const { groups } = (await api.request('GET', '/apis')).json as {
    groups: { name: string; versions: { version: string }[] }[];
  };
  const served = groups
    .filter(({ name }) => name !== 'apiregistration.k8s.io')
    .flatMap(({ name, versions }) => versions.map(({ version }) => `${version}.${name}`));
  expect(names.toSorted()).toEqual(['v1.', ...served].toSorted());
  for (const item of items) {
    expect(item.metadata.labels).toEqual({ 'kube-aggregator.kubernetes.io/automanaged': 'onstart' });
    expect(item.status.conditions).toMatchObject([
      { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' },
    ]);
  }
  const { data } = (
    await api.request('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  ).json;
  expect(data).toMatchObject({
    'client-ca-file': 'test certificate',
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-client-ca-file': expect.stringContaining('BEGIN CERTIFICATE'),
    'requestheader-username-headers': '["X-Remote-User"]',
  });
});

test('row 29: aggregator-supports-the-sample-apiserver', async () => {
  const spec = {
    group: GROUP,
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    caBundle: server.caBundle,
    service: { namespace: 'default', name: 'sample-api', port: server.port },
  };
  expect((await api.request('POST', API_SERVICES, { metadata: { name: NAME }, spec })).status).toBe(201);
  expect(await available()).toMatchObject({
    status: 'False',
    reason: 'ServiceNotFound',
    message: 'service/sample-api in "default" is not present',
  });
  expect((await api.request('GET', FLUNDERS)).json).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
  const service = { type: 'ExternalName', externalName: 'localhost' };
  await api.request('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'sample-api' }, spec: service });
  sample.isBroken = true;
  expect(await available()).toMatchObject({
    status: 'False',
    reason: 'FailedDiscoveryCheck',
    message: expect.stringContaining(
      `bad status from https://sample-api.default.svc:${server.port}/apis/${GROUP}/v1alpha1: 500`,
    ),
  });
  sample.isBroken = false;
  expect(await available()).toMatchObject({ status: 'True', reason: 'Passed', message: 'all checks passed' });

  const { groups } = (await api.request('GET', '/apis')).json;
  expect(groups).toContainEqual({
    name: GROUP,
    versions: [{ groupVersion: `${GROUP}/v1alpha1`, version: 'v1alpha1' }],
    preferredVersion: { groupVersion: `${GROUP}/v1alpha1`, version: 'v1alpha1' },
  });
  expect((await api.request('GET', `/apis/${GROUP}`)).json).toMatchObject({ kind: 'APIGroup', name: GROUP });
  expect((await api.request('GET', `/apis/${GROUP}/v1alpha1`)).json).toEqual(DISCOVERY);
  const { items } = (await api.request('GET', '/apis', undefined, AGGREGATED)).json;
  expect(items.at(-1)).toMatchObject({
    metadata: { name: GROUP },
    versions: [
      {
        version: 'v1alpha1',
        freshness: 'Current',
        resources: [
          {
            resource: 'flunders',
            responseKind: { group: GROUP, version: 'v1alpha1', kind: 'Flunder' },
            scope: 'Namespaced',
            subresources: [{ subresource: 'status' }],
          },
        ],
      },
    ],
  });
  const { paths } = (await api.request('GET', '/openapi/v3')).json;
  expect(paths[`apis/${GROUP}/v1alpha1`]).toEqual({ serverRelativeURL: `/openapi/v3/apis/${GROUP}/v1alpha1?hash=1` });
  expect((await api.request('GET', `/openapi/v3/apis/${GROUP}/v1alpha1`)).json).toMatchObject({ openapi: '3.0.0' });

  // Delegated: the extension server asks back what the user may do.
  sample.mayCreate = async (user) => {
    const review = await api.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      spec: {
        user,
        groups: ['system:masters'],
        resourceAttributes: { group: GROUP, resource: 'flunders', verb: 'create' },
      },
    });
    return review.json.status.allowed === true;
  };
  const claims = { authorization: 'Bearer secret', 'x-remote-user': 'somebody', 'impersonate-extra-x': 'y' };
  const response = await api.handle({ method: 'GET', path: `${FLUNDERS}?watch=true`, headers: claims });
  const watch = readWatch(response, () => undefined);
  const flunder = { kind: 'Flunder', apiVersion: `${GROUP}/v1alpha1`, metadata: { name: 'one' } };
  const created = await api.request('POST', FLUNDERS, flunder, claims);
  expect(created.status).toBe(201);
  expect(created.json).toEqual(flunder);
  expect(await watch.next()).toEqual({ type: 'ADDED', object: flunder });
  const asked = sample.seen.at(-1);
  expect(asked).toMatchObject({ method: 'POST', certificate: 'front-proxy-client' });
  expect(asked?.headers).toMatchObject({
    'x-remote-user': 'admin',
    'x-remote-group': 'system:masters, system:authenticated',
  });
  expect(asked?.headers).not.toHaveProperty('authorization');
  expect(asked?.headers).not.toHaveProperty('impersonate-extra-x');
  expect((await api.request('GET', FLUNDERS)).json.items).toEqual([flunder]);
  expect((await api.request('GET', `${FLUNDERS}/none`)).status).toBe(404);
  expect((await api.request('DELETE', `${FLUNDERS}/one`)).status).toBe(200);

  await api.request('DELETE', `${API_SERVICES}/${NAME}`);
  expect((await api.request('GET', FLUNDERS)).status).toBe(404);
  expect((await api.request('GET', `/apis/${GROUP}`)).status).toBe(404);
});

test('an extension server that cannot prove who it is is not asked, unless it need not', async () => {
  const spec = {
    group: GROUP,
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    service: { namespace: 'default', name: 'sample-api', port: server.port },
  };
  await api.request('POST', API_SERVICES, { metadata: { name: NAME }, spec });
  expect(await available()).toMatchObject({
    reason: 'FailedDiscoveryCheck',
    message: expect.stringContaining('x509: certificate signed by unknown authority'),
  });
  const { json } = await api.request('GET', `${API_SERVICES}/${NAME}`);
  json.spec.insecureSkipTLSVerify = true;
  await api.request('PUT', `${API_SERVICES}/${NAME}`, json);
  expect(await available()).toMatchObject({ status: 'True' });
  await api.request('DELETE', `${API_SERVICES}/${NAME}`);
});

test('a metrics-server of somebody takes the place of our own resource metrics', async () => {
  const path = `${API_SERVICES}/v1beta1.metrics.k8s.io`;
  const { json } = await api.request('GET', path);
  expect(json.spec).toMatchObject({ groupPriorityMinimum: 100, versionPriority: 100 });
  json.spec.service = { namespace: 'default', name: 'sample-api', port: server.port };
  json.spec.caBundle = server.caBundle;
  expect((await api.request('PUT', path, json)).status).toBe(200);
  await api.controlPlane.api.checkExtensionServers();
  const answer = await api.request('GET', '/apis/metrics.k8s.io/v1beta1/nodes');
  expect(answer.json).toEqual({ kind: 'NodeMetricsList', items: ['theirs'] });
  const { groups } = (await api.request('GET', '/apis')).json as { groups: { name: string }[] };
  expect(groups.filter(({ name }) => name === 'metrics.k8s.io')).toHaveLength(1);
  await api.request('DELETE', path);
  expect((await api.request('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).json.kind).not.toBe('NodeMetricsList');
});

test('a client that leaves a watch ends it at the extension server too', async () => {
  const spec = {
    group: GROUP,
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    caBundle: server.caBundle,
    service: { namespace: 'default', name: 'sample-api', port: server.port },
  };
  await api.request('POST', API_SERVICES, { metadata: { name: NAME }, spec });
  await available();
  const before = sample.watcherCount;
  const abort = new AbortController();
  const response = await api.handle({ method: 'GET', path: `${FLUNDERS}?watch=true`, signal: abort.signal });
  const watch = readWatch(response, () => abort.abort());
  const next = watch.next();
  await expect.poll(() => sample.watcherCount).toBe(before + 1);
  watch.stop();
  expect(await next).toBeUndefined();
  await expect.poll(() => sample.watcherCount).toBe(before);
  await api.request('DELETE', `${API_SERVICES}/${NAME}`);
});

test('what an extension server publishes of its own is in /openapi/v2, in both forms, and nothing else of it', async () => {
  const before = (await api.request('GET', '/openapi/v2')).json;
  const service = { namespace: 'default', name: 'sample-api', port: server.port };
  await api.request('POST', API_SERVICES, {
    metadata: { name: NAME },
    spec: { ...WARDLE, caBundle: server.caBundle, service },
  });
  await available();
  const { paths, definitions, ...rest } = (await api.request('GET', '/openapi/v2')).json;
  const { paths: ownPaths, definitions: ownDefinitions, ...ownRest } = before;
  expect(rest).toEqual(ownRest);
  expect(paths).toEqual({
    ...ownPaths,
    [`/apis/${GROUP}/v1alpha1/flunders`]: {
      get: {
        operationId: FLUNDER,
        parameters: [SWAGGER.parameters.pretty],
        responses: { 200: { description: 'OK', schema: reference(FLUNDER) } },
      },
    },
    [`/apis/${GROUP}/v1alpha1/status`]: {
      get: expect.objectContaining({ responses: { 200: { description: 'OK', schema: reference(`${STATUS}_v2`) } } }),
    },
  });
  expect(definitions).toEqual({
    ...ownDefinitions,
    [FLUNDER]: SWAGGER.definitions[FLUNDER],
    'com.example.Spec': { type: 'object' },
    [`${STATUS}_v2`]: SWAGGER.definitions[STATUS],
  });
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const protobuf = await api.request('GET', '/openapi/v2', undefined, { accept });
  expect(protobuf.text).toContain(FLUNDER);
  await api.request('DELETE', `${API_SERVICES}/${NAME}`);
  expect((await api.request('GET', '/openapi/v2')).json).toEqual(before);
});

test('upgrades are handed on to the extension server, with the identity of the user and nothing of the credentials', async () => {
  const service = { namespace: 'default', name: 'sample-api', port: server.port };
  await api.request('POST', API_SERVICES, {
    metadata: { name: NAME },
    spec: { ...WARDLE, caBundle: server.caBundle, service },
  });
  await available();
  const host = await serve(api);
  const exec = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\nx-remote-user: liar\r\nx-kept: yes\r\nauthorization: Bearer none\r\n\r\n`;
  const connection = await RawConnection.open(host);
  connection.send(exec(`${FLUNDERS}/one/exec?command=ls`));
  const head = await connection.answer();
  expect(head.status).toBe(101);
  expect(sample.upgrades.at(-1)).toMatchObject({
    url: `${FLUNDERS}/one/exec?command=ls`,
    headers: {
      'x-remote-user': 'kubernetes-admin',
      upgrade: 'echo',
      'x-kept': 'yes',
      host: `sample-api.default.svc:${server.port}`,
    },
  });
  expect(sample.upgrades.at(-1)?.headers).not.toHaveProperty('authorization');
  connection.destroy();
  const refused = await RawConnection.open(host);
  refused.send(exec('/apis/none.example.com/v1/namespaces/default/things/one/exec'));
  expect((await refused.answer()).status).toBe(404);
  refused.destroy();
  await host.close();
  await api.request('DELETE', `${API_SERVICES}/${NAME}`);
});
