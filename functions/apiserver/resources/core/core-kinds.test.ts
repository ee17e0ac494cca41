import { describe, expect, test } from 'vitest';
import { testServer } from '../../registry/test-server.js';

/** Every core kind through the API app: what the hooks' own tests cannot see. */

const POD = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx:1' }] } };
const PODS = '/api/v1/namespaces/default/pods';

const SAMPLES: [plural: string, namespaced: boolean, object: object][] = [
  ['configmaps', true, { data: { a: '1' } }],
  ['secrets', true, { stringData: { a: '1' } }],
  ['endpoints', true, { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  ['events', true, { involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' }, reason: 'Tested' }],
  ['limitranges', true, { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }],
  [
    'persistentvolumeclaims',
    true,
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  ],
  ['pods', true, POD],
  ['podtemplates', true, { template: { metadata: { labels: { a: 'b' } }, spec: POD.spec } }],
  ['replicationcontrollers', true, { spec: { template: { metadata: { labels: { a: 'b' } }, spec: POD.spec } } }],
  ['resourcequotas', true, { spec: { hard: { pods: '5' } } }],
  ['services', true, { spec: { ports: [{ port: 80 }] } }],
  ['serviceaccounts', true, {}],
  ['namespaces', false, {}],
  ['nodes', false, { status: { capacity: { cpu: '4' } } }],
  [
    'persistentvolumes',
    false,
    { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } },
  ],
];

describe.each(SAMPLES)('%s', (plural, namespaced, sample) => {
  const path = namespaced ? `/api/v1/namespaces/default/${plural}` : `/api/v1/${plural}`;
  const name = 'one';
  const object = { ...sample, metadata: { name } };

  test('create, read, replace, patch, tabulate, delete', async () => {
    const { request } = testServer();
    const created = await request('POST', path, object);
    expect(created.json).toMatchObject({ metadata: { name } });
    expect(created.status).toBe(201);
    expect((await request('GET', `${path}/${name}`)).json).toEqual(created.json);

    const again = await request('PUT', `${path}/${name}`, created.json);
    expect(again.status).toBe(200);
    expect(again.json).toEqual(created.json);

    const patch = { metadata: { labels: { tested: 'yes' } } };
    const type = { 'content-type': 'application/merge-patch+json' };
    const patched = await request('PATCH', `${path}/${name}`, patch, type);
    expect(patched.status).toBe(200);
    expect(patched.json.metadata.labels).toMatchObject({ tested: 'yes' });

    const table = await request('GET', path, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    const names = table.json.columnDefinitions.map((column: { name: string }) => column.name);
    const row = table.json.rows.find((one: { cells: unknown[] }) => one.cells[names.indexOf('Name')] === name);
    expect(row.cells).toHaveLength(names.length);

    expect([200, 202]).toContain((await request('DELETE', `${path}/${name}`)).status);
  });

  test('an empty object is refused or accepted, but never breaks', async () => {
    const { request } = testServer();
    const answer = await request('POST', path, { metadata: { name: 'empty' } });
    expect([201, 422]).toContain(answer.status);
  });
});

test('a refused pod is a Status with its causes', async () => {
  const { request } = testServer();
  const answer = await request('POST', PODS, {
    metadata: { name: 'web' },
    spec: { restartPolicy: 'No', containers: [{ name: 'web' }] },
  });
  expect(answer.status).toBe(422);
  expect(answer.json.details.causes).toEqual([
    {
      reason: 'FieldValueNotSupported',
      message: 'Unsupported value: "No": supported values: "Always", "OnFailure", "Never"',
      field: 'spec.restartPolicy',
    },
    { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers[0].image' },
  ]);
});

test('a pod without a node is deleted at once and returned', async () => {
  const { request } = testServer();
  await request('POST', PODS, POD);
  const deleted = await request('DELETE', `${PODS}/web`);
  expect(deleted.json).toMatchObject({ kind: 'Pod', metadata: { name: 'web', deletionGracePeriodSeconds: 0 } });
  expect((await request('GET', `${PODS}/web`)).status).toBe(404);
});

test('a namespace stays until its finalizers are gone', async () => {
  const { request } = testServer();
  await request('POST', '/api/v1/namespaces', { metadata: { name: 'team' } });
  const deleted = await request('DELETE', '/api/v1/namespaces/team');
  expect(deleted.json).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
  const { json } = await request('GET', '/api/v1/namespaces/team');
  expect(json.metadata.deletionTimestamp).toBeDefined();
  await request('PUT', '/api/v1/namespaces/team/finalize', { ...json, spec: { finalizers: [] } });
  expect((await request('GET', '/api/v1/namespaces/team')).status).toBe(404);
});

test('one event, two versions', async () => {
  const { request } = testServer();
  const event = {
    metadata: { name: 'web.1' },
    involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' },
    message: 'hello',
  };
  expect((await request('POST', '/api/v1/namespaces/default/events', event)).status).toBe(201);
  const { json } = await request('GET', '/apis/events.k8s.io/v1/namespaces/default/events/web.1');
  expect(json).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'hello', regarding: { name: 'web' } });
  expect(json).not.toHaveProperty('involvedObject');
});

test('events put their own columns first', async () => {
  const { request } = testServer();
  const table = await request('GET', '/api/v1/events', undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  expect(table.json.columnDefinitions.map((column: { name: string }) => column.name).slice(0, 4)).toEqual([
    'Last Seen',
    'Type',
    'Reason',
    'Object',
  ]);
});

test('what nothing acts on yet says so', async () => {
  const { request } = testServer();
  const answer = await request('POST', '/api/v1/persistentvolumes', {
    metadata: { name: 'v' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
  });
  expect(answer.headers.get('warning')).toContain('299');
});
