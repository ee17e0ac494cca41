import { expect, test } from 'vitest';
import { testServer } from '../registry/test-server.js';

/** What the hooks' own tests cannot see: kinds in the order in which the API app calls their hooks. */

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'perl:5' }] } };
const MERGE = { 'content-type': 'application/merge-patch+json' };

test('a job without labels takes those of its pods, the generated ones included', async () => {
  const { request } = testServer();
  const labelled = { ...template, metadata: { labels: { app: 'pi' } } };
  const jobs = '/apis/batch/v1/namespaces/default/jobs';
  const created = await request('POST', jobs, { metadata: { name: 'pi' }, spec: { template: labelled } });
  const { metadata, spec } = created.json;
  expect(metadata.labels).toEqual({
    app: 'pi',
    'job-name': 'pi',
    'batch.kubernetes.io/job-name': 'pi',
    'controller-uid': metadata.uid,
    'batch.kubernetes.io/controller-uid': metadata.uid,
  });
  expect(spec.template.metadata.labels).toEqual(metadata.labels);
  expect(spec.selector.matchLabels).toEqual({ 'batch.kubernetes.io/controller-uid': metadata.uid });
  expect((await request('GET', `${jobs}?fieldSelector=status.successful%3D0`)).json.items).toHaveLength(1);
  expect((await request('GET', `${jobs}?fieldSelector=status.successful%3D1`)).json.items).toHaveLength(0);
  const suspended = await request('PATCH', `${jobs}/pi`, { spec: { suspend: true } }, MERGE);
  expect(suspended.json).toMatchObject({ metadata: { generation: 2 }, spec: { suspend: true } });
});

test('generations grow with what controllers must see', async () => {
  const { request } = testServer();
  const selector = { matchLabels: { a: 'b' } };
  const pods = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
  const path = '/apis/apps/v1/namespaces/default/deployments';
  await request('POST', path, { metadata: { name: 'web' }, spec: { selector, template: pods } });
  const patch = async (body: object): Promise<number> =>
    (await request('PATCH', `${path}/web`, body, MERGE)).json.metadata.generation;
  expect(await patch({ metadata: { labels: { x: 'y' } } })).toBe(1);
  expect(await patch({ metadata: { annotations: { x: 'y' } } })).toBe(2);
  expect(await patch({ spec: { replicas: 2 } })).toBe(3);
  expect(await patch({ spec: { replicas: 3 }, metadata: { annotations: { x: 'z' } } })).toBe(4);
});

test('a refusal names what is wrong as Kubernetes does', async () => {
  const { request } = testServer();
  const answer = await request('POST', '/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: { labels: { a: 'b' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] },
      },
    },
  });
  expect(answer.status).toBe(422);
  expect(answer.json.message).toBe(
    'Deployment.apps "web" is invalid: spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  );
  expect(answer.json.details.causes).toEqual([
    {
      reason: 'FieldValueNotSupported',
      message: 'Unsupported value: "Never": supported values: "Always"',
      field: 'spec.template.spec.restartPolicy',
    },
  ]);
});

test('a certificate signing request says who made it, and is approved', async () => {
  const { request } = testServer();
  const { KIND_SAMPLES } = await import('../registry/kind-samples.js');
  const sample = KIND_SAMPLES['certificates.k8s.io/certificatesigningrequests'];
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const created = await request('POST', path, { metadata: { name: 'jane' }, ...sample });
  expect(created.json.spec).toMatchObject({ username: 'admin', groups: ['system:masters', 'system:authenticated'] });
  const condition = { type: 'Approved', status: 'True', reason: 'Test', message: 'ok' };
  const approved = await request('PUT', `${path}/jane/approval`, {
    ...created.json,
    spec: { ...created.json.spec, username: 'mallory' },
    status: { conditions: [condition], certificate: 'eA==' },
  });
  expect(approved.status).toBe(200);
  expect(approved.json.spec.username).toBe('admin');
  expect(approved.json.status.conditions).toMatchObject([{ ...condition, lastUpdateTime: expect.any(String) }]);
  expect(approved.json.status.certificate).toBeUndefined();
  const table = await request('GET', path, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  expect(table.json.rows[0].cells.slice(-1)).toEqual(['Approved']);
});

test('writes of kinds that nothing acts on are answered with a warning', async () => {
  const { request } = testServer();
  const role = await request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name: 'x' } });
  expect(role.status).toBe(201);
  expect(role.headers.get('warning')).toContain('299');
  const lease = await request('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', {
    metadata: { name: 'x' },
  });
  expect(lease.headers.get('warning')).toBeNull();
});

test('an autoscaler is one object in two versions', async () => {
  const { request } = testServer();
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
  const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const created = await request('POST', v1, {
    metadata: { name: 'web' },
    spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
  });
  expect(created.json).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } });
  const read = await request('GET', `${v2}/web`);
  expect(read.json).toMatchObject({
    apiVersion: 'autoscaling/v2',
    spec: { metrics: [{ resource: { name: 'cpu', target: { averageUtilization: 50 } } }] },
  });
});
