import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../../lib/clock/fake.js';
import { seededRandom } from '../../../lib/random.js';
import { StoreError } from '../../../lib/store/errors.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import type { Store } from '../../../lib/store/store.js';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { createApiServer, type ApiServer } from '../app.js';
import { ADMIN } from '../registry/test-server.js';
import { kinds } from '../resources/index.js';
import { QuotaCharges } from './quota-charges.js';

let clock: FakeClock;
let memory: MemoryStore;

/** One API server process over the shared store. */
function process(store: Store = memory): ApiServer {
  return createApiServer({
    store,
    clock,
    random: seededRandom(1),
    kinds,
    schemas: builtinSchemas(),
    authenticator: { authenticate: async () => ADMIN },
    authorizer: { authorize: async () => ({ allowed: true, reason: '' }) },
    charges: new QuotaCharges({ store, clock }),
  });
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
type Json = any;

async function ask(server: ApiServer, method: string, path: string, body?: object, type = 'application/json') {
  const headers = { 'content-type': type };
  const request = new Request(`http://api${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await server.fetch(request);
  return { status: response.status, json: (await response.json()) as Json };
}

const NAMESPACE = '/api/v1/namespaces/shop';
const MERGE = 'application/merge-patch+json';

async function quota(server: ApiServer, hard: Record<string, string>, spec: object = {}): Promise<void> {
  const metadata = { name: 'q', namespace: 'shop' };
  await ask(server, 'POST', `${NAMESPACE}/resourcequotas`, { metadata, spec: { hard, ...spec } });
  const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
  await ask(server, 'PATCH', `${NAMESPACE}/resourcequotas/q/status`, { status: { hard, used } }, MERGE);
}

async function used(server: ApiServer): Promise<Record<string, string>> {
  return (await ask(server, 'GET', `${NAMESPACE}/resourcequotas/q`)).json.status.used;
}

const map = (name: string): object => ({ metadata: { name, namespace: 'shop' } });
const pod = (name: string, spec: object = {}, resources: object = {}): object => ({
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
});

beforeEach(() => {
  clock = new FakeClock();
  memory = new MemoryStore({ clock });
});

test('50 parallel creates against a quota of 10 yield exactly 10, over three API servers', async () => {
  const servers = [process(), process(), process()];
  await quota(servers[0] as ApiServer, { configmaps: '10', 'count/configmaps': '40' });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      ask(servers[index % 3] as ApiServer, 'POST', `${NAMESPACE}/configmaps`, map(`m-${index}`)),
    ),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
  const refused = answers.find(({ status }) => status !== 201);
  expect(refused?.json).toMatchObject({ code: 403, reason: 'Forbidden' });
  expect(refused?.json.message).toMatch(
    /^configmaps "m-\d+" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=10, limited: configmaps=10$/,
  );
  expect(await used(servers[1] as ApiServer)).toEqual({ configmaps: '10', 'count/configmaps': '10' });
  const list = await ask(servers[2] as ApiServer, 'GET', `${NAMESPACE}/configmaps`);
  expect(list.json.items).toHaveLength(10);
});

test('creates and deletes at once never exceed the quota, and leave nothing charged', async () => {
  const servers = [process(), process()];
  await quota(servers[0] as ApiServer, { secrets: '5' });
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const server = servers[index % 2] as ApiServer;
      const path = `${NAMESPACE}/secrets`;
      const { status } = await ask(server, 'POST', path, map(`s-${index}`));
      const list = await ask(server, 'GET', path);
      expect(list.json.items.length).toBeLessThanOrEqual(5);
      if (status === 201) await ask(server, 'DELETE', `${path}/s-${index}`);
    }),
  );
  expect(await used(servers[0] as ApiServer)).toEqual({ secrets: '0' });
});

test('a write that fails after it was charged gives back; what may have been applied stays charged', async () => {
  let failure: StoreError | undefined;
  const store = new Proxy(memory, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'write') return typeof value === 'function' ? value.bind(target) : value;
      const write: Store['write'] = async (collection, operations) => {
        if (collection === 'core/configmaps' && failure !== undefined) throw failure;
        return target.write(collection, operations);
      };
      return write;
    },
  });
  const server = process(store);
  await quota(server, { configmaps: '2' });
  failure = new StoreError('unavailable', 'away');
  expect((await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('a'))).status).toBe(503);
  expect(await used(server)).toEqual({ configmaps: '0' });
  failure = new StoreError('unknown', 'no answer');
  expect((await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('a'))).status).toBe(504);
  expect(await used(server)).toEqual({ configmaps: '1' });
  failure = undefined;
  await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('b'));
  // A name that is taken costs nothing.
  expect((await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('b'))).status).toBe(403);
  await ask(server, 'DELETE', `${NAMESPACE}/configmaps/b`);
  await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('b'));
  expect(await used(server)).toEqual({ configmaps: '2' });
});

test('dry runs are judged and charge nothing', async () => {
  const server = process();
  await quota(server, { configmaps: '1' });
  expect((await ask(server, 'POST', `${NAMESPACE}/configmaps?dryRun=All`, map('a'))).status).toBe(201);
  expect(await used(server)).toEqual({ configmaps: '0' });
  await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('a'));
  expect((await ask(server, 'POST', `${NAMESPACE}/configmaps?dryRun=All`, map('b'))).status).toBe(403);
  await ask(server, 'DELETE', `${NAMESPACE}/configmaps/a?dryRun=All`);
  expect(await used(server)).toEqual({ configmaps: '1' });
});

test('a quota that was not counted yet lets nothing of its kind in', async () => {
  const server = process();
  await ask(server, 'POST', `${NAMESPACE}/resourcequotas`, {
    metadata: { name: 'q', namespace: 'shop' },
    spec: { hard: { configmaps: '1' } },
  });
  const patch = { status: { hard: { configmaps: '1' } } };
  await ask(server, 'PATCH', `${NAMESPACE}/resourcequotas/q/status`, patch, MERGE);
  expect((await ask(server, 'POST', `${NAMESPACE}/configmaps`, map('a'))).json.message).toBe(
    'configmaps "a" is forbidden: status unknown for quota: q, resources: configmaps',
  );
});

test('containers must state what is limited, in the words of Kubernetes', async () => {
  const server = process();
  await quota(server, { cpu: '2', 'limits.memory': '1Gi', pods: '5' });
  expect((await ask(server, 'POST', `${NAMESPACE}/pods`, pod('a'))).json.message).toBe(
    'pods "a" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c',
  );
  const resources = { requests: { cpu: '1500m' }, limits: { memory: '256Mi' } };
  expect((await ask(server, 'POST', `${NAMESPACE}/pods`, pod('a', {}, resources))).status).toBe(201);
  expect(await used(server)).toEqual({ cpu: '1500m', 'limits.memory': '256Mi', pods: '1' });
  expect((await ask(server, 'POST', `${NAMESPACE}/pods`, pod('b', {}, resources))).json.message).toBe(
    'pods "b" is forbidden: exceeded quota: q, requested: cpu=1500m, used: cpu=1500m, limited: cpu=2',
  );
});

test('pods that have ended give back all but their place; services by their ports; claims by their class and growth', async () => {
  const server = process();
  await quota(server, { pods: '3', 'count/pods': '3', 'requests.example.com/gpu': '4' });
  const gpu = { limits: { 'example.com/gpu': '2' }, requests: { 'example.com/gpu': '2' } };
  await ask(server, 'POST', `${NAMESPACE}/pods`, pod('a', {}, gpu));
  expect(await used(server)).toEqual({ 'count/pods': '1', pods: '1', 'requests.example.com/gpu': '2' });
  await ask(server, 'PATCH', `${NAMESPACE}/pods/a/status`, { status: { phase: 'Succeeded' } }, MERGE);
  expect(await used(server)).toEqual({ 'count/pods': '1', pods: '0', 'requests.example.com/gpu': '0' });
  await ask(server, 'DELETE', `${NAMESPACE}/pods/a?gracePeriodSeconds=0`);
  expect(await used(server)).toEqual({ 'count/pods': '0', pods: '0', 'requests.example.com/gpu': '0' });
  await ask(server, 'DELETE', `${NAMESPACE}/resourcequotas/q`);

  await quota(server, { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '1' });
  const service = (name: string, type: string): object => ({
    ...map(name),
    spec: { type, clusterIP: '10.0.0.9', ports: [{ port: 80 }] },
  });
  await ask(server, 'POST', `${NAMESPACE}/services`, service('a', 'ClusterIP'));
  await ask(server, 'PATCH', `${NAMESPACE}/services/a`, { spec: { type: 'NodePort' } }, MERGE);
  expect(await used(server)).toEqual({ services: '1', 'services.loadbalancers': '0', 'services.nodeports': '1' });
  expect((await ask(server, 'POST', `${NAMESPACE}/services`, service('b', 'LoadBalancer'))).json.message).toBe(
    'services "b" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
  );
  await ask(server, 'PATCH', `${NAMESPACE}/services/a`, { spec: { type: 'ClusterIP' } }, MERGE);
  expect(await used(server)).toMatchObject({ 'services.nodeports': '0' });
  await ask(server, 'DELETE', `${NAMESPACE}/resourcequotas/q`);

  await quota(server, { 'requests.storage': '10Gi', 'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1' });
  const claim = (name: string): object => ({
    ...map(name),
    spec: { storageClassName: 'fast', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '6Gi' } } },
  });
  await ask(server, 'POST', `${NAMESPACE}/persistentvolumeclaims`, claim('a'));
  expect(await used(server)).toEqual({
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'requests.storage': '6Gi',
  });
  expect((await ask(server, 'POST', `${NAMESPACE}/persistentvolumeclaims`, claim('b'))).json.message).toBe(
    'persistentvolumeclaims "b" is forbidden: exceeded quota: q, requested: fast.storageclass.storage.k8s.io/persistentvolumeclaims=1,requests.storage=6Gi, used: fast.storageclass.storage.k8s.io/persistentvolumeclaims=1,requests.storage=6Gi, limited: fast.storageclass.storage.k8s.io/persistentvolumeclaims=1,requests.storage=10Gi',
  );
});

test.each([
  ['Terminating', { activeDeadlineSeconds: 10 }, {}],
  ['NotTerminating', {}, { activeDeadlineSeconds: 10 }],
  ['PriorityClass', { priorityClassName: 'high' }, {}],
  [
    'CrossNamespacePodAffinity',
    {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', namespaces: ['other'] }],
        },
      },
    },
    {},
  ],
])('scope %s: a pod is charged only where it fits', async (scope, fits, other) => {
  const server = process();
  await quota(server, { pods: '5' }, { scopes: [scope] });
  await ask(server, 'POST', `${NAMESPACE}/pods`, pod('other', other));
  expect(await used(server)).toEqual({ pods: '0' });
  await ask(server, 'POST', `${NAMESPACE}/pods`, pod('fits', fits));
  expect(await used(server)).toEqual({ pods: '1' });
});

test('a pod that gets a deadline moves from one quota to the other', async () => {
  const server = process();
  await quota(server, { pods: '1' }, { scopes: ['Terminating'] });
  await ask(server, 'POST', `${NAMESPACE}/pods`, pod('a'));
  await ask(server, 'PATCH', `${NAMESPACE}/pods/a`, { spec: { activeDeadlineSeconds: 5 } }, MERGE);
  expect(await used(server)).toEqual({ pods: '1' });
  await ask(server, 'POST', `${NAMESPACE}/pods`, pod('b'));
  const refused = await ask(server, 'PATCH', `${NAMESPACE}/pods/b`, { spec: { activeDeadlineSeconds: 5 } }, MERGE);
  expect(refused.json.message).toBe(
    'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  );
});
