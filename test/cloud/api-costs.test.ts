import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiFunction, type ApiFunction } from '../../functions/apiserver/function.js';
import { POLICY_AGE_MAX_MS } from '../../functions/apiserver/registry/limits.js';
import type { Table } from '../../lib/store/dynamodb/table.js';
import { CloudCluster, CONTEXT, urlEvent } from '../support/cloud-cluster.js';

// Other tests are at work on the same machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: CloudCluster;
let api: ApiFunction;
let requests: string[];
let authorization: Record<string, string>;

beforeEach(async () => {
  cluster = new CloudCluster({ nodes: 0 });
  await cluster.start();
  const parts = cluster.parts('apiserver');
  requests = [];
  const counted = new Proxy<Table>(parts.table, {
    get: (target, name: keyof Table) => (first: unknown, second: unknown) => {
      requests.push(name);
      return (target[name] as (...args: unknown[]) => unknown).call(target, first, second);
    },
  });
  api = apiFunction({ ...parts, table: counted });
  authorization = { authorization: `Bearer ${await cluster.adminToken()}` };
});
afterEach(() => cluster.stop());

async function ask(method: string, path: string, body?: object): Promise<number> {
  requests.length = 0;
  const event = urlEvent(method, path, {
    headers: { ...authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await cluster.drive(api.buffer(event, CONTEXT))).statusCode ?? 0;
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const map = (name: string): object => ({ metadata: { name }, data: { key: 'value' } });
const pod = (name: string): object => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } });

/** Requests to the table; a read unit or two each. Those of DynamoDB itself are counted in test/store/dynamodb-costs.test.ts. */
const WRITE = ['transactGet', 'updateItem', 'transactWrite'];

describe('requests to the table by a warm function', () => {
  it('policy costs nothing while it is younger than a second, then one small read for all of it', async () => {
    for (const name of ['warm', 'warmer']) expect(await ask('POST', MAPS, map(name))).toBe(201);
    expect(await ask('POST', MAPS, map('one'))).toBe(201);
    expect(requests).toEqual(WRITE);
    expect(await ask('GET', `${MAPS}/one`)).toBe(200);
    expect(requests).toEqual(['transactGet']);
    await cluster.clock.advance(POLICY_AGE_MAX_MS);
    expect(await ask('POST', MAPS, map('two'))).toBe(201);
    expect(requests).toEqual(['getItem', ...WRITE]);
  });

  it('a pod: its service account too', async () => {
    expect(await ask('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })).toBe(
      201,
    );
    expect(await ask('POST', PODS, pod('warm'))).toBe(201);
    await cluster.clock.advance(POLICY_AGE_MAX_MS);
    expect(await ask('POST', PODS, pod('one'))).toBe(201);
    expect(requests.toSorted()).toEqual(['getItem', 'transactGet', ...WRITE].toSorted());
  });

  it('a list: the head, a page and the log behind it', async () => {
    expect(await ask('POST', MAPS, map('warm'))).toBe(201);
    expect(await ask('GET', MAPS)).toBe(200);
    expect(requests.length).toBeLessThanOrEqual(3);
  });

  it('a cold function asks of each kind of policy once whether there is any', async () => {
    expect(await ask('POST', MAPS, map('first'))).toBe(201);
    expect(requests.length).toBeLessThanOrEqual(16);
  });
});
