import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHARGE_SETTLED_MS, LAST_CHARGE_ANNOTATION } from '../../lib/quota/last-charge.js';
import { KIND_SAMPLES } from '../../functions/apiserver/registry/kind-samples.js';
import { eventually } from '../support/eventually.js';
import { startApi, type TestApi } from './support/api.js';
import { MERGE } from './support/lifecycle.js';

let api: TestApi;
let namespace = '';
let count = 0;
let path = '';
beforeAll(async () => {
  api = await startApi({ controllers: ['resourcequota', 'replication'] });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.close();
});
beforeEach(async () => {
  namespace = `quota-${++count}`;
  path = `/api/v1/namespaces/${namespace}`;
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  await api.request('POST', `${path}/serviceaccounts`, { metadata: { name: 'default' } });
});

const HARD = {
  services: '10',
  'services.nodeports': '1',
  'services.loadbalancers': '1',
  pods: '5',
  'requests.cpu': '1',
  'requests.memory': '500Mi',
  'requests.ephemeral-storage': '50Gi',
  resourcequotas: '1',
  replicationcontrollers: '10',
  configmaps: '10',
  secrets: '10',
  'count/replicasets.apps': '5',
};

async function makeQuota(hard: object = HARD, spec: object = {}, name = 'test-quota'): Promise<void> {
  const { status } = await api.request('POST', `${path}/resourcequotas`, {
    metadata: { name },
    spec: { hard, ...spec },
  });
  expect(status).toBe(201);
  await eventually(async () => {
    const quota = (await api.request('GET', `${path}/resourcequotas/${name}`)).json;
    expect(Object.keys(quota.status.used ?? {}).toSorted()).toEqual(Object.keys(hard).toSorted());
  });
}

/** Until the quota shows these amounts of what is used. */
async function shows(used: Record<string, string>, name = 'test-quota'): Promise<void> {
  await eventually(async () => {
    expect((await api.request('GET', `${path}/resourcequotas/${name}`)).json.status.used).toMatchObject(used);
  });
}

async function make(plural: string, object: object, root = path): Promise<void> {
  const { status, text } = await api.request('POST', `${root}/${plural}`, object);
  expect(status, text).toBe(201);
}

const remove = (where: string, root = path) =>
  api.request('DELETE', `${root}/${where}`, { gracePeriodSeconds: 0, propagationPolicy: 'Background' });

const pod = (name: string, requests?: object, spec: object = {}): object => ({
  metadata: { name },
  spec: {
    containers: [
      {
        name: 'pause',
        image: 'pause',
        ...(requests === undefined ? {} : { resources: { requests, limits: requests } }),
      },
    ],
    ...spec,
  },
});

test('row 69: the status of a quota follows its spec, and writing the status never changes the spec', async () => {
  await makeQuota({ cpu: '500m', memory: '500Mi' });
  const quota = `${path}/resourcequotas/test-quota`;
  const patched = await api.request(
    'PATCH',
    `${quota}/status`,
    { status: { hard: { cpu: '2', memory: '2Gi', 'requests.storage': '1Gi' } }, spec: { hard: { cpu: '9' } } },
    MERGE,
  );
  expect(patched.json.status.hard).toMatchObject({ cpu: '2', 'requests.storage': '1Gi' });
  expect(patched.json.spec.hard).toEqual({ cpu: '500m', memory: '500Mi' });
  await eventually(async () => {
    const { spec, status } = (await api.request('GET', quota)).json;
    expect(status).toEqual({ hard: { cpu: '500m', memory: '500Mi' }, used: { cpu: '0', memory: '0' } });
    expect(spec.hard).toEqual({ cpu: '500m', memory: '500Mi' });
  });
  const read = (await api.request('GET', `${quota}/status`)).json;
  const updated = await api.request('PUT', `${quota}/status`, {
    ...read,
    status: { ...read.status, hard: { cpu: '1' } },
  });
  expect(updated.json.status.hard).toEqual({ cpu: '1' });
  expect(updated.json.spec.hard).toEqual({ cpu: '500m', memory: '500Mi' });
});

test('row 70: the limits of a quota are updated, and it is gone after its delete', async () => {
  await makeQuota({ cpu: '1', memory: '500Mi' });
  const quota = `${path}/resourcequotas/test-quota`;
  const read = (await api.request('GET', quota)).json;
  await api.request('PUT', quota, { ...read, spec: { hard: { cpu: '2', memory: '1Gi' } } });
  await eventually(async () => {
    expect((await api.request('GET', quota)).json.status.hard).toEqual({ cpu: '2', memory: '1Gi' });
  });
  await remove('resourcequotas/test-quota');
  expect((await api.request('GET', quota)).status).toBe(404);
});

