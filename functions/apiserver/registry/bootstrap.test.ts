import { expect, test } from 'vitest';
import { Client } from '../../../lib/client/client.js';
import { inProcessTransport } from '../in-process-transport.js';
import { bootstrap } from './bootstrap.js';
import { ADMIN, testServer } from './test-server.js';

test('a cluster starts with its namespaces, service, endpoints and priority classes; twice changes nothing', async () => {
  const { server, request, clock } = testServer();
  const client = new Client(
    inProcessTransport((one) => server.handle(one), ADMIN),
    'test',
  );
  const options = { client, clock, endpoint: { addresses: ['10.0.0.5'], port: 6443 }, serviceCidr: '10.96.0.0/16' };
  await Promise.all([bootstrap(options), drive(), bootstrap(options)]);
  async function drive(): Promise<void> {
    for (let step = 0; step < 20; step++) await clock.advance(50);
  }
  const namespaces = (await request('GET', '/api/v1/namespaces')).json;
  expect(namespaces.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual([
    'default',
    'kube-node-lease',
    'kube-public',
    'kube-system',
  ]);
  expect((await request('GET', '/api/v1/namespaces/default/services/kubernetes')).json.spec).toMatchObject({
    clusterIP: '10.96.0.1',
    ports: [{ port: 443, targetPort: 6443 }],
  });
  expect((await request('GET', '/api/v1/namespaces/default/endpoints/kubernetes')).json.subsets).toEqual([
    { addresses: [{ ip: '10.0.0.5' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
  ]);
  expect((await request('GET', '/apis/scheduling.k8s.io/v1/priorityclasses')).json.items).toHaveLength(2);
  const before = (await request('GET', '/apis/discovery.k8s.io/v1/endpointslices')).json;
  await bootstrap(options);
  expect((await request('GET', '/apis/discovery.k8s.io/v1/endpointslices')).json).toEqual(before);
  await bootstrap({ ...options, endpoint: { addresses: ['10.0.0.6'], port: 6443 } });
  const moved = (await request('GET', '/apis/discovery.k8s.io/v1/endpointslices')).json;
  expect(moved.items[0].endpoints[0].addresses).toEqual(['10.0.0.6']);
});
