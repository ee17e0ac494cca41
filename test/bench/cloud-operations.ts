import { PRICES } from '../../infra/cost-model.js';
import { CloudCluster, CONTEXT, urlEvent } from '../support/cloud-cluster.js';
import type { BenchResult } from './result.js';

const ROUNDS = 20;
/** Between two requests: longer than what policy may be old, so that each pays for looking at it. */
const PAUSE_MS = 2_000;
const MILLION = 1_000_000;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

type Body = Record<string, unknown>;

interface Operation {
  name: string;
  request: (round: number) => { method: string; path: string; body?: Body; type?: string };
  expected: number;
}

const pod = (name: string): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'web' } },
  spec: {
    containers: [{ name: 'web', image: 'nginx:1.29', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
  },
});

const configMap = (name: string, value: string): Body => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value },
});

const lease = (name: string, renewTime: string): Body => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: 'kube-node-lease' },
  spec: { holderIdentity: name, leaseDurationSeconds: 120, renewTime },
});

const OPERATIONS: readonly Operation[] = [
  {
    name: 'create a ConfigMap',
    request: (round) => ({ method: 'POST', path: CONFIG_MAPS, body: configMap(`c-${round}`, 'a') }),
    expected: 201,
  },
  {
    name: 'get a ConfigMap',
    request: (round) => ({ method: 'GET', path: `${CONFIG_MAPS}/c-${round}` }),
    expected: 200,
  },
  {
    name: 'patch a ConfigMap',
    request: (round) => ({
      method: 'PATCH',
      path: `${CONFIG_MAPS}/c-${round}`,
      body: { data: { value: 'b' } },
      type: 'application/merge-patch+json',
    }),
    expected: 200,
  },
  {
    name: 'apply a ConfigMap (server side)',
    request: (round) => ({
      method: 'PATCH',
      path: `${CONFIG_MAPS}/c-${round}?fieldManager=bench&force=true`,
      body: configMap(`c-${round}`, 'c'),
      type: 'application/apply-patch+yaml',
    }),
    expected: 200,
  },
  { name: `list ${ROUNDS} ConfigMaps`, request: () => ({ method: 'GET', path: CONFIG_MAPS }), expected: 200 },
  {
    name: 'delete a ConfigMap',
    request: (round) => ({ method: 'DELETE', path: `${CONFIG_MAPS}/c-${round}` }),
    expected: 200,
  },
  {
    name: 'create a Pod',
    request: (round) => ({ method: 'POST', path: PODS, body: pod(`p-${round}`) }),
    expected: 201,
  },
  {
    name: "update a Pod's status",
    request: (round) => ({
      method: 'PATCH',
      path: `${PODS}/p-${round}/status`,
      body: { status: { phase: 'Running', podIP: '10.244.0.7', hostIP: '192.0.2.1' } },
      type: 'application/merge-patch+json',
    }),
    expected: 200,
  },
  { name: `list ${ROUNDS} Pods`, request: () => ({ method: 'GET', path: PODS }), expected: 200 },
  {
    name: 'create a Lease',
    request: (round) => ({ method: 'POST', path: LEASES, body: lease(`n-${round}`, '2026-01-01T00:00:00.000000Z') }),
    expected: 201,
  },
  {
    name: 'renew a Lease (a heartbeat)',
    request: (round) => ({
      method: 'PATCH',
      path: `${LEASES}/n-${round}`,
      body: { spec: { renewTime: '2026-01-01T00:00:30.000000Z' } },
      type: 'application/merge-patch+json',
    }),
    expected: 200,
  },
  { name: 'readyz', request: () => ({ method: 'GET', path: '/readyz' }), expected: 200 },
];

const ACCOUNT: Operation = {
  name: 'create a ServiceAccount',
  request: () => ({
    method: 'POST',
    path: '/api/v1/namespaces/default/serviceaccounts',
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
  }),
  expected: 201,
};

/** What each API operation asks of DynamoDB in a warm function: calls, units, and dollars per million (Lambda's own price is beside them). */
export async function benchCloudOperations(): Promise<BenchResult[]> {
  const cluster = new CloudCluster({ nodes: 0 });
  const api = cluster.apiFunction();
  const rows: BenchResult[] = [];
  const call = async (operation: Operation, round: number): Promise<void> => {
    const { method, path, body, type } = operation.request(round);
    const headers = {
      authorization: `Bearer ${await cluster.adminToken()}`,
      'content-type': type ?? 'application/json',
      accept: 'application/json',
    };
    const event = urlEvent(method, path, { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const { statusCode, body: answer } = await cluster.drive(api.buffer(event, CONTEXT));
    if (statusCode !== operation.expected)
      throw new Error(`${operation.name}: ${statusCode} instead of ${operation.expected}: ${answer?.slice(0, 300)}`);
  };
  // The first request makes the cluster's first objects, and no controller runs that would make the account of pods.
  await call(ACCOUNT, 0);
  for (const operation of OPERATIONS) {
    let [requests, readUnits, writeUnits] = [0, 0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      await cluster.clock.advance(PAUSE_MS);
      cluster.table.takeConsumed();
      cluster.heartbeats.takeConsumed();
      await call(operation, round);
      for (const used of [cluster.table.takeConsumed(), cluster.heartbeats.takeConsumed()]) {
        requests += used.requests / ROUNDS;
        readUnits += used.readUnits / ROUNDS;
        writeUnits += used.writeUnits / ROUNDS;
      }
    }
    const dollars = (readUnits * PRICES.readUnit + writeUnits * PRICES.writeUnit) * MILLION;
    rows.push({
      name: `cloud ${operation.name}`,
      value: `${number(requests)} calls, ${number(readUnits)} RRU, ${number(writeUnits)} WRU`,
      aim: `$${dollars.toFixed(2)} a million`,
    });
  }
  await cluster.stop();
  return rows;
}

function number(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