test.each([
  ['71', 'configmaps', 'configmaps', '/configmaps'],
  ['73', 'count/replicasets.apps', 'replicasets', 'apps/replicasets'],
  ['74', 'replicationcontrollers', 'replicationcontrollers', '/replicationcontrollers'],
  ['75', 'secrets', 'secrets', '/secrets'],
] as const)('row %s: the quota counts %s as they come and go', async (_row, resource, plural, sample) => {
  await make('configmaps', { metadata: { name: 'there-already' } });
  await makeQuota();
  const before = (await api.request('GET', `${path}/resourcequotas/test-quota`)).json.status.used[resource];
  expect(before).toBe(resource === 'configmaps' ? '1' : '0');
  const root = plural === 'replicasets' ? `/apis/apps/v1/namespaces/${namespace}` : path;
  await make(plural, { ...KIND_SAMPLES[sample], metadata: { name: 'counted' } }, root);
  await shows({ [resource]: String(Number(before) + 1) });
  await remove(`${plural}/counted`, root);
  await shows({ [resource]: before });
});

test('row 72: the quota counts what pods ask for, refuses pods above it and gives back what is deleted', async () => {
  await makeQuota();
  await make('pods', pod('a', { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi' }));
  const used = { pods: '1', 'requests.cpu': '500m', 'requests.memory': '252Mi', 'requests.ephemeral-storage': '30Gi' };
  await shows(used);
  const over = await api.request('POST', `${path}/pods`, pod('b', { cpu: '600m', memory: '100Mi' }));
  expect(over.json.message).toBe(
    'pods "b" is forbidden: exceeded quota: test-quota, requested: requests.cpu=600m, used: requests.cpu=500m, limited: requests.cpu=1',
  );
  const large = await api.request(
    'POST',
    `${path}/pods`,
    pod('c', { cpu: '100m', memory: '100Mi', 'ephemeral-storage': '30Gi' }),
  );
  expect(large.status).toBe(403);
  const change = {
    spec: { containers: [{ name: 'pause', image: 'pause', resources: { requests: { cpu: '100m' } } }] },
  };
  expect(
    (await api.request('PATCH', `${path}/pods/a`, change, { 'content-type': 'application/strategic-merge-patch+json' }))
      .status,
  ).toBe(422);
  await shows(used);
  await remove('pods/a');
  await shows({ pods: '0', 'requests.cpu': '0', 'requests.memory': '0', 'requests.ephemeral-storage': '0' });
});

test('row 76: the quota counts services, their node ports and load balancers', async () => {
  await makeQuota();
  const service = (name: string, type: string): object => ({
    metadata: { name },
    spec: { type, ports: [{ port: 80 }] },
  });
  await make('services', service('cluster', 'ClusterIP'));
  await make('services', service('node', 'NodePort'));
  await shows({ services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
  expect((await api.request('POST', `${path}/services`, service('balanced', 'LoadBalancer'))).status).toBe(403);
  await remove('services/node');
  await make('services', service('balanced', 'LoadBalancer'));
  await shows({ services: '2', 'services.nodeports': '1', 'services.loadbalancers': '1' });
  expect((await api.request('POST', `${path}/services`, service('node', 'NodePort'))).json.message).toContain(
    'exceeded quota: test-quota, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
  );
  await remove('services/balanced');
  await remove('services/cluster');
  await shows({ services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
});

test('row 77: a new quota soon shows what is limited and what is used', async () => {
  await makeQuota();
  const { status } = (await api.request('GET', `${path}/resourcequotas/test-quota`)).json;
  expect(status.hard).toEqual(HARD);
  expect(status.used).toMatchObject({ resourcequotas: '1', pods: '0', configmaps: '0' });
});

test('row 78: quotas are listed by label over all namespaces, patched and deleted as a collection', async () => {
  const labels = { 'e2e-test': namespace };
  await make('resourcequotas', { metadata: { name: 'life', labels }, spec: { hard: { cpu: '1', memory: '500Mi' } } });
  const all = `/api/v1/resourcequotas?labelSelector=e2e-test=${namespace}`;
  expect((await api.request('GET', all)).json.items).toHaveLength(1);
  const patch = { metadata: { labels: { patched: 'yes' } }, spec: { hard: { memory: '750Mi' } } };
  await api.request('PATCH', `${path}/resourcequotas/life`, patch, MERGE);
  const { metadata, spec } = (await api.request('GET', `${path}/resourcequotas/life`)).json;
  expect(metadata.labels.patched).toBe('yes');
  expect(spec.hard).toEqual({ cpu: '1', memory: '750Mi' });
  await api.request('DELETE', `${path}/resourcequotas?labelSelector=patched=yes`);
  expect((await api.request('GET', all)).json.items).toEqual([]);
});

test('row 79: a pod is charged to the quota of its quality of service alone', async () => {
  await makeQuota({ pods: '5' }, { scopes: ['BestEffort'] }, 'best');
  await makeQuota({ pods: '5' }, { scopes: ['NotBestEffort'] }, 'not-best');
  await make('pods', pod('best-effort'));
  await shows({ pods: '1' }, 'best');
  await shows({ pods: '0' }, 'not-best');
  await make('pods', pod('burstable', { cpu: '1' }));
  await shows({ pods: '1' }, 'best');
  await shows({ pods: '1' }, 'not-best');
  await remove('pods/best-effort');
  await remove('pods/burstable');
  await shows({ pods: '0' }, 'best');
  await shows({ pods: '0' }, 'not-best');
});

test('row 80: a pod with a deadline is charged to the terminating quota, others to the other', async () => {
  const hard = { pods: '5', 'requests.cpu': '1', 'limits.cpu': '2' };
  await makeQuota(hard, { scopes: ['Terminating'] }, 'ends');
  await makeQuota(hard, { scopes: ['NotTerminating'] }, 'stays');
  await make('pods', pod('stays', { cpu: '500m' }));
  await shows({ pods: '1', 'requests.cpu': '500m', 'limits.cpu': '500m' }, 'stays');
  await shows({ pods: '0' }, 'ends');
  await make('pods', pod('ends', { cpu: '250m' }, { activeDeadlineSeconds: 3600 }));
  await shows({ pods: '1', 'requests.cpu': '250m', 'limits.cpu': '250m' }, 'ends');
  await remove('pods/stays');
  await remove('pods/ends');
  await shows({ pods: '0', 'requests.cpu': '0' }, 'stays');
  await shows({ pods: '0', 'requests.cpu': '0' }, 'ends');
});

test('row 138: a replication controller that a quota stops says so until it fits', async () => {
  await makeQuota({ pods: '2' });
  const template = { metadata: { labels: { name: 'rc' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await make('replicationcontrollers', {
    metadata: { name: 'rc' },
    spec: { replicas: 3, selector: { name: 'rc' }, template },
  });
  const failure = async (): Promise<{ status?: string; reason?: string; message?: string } | undefined> => {
    const { status } = (await api.request('GET', `${path}/replicationcontrollers/rc`)).json;
    return status.conditions?.find(({ type }: { type: string }) => type === 'ReplicaFailure');
  };
  await eventually(async () => {
    const condition = await failure();
    expect(condition).toMatchObject({ status: 'True', reason: 'FailedCreate' });
    expect(condition?.message).toContain(
      'exceeded quota: test-quota, requested: pods=1, used: pods=2, limited: pods=2',
    );
  });
  await api.request('PATCH', `${path}/replicationcontrollers/rc`, { spec: { replicas: 2 } }, MERGE);
  await eventually(async () => expect(await failure()).toBeUndefined());
});

test('when a quota was charged only the server says; one that never was is counted at once', async () => {
  await makeQuota({ configmaps: '3' });
  await make('configmaps', { metadata: { name: 'a' } });
  const quota = `${path}/resourcequotas/test-quota`;
  const before = (await api.request('GET', quota)).json;
  // Clients cannot say when it was last charged.
  const annotated = await api.request(
    'PATCH',
    quota,
    { metadata: { annotations: { [LAST_CHARGE_ANNOTATION]: null } } },
    MERGE,
  );
  expect(annotated.json.metadata.annotations).toEqual(before.metadata.annotations);
  await api.request('PATCH', `${quota}/status`, { status: { used: { configmaps: '3' } } }, MERGE);
  expect((await api.request('POST', `${path}/configmaps`, { metadata: { name: 'b' } })).status).toBe(403);
  const at = Date.parse(before.metadata.annotations[LAST_CHARGE_ANNOTATION]);
  expect(Date.now() - at).toBeLessThan(CHARGE_SETTLED_MS);
  // Nobody has charged this one: what is counted stands at once.
  await makeQuota({ secrets: '3' }, {}, 'fresh');
  await api.request('PATCH', `${path}/resourcequotas/fresh/status`, { status: { used: { secrets: '2' } } }, MERGE);
  await shows({ secrets: '0' }, 'fresh');
});

test('objects that were there before the quota are counted, and more than it allows keeps others out', async () => {
  for (const name of ['a', 'b', 'c']) await make('configmaps', { metadata: { name } });
  await makeQuota({ configmaps: '2' });
  await shows({ configmaps: '3' });
  expect((await api.request('POST', `${path}/configmaps`, { metadata: { name: 'd' } })).status).toBe(403);
  await remove('configmaps/a');
  await remove('configmaps/b');
  await shows({ configmaps: '1' });
  await make('configmaps', { metadata: { name: 'd' } });
});
