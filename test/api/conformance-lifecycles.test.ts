import { afterAll, beforeAll, expect, test } from 'vitest';
import { KIND_SAMPLES } from '../../functions/apiserver/registry/kind-samples.js';
import { startApi, type TestApi } from './support/api.js';
import { checkLifecycle, MERGE } from './support/lifecycle.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.close();
});

const NEW_EVENT = {
  eventTime: '2026-01-02T03:04:05.000006Z',
  reportingController: 'example.com/test',
  reportingInstance: 'test-1',
  action: 'Do',
  reason: 'Test',
  type: 'Normal',
  regarding: { kind: 'Pod', name: 'x', namespace: 'default' },
};
const condition = (type: string) => ({ conditions: [{ type, status: 'True', reason: 'Test', message: 'm' }] });
const timed = (type: string) => ({
  conditions: [{ ...condition(type).conditions[0], lastTransitionTime: '2026-01-02T03:04:05Z' }],
});
const flow = '/apis/flowcontrol.apiserver.k8s.io/v1';
const storage = '/apis/storage.k8s.io/v1';

interface Row {
  rows: string;
  root: string;
  plural: string;
  cluster?: true;
  object?: object;
  patch?: object;
  status?: object;
}

const ROWS: Row[] = [
  {
    rows: '1',
    root: flow,
    plural: 'flowschemas',
    cluster: true,
    patch: { spec: { matchingPrecedence: 9999 } },
    status: condition('Test'),
  },
  {
    rows: '2',
    root: flow,
    plural: 'prioritylevelconfigurations',
    cluster: true,
    patch: { spec: { limited: { nominalConcurrencyShares: 4 } } },
    status: condition('Test'),
  },
  { rows: '94', root: '/apis/apps/v1', plural: 'controllerrevisions', patch: { revision: 3 } },
  {
    rows: '99',
    root: '/apis/batch/v1',
    plural: 'cronjobs',
    patch: { spec: { suspend: true } },
    status: { lastScheduleTime: '2026-01-02T03:04:05Z' },
  },
  {
    rows: '106',
    root: '/apis/apps/v1',
    plural: 'daemonsets',
    patch: { spec: { minReadySeconds: 3 } },
    status: condition('StatusUpdate'),
  },
  {
    rows: '113, 114',
    root: '/apis/apps/v1',
    plural: 'deployments',
    patch: { spec: { replicas: 2 } },
    status: condition('StatusUpdate'),
  },
  {
    rows: '115, 117, 119',
    root: '/apis/policy/v1',
    plural: 'poddisruptionbudgets',
    patch: { spec: { minAvailable: 3 } },
    status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
  },
  {
    rows: '123, 126',
    root: '/apis/batch/v1',
    plural: 'jobs',
    patch: { spec: { suspend: true } },
    status: condition('CustomConditionType'),
  },
  {
    rows: '128, 131, 133',
    root: '/apis/apps/v1',
    plural: 'replicasets',
    patch: { spec: { replicas: 3 } },
    status: { ...condition('StatusUpdate'), replicas: 0 },
  },
  {
    rows: '139',
    root: '/api/v1',
    plural: 'replicationcontrollers',
    patch: { spec: { replicas: 2 } },
    status: { ...condition('StatusUpdate'), replicas: 0 },
  },
  {
    rows: '144, 147',
    root: '/apis/apps/v1',
    plural: 'statefulsets',
    patch: { spec: { replicas: 2 } },
    status: { ...condition('StatusUpdate'), replicas: 0 },
  },
  {
    rows: '149',
    root: '/apis/certificates.k8s.io/v1',
    plural: 'certificatesigningrequests',
    cluster: true,
    status: { ...condition('Failed') },
  },
  { rows: '155', root: '/api/v1', plural: 'serviceaccounts', patch: { automountServiceAccountToken: false } },
  {
    rows: '175, 176',
    root: '/apis/events.k8s.io/v1',
    plural: 'events',
    object: NEW_EVENT,
    patch: { series: { count: 2, lastObservedTime: '2026-01-02T03:04:07.000000Z' } },
  },
  { rows: '177, 178', root: '/api/v1', plural: 'events', patch: { message: 'patched' } },
  {
    rows: '190',
    root: '/apis/discovery.k8s.io/v1',
    plural: 'endpointslices',
    patch: { endpoints: [{ addresses: ['10.1.2.4'] }] },
  },
  {
    rows: '193',
    root: '/apis/networking.k8s.io/v1',
    plural: 'ingresses',
    patch: { spec: { ingressClassName: 'x' } },
    status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
  },
  { rows: '194', root: '/apis/networking.k8s.io/v1', plural: 'ingressclasses', cluster: true },
  {
    rows: '210, 211',
    root: '/api/v1',
    plural: 'services',
    patch: { spec: { ports: [{ port: 81 }] } },
    status: timed('StatusUpdate'),
  },
  { rows: '219', root: '/api/v1', plural: 'endpoints', patch: { subsets: [{ addresses: [{ ip: '10.1.2.5' }] }] } },
  { rows: '223', root: '/api/v1', plural: 'configmaps', patch: { data: { a: '2', b: '3' } } },
  {
    rows: '309',
    root: '/api/v1',
    plural: 'limitranges',
    patch: { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } },
  },
  {
    rows: '315',
    root: '/apis/scheduling.k8s.io/v1',
    plural: 'priorityclasses',
    cluster: true,
    patch: { description: 'patched' },
  },
  { rows: '319', root: storage, plural: 'csidrivers', cluster: true },
  { rows: '321', root: storage, plural: 'csinodes', cluster: true },
  { rows: '322', root: storage, plural: 'csistoragecapacities', patch: { capacity: '2Gi' } },
  {
    rows: '362, 363 (volumes)',
    root: '/api/v1',
    plural: 'persistentvolumes',
    cluster: true,
    patch: { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
    status: { message: 'StatusUpdate', reason: 'E2E' },
  },
  { rows: '362, 363 (claims)', root: '/api/v1', plural: 'persistentvolumeclaims', status: timed('StatusUpdate') },
  { rows: '401', root: storage, plural: 'storageclasses', cluster: true, patch: { allowVolumeExpansion: true } },
  { rows: '407, 408', root: storage, plural: 'volumeattachments', cluster: true, status: { attached: true } },
];

