import { Readable } from 'node:stream';
import { badRequest } from '../../../lib/api/errors.js';
import { expect, test } from 'vitest';
import { testServer, type TestServer } from '../registry/test-server.js';

const PODS = '/api/v1/namespaces/default/pods';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const MERGE = { 'content-type': 'application/merge-patch+json' };

async function makePod({ request }: TestServer, name: string, spec: object = {}): Promise<void> {
  const answer = await request('POST', PODS, {
    metadata: { name, labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'nginx' }], ...spec },
  });
  expect(answer.status).toBe(201);
}

test('a pod is bound once', async () => {
  const server = testServer();
  await makePod(server, 'p');
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } };
  const bound = await server.request('POST', `${PODS}/p/binding`, binding);
  expect(bound.status).toBe(201);
  expect(bound.json).toMatchObject({ kind: 'Status', status: 'Success' });
  const pod = (await server.request('GET', `${PODS}/p`)).json;
  expect(pod.spec.nodeName).toBe('n1');
  expect(pod.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
  const again = await server.request('POST', '/api/v1/namespaces/default/bindings', {
    ...binding,
    target: { name: 'n2' },
  });
  expect(again.status).toBe(409);
  expect(again.json.message).toBe(
    'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
  );
  const wrong = await server.request('POST', `${PODS}/p/binding`, { ...binding, target: { kind: 'Pod', name: '' } });
  expect(wrong.status).toBe(422);
  const absent = await server.request('POST', `${PODS}/none/binding`, { ...binding, metadata: { name: 'none' } });
  expect(absent.status).toBe(404);
});

test('an eviction asks the disruption budget', async () => {
  const server = testServer();
  const { request } = server;
  for (const name of ['p', 'q']) {
    await makePod(server, name, { nodeName: 'n1' });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await request('PATCH', `${PODS}/${name}/status`, { status }, MERGE);
  }
  await request('POST', BUDGETS, {
    metadata: { name: 'b' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  const eviction = (name: string) =>
    request('POST', `${PODS}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
  const early = await eviction('p');
  expect(early.status).toBe(429);
  expect(early.json.details.causes).toEqual([
    { reason: 'DisruptionBudget', message: 'The disruption budget b is still being processed by the server.' },
  ]);
  const counted = {
    observedGeneration: 1,
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 2,
  };
  await request('PATCH', `${BUDGETS}/b/status`, { status: counted }, MERGE);
  expect((await eviction('p')).status).toBe(201);
  const evicted = (await request('GET', `${PODS}/p`)).json;
  expect(evicted.metadata.deletionTimestamp).toBeDefined();
  expect(evicted.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }),
  );
  const budget = (await request('GET', `${BUDGETS}/b`)).json;
  expect(budget.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { p: expect.any(String) } });
  const refused = await eviction('q');
  expect(refused.status).toBe(429);
  expect(refused.json.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
  expect(refused.json.details.causes[0].message).toBe(
    'The disruption budget b needs 1 healthy pods and has 2 currently',
  );
});

test('a log comes from the connection to the node', async () => {
  const server = testServer({
    nodeConnection: {
      whyNoStreams: 'this is a test',
      logs: async (_pod, { container, tailLines, previous }) => {
        if (previous) throw badRequest('previous terminated container "c" in pod "p" not found');
        return Readable.from([Buffer.from(`${container} ${tailLines}\n`)]);
      },
    },
  });
  await makePod(server, 'p', { nodeName: 'n1' });
  expect((await server.request('GET', `${PODS}/p/log?tailLines=3`)).text).toBe('c 3\n');
  const unknown = await server.request('GET', `${PODS}/p/log?container=x`);
  expect(unknown.json.message).toBe('container x is not valid for pod p');
  await makePod(server, 'pending');
  expect((await server.request('GET', `${PODS}/pending/log`)).text).toBe('');
  expect((await server.request('GET', `${PODS}/p/log?previous=true`)).status).toBe(400);
  const exec = await server.request('POST', `${PODS}/p/exec?command=ls`);
  expect(exec.status).toBe(501);
  expect(exec.json.message).toBe('exec into a container is not possible: this is a test');
});

test('reviews are answered and not stored', async () => {
  const server = testServer({
    reviews: {
      SelfSubjectReview: { create: async ({ call, body }) => ({ ...body, status: { user: call.user.username } }) },
    },
  });
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const review = await server.request('POST', path, {});
  expect(review.status).toBe(201);
  expect(review.json).toMatchObject({ kind: 'SelfSubjectReview', status: { user: 'admin' } });
  const table = await server.request('POST', path, {}, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
  expect(table.status).toBe(406);
  expect((await server.request('GET', path)).status).toBe(405);
});

test('an eviction takes the options that a delete takes', async () => {
  const server = testServer();
  await makePod(server, 'p', { nodeName: 'n1' });
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } };
  const evict = (deleteOptions: object) => server.request('POST', `${PODS}/p/eviction`, { ...eviction, deleteOptions });
  for (const options of [{ propagationPolicy: 'Sideways' }, { dryRun: ['Some'] }]) {
    expect((await evict(options)).status).toBe(422);
  }
  expect((await evict({ dryRun: ['All'] })).status).toBe(201);
  const other = await evict({ preconditions: { uid: 'another' } });
  expect(other.status).toBe(409);
  const pod = (await server.request('GET', `${PODS}/p`)).json;
  expect(pod.metadata.deletionTimestamp).toBeUndefined();
  expect(pod.status.conditions ?? []).not.toContainEqual(expect.objectContaining({ type: 'DisruptionTarget' }));
});
