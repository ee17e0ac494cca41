import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { NoStreamsError, type NodeConnection } from '../registry/node-connection.js';
import { testServer, type TestServer } from '../registry/test-server.js';
import { KEPT_MS } from './limits.js';

const TIME = '2026-11-21T10:00:00Z';
const servers: http.Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const measured = (nanoCores: number, bytes: number, windowMs?: number) => ({
  cpu: { time: TIME, usageNanoCores: nanoCores, ...(windowMs && { usageWindowMilliSeconds: windowMs }) },
  memory: { time: TIME, workingSetBytes: bytes },
});

/** A kubelet that gives this answer, and how often it was asked. */
async function kubelet(answer: (path: string) => unknown): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify(answer(request.url ?? '')));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, asked };
}

function connectionTo(ports: Readonly<Record<string, number>>): NodeConnection {
  return {
    logs: async () => Promise.reject(new Error('nobody asks for logs')),
    async dialKubelet(node) {
      const port = ports[node];
      if (port === undefined) throw new NoStreamsError('it is away');
      return net.connect({ host: '127.0.0.1', port });
    },
  };
}

async function addNode(server: TestServer, name: string, isReady = true): Promise<void> {
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'Unknown' }];
  const answer = await server.request('POST', '/api/v1/nodes', {
    metadata: { name, labels: { zone: name === 'a' ? 'here' : 'there' } },
    status: { conditions },
  });
  expect(answer.status).toBe(201);
}

async function addPod(server: TestServer, name: string, node: string, phase = 'Running'): Promise<string> {
  const base = '/api/v1/namespaces/default/pods';
  const pod = await server.request('POST', base, {
    metadata: { name, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'x' }] },
  });
  await server.request(
    'PATCH',
    `${base}/${name}/status`,
    { status: { phase } },
    {
      'content-type': 'application/merge-patch+json',
    },
  );
  return pod.json.metadata.uid as string;
}

const NODES = '/apis/metrics.k8s.io/v1beta1/nodes';
const PODS = '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods';

it('nodes and pods use what their kubelets say; who does not answer is left out', async () => {
  const uids: string[] = [];
  const one = await kubelet(() => ({
    node: { nodeName: 'a', ...measured(1_500_000_000, 1_073_741_824, 12_500) },
    pods: [
      {
        podRef: { uid: uids[0] },
        containers: [
          { name: 'main', ...measured(250_000_001, 2_048, 12_500) },
          { name: 'side', ...measured(0, 0) },
        ],
      },
      { podRef: { uid: uids[1] }, containers: [{ name: 'main', cpu: { time: TIME }, memory: { workingSetBytes: 1 } }] },
      { podRef: { uid: 'stranger' }, containers: [{ name: 'main', ...measured(1, 1) }] },
    ],
  }));
  const wrong = await kubelet(() => ({ node: 'nonsense' }));
  const server = testServer({ nodeConnection: connectionTo({ a: one.port, wrong: wrong.port }) });
  for (const name of ['a', 'away', 'wrong']) await addNode(server, name);
  await addNode(server, 'dead', false);
  for (const [name, node, phase] of [
    ['web', 'a', 'Running'],
    ['young', 'a', 'Running'],
    ['over', 'a', 'Succeeded'],
    ['lost', 'away', 'Running'],
  ] as const) {
    uids.push(await addPod(server, name, node, phase));
  }

  const nodes = await server.request('GET', NODES);
  expect(nodes.json).toMatchObject({ kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {} });
  expect(nodes.json.items).toEqual([
    {
      kind: 'NodeMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: { name: 'a', creationTimestamp: expect.any(String), labels: { zone: 'here' } },
      timestamp: TIME,
      window: '12.5s',
      usage: { cpu: '1500000000n', memory: '1048576Ki' },
    },
  ]);
  const pods = await server.request('GET', PODS);
  expect(pods.json.items).toEqual([
    {
      kind: 'PodMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {
        name: 'web',
        namespace: 'default',
        creationTimestamp: expect.any(String),
        labels: { app: 'web' },
      },
      timestamp: TIME,
      window: '12.5s',
      containers: [
        { name: 'main', usage: { cpu: '250000001n', memory: '2Ki' } },
        { name: 'side', usage: { cpu: '0', memory: '0' } },
      ],
    },
  ]);
  expect((await server.request('GET', `${PODS}/web`)).json.containers).toHaveLength(2);
  const absent = await server.request('GET', `${PODS}/young`);
  expect([absent.status, absent.json.message]).toEqual([404, 'pods.metrics.k8s.io "default/young" not found']);
  expect((await server.request('GET', `${NODES}/away`)).status).toBe(404);
  expect(one.asked).toEqual(['/stats/summary?only_cpu_and_memory=true']);
  await server.clock.advance(KEPT_MS);
  expect((await server.request('GET', `${NODES}/a`)).status).toBe(200);
  expect(one.asked).toHaveLength(2);
});