test.each(ROWS.map((row) => [row.rows, row.plural, row] as const))(
  'row %s: %s live through every verb, watched',
  async (_rows, plural, row) => {
    const { root, cluster, object, patch, status } = row;
    const group = root.startsWith('/api/') ? '' : (root.split('/')[2] ?? '');
    await checkLifecycle(api, {
      root,
      plural,
      namespace: cluster === true ? '' : 'default',
      object: object ?? KIND_SAMPLES[`${group}/${plural}`] ?? {},
      label: `${plural}-${group.split('.')[0] || 'core'}`,
      ...(patch === undefined ? {} : { patch }),
      ...(status === undefined ? {} : { status }),
    });
  },
);

test.each([
  ['row 107', '/apis/apps/v1', 'deployments'],
  ['row 129', '/apis/apps/v1', 'replicasets'],
  ['row 135', '/api/v1', 'replicationcontrollers'],
  ['row 143', '/apis/apps/v1', 'statefulsets'],
])('%s: the scale of %s %s is read, updated and patched', async (_row, root, plural) => {
  const sample = KIND_SAMPLES[`${root === '/api/v1' ? '' : 'apps'}/${plural}`];
  const collection = `${root}/namespaces/default/${plural}`;
  await api.request('POST', collection, { ...sample, metadata: { name: 'scaled' } });
  const scale = (await api.request('GET', `${collection}/scaled/scale`)).json;
  expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=web' } });
  await api.request('PUT', `${collection}/scaled/scale`, { ...scale, spec: { replicas: 2 } });
  expect((await api.request('GET', `${collection}/scaled`)).json.spec.replicas).toBe(2);
  const patched = await api.request('PATCH', `${collection}/scaled/scale`, { spec: { replicas: 4 } }, MERGE);
  expect(patched.json).toMatchObject({ kind: 'Scale', spec: { replicas: 4 } });
  expect((await api.request('GET', `${collection}/scaled`)).json.spec.replicas).toBe(4);
});

test('row 309: limit ranges are deleted as a collection in one namespace only', async () => {
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'limited' } });
  const object = { ...KIND_SAMPLES['/limitranges'], metadata: { name: 'both', labels: { both: 'yes' } } };
  for (const namespace of ['default', 'limited']) {
    await api.request('POST', `/api/v1/namespaces/${namespace}/limitranges`, object);
  }
  const all = '/api/v1/limitranges?labelSelector=both%3Dyes';
  expect((await api.request('GET', all)).json.items).toHaveLength(2);
  await api.request('DELETE', '/api/v1/namespaces/default/limitranges?labelSelector=both%3Dyes');
  const left = (await api.request('GET', all)).json.items;
  expect(left.map((one: { metadata: { namespace: string } }) => one.metadata.namespace)).toEqual(['limited']);
});