it('selectors, tables and all that a read takes; nothing can be written or watched', async () => {
  const uids: string[] = [];
  const one = await kubelet(() => ({
    node: measured(1, 1),
    pods: uids.map((uid) => ({ podRef: { uid }, containers: [{ name: 'main', ...measured(2_000_000, 1_048_576) }] })),
  }));
  const server = testServer({ nodeConnection: connectionTo({ a: one.port, b: one.port }) });
  await addNode(server, 'a');
  await addNode(server, 'b');
  for (const name of ['x', 'y']) uids.push(await addPod(server, name, 'a'));
  const names = async (path: string): Promise<string[]> =>
    (await server.request('GET', path)).json.items.map((one: { metadata: { name: string } }) => one.metadata.name);
  expect(await names(`${NODES}?labelSelector=zone%3Dthere`)).toEqual(['b']);
  expect(await names(`${PODS}?labelSelector=app%20in%20(x)`)).toEqual(['x']);
  expect(await names(`${PODS}?fieldSelector=metadata.name%3Dy`)).toEqual(['y']);
  expect(await names('/apis/metrics.k8s.io/v1beta1/pods')).toEqual(['x', 'y']);
  expect(await names('/apis/metrics.k8s.io/v1beta1/namespaces/other/pods')).toEqual([]);
  const table = await server.request('GET', PODS, undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  expect(table.json.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
    'Name',
    'cpu',
    'memory',
    'Window',
  ]);
  expect(table.json.rows[0].cells).toEqual(['x', '2m', '1Mi', '10s']);
  for (const [method, path] of [
    ['POST', PODS],
    ['DELETE', `${PODS}/x`],
    ['PUT', `${NODES}/a`],
    ['GET', `${PODS}?watch=1`],
  ] as const) {
    expect(
      (await server.request(method, path, method === 'POST' || method === 'PUT' ? {} : undefined)).status,
      path,
    ).toBe(405);
  }
});

it('discovery, OpenAPI and the aggregator know the group, behind all others', async () => {
  const server = testServer();
  const groups = (await server.request('GET', '/apis')).json.groups as { name: string }[];
  expect(groups.at(-1)?.name).toBe('metrics.k8s.io');
  expect((await server.request('GET', '/apis/metrics.k8s.io/v1beta1')).json.resources).toEqual([
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ]);
  const document = await server.request('GET', '/openapi/v3/apis/metrics.k8s.io/v1beta1');
  const name = 'io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics';
  expect(document.json.components.schemas[name].required).toEqual(['containers', 'timestamp', 'window']);
  expect(Object.keys(document.json.paths['/apis/metrics.k8s.io/v1beta1/nodes'])).toContain('get');
});

it('without a way to nodes the answer says so', async () => {
  const answer = await testServer().request('GET', NODES);
  expect([answer.status, answer.json.message]).toEqual([
    503,
    'what nodes and pods use is not known: this API server has no connection to nodes',
  ]);
});
