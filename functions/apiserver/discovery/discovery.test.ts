import { expect, test } from 'vitest';
import { kinds } from '../resources/index.js';
import { testServer } from '../registry/test-server.js';
import { compareVersions } from './groups.js';

test('classic discovery lists every kind where it is served', async () => {
  const { request } = testServer();
  const groups = (await request('GET', '/apis')).json.groups as {
    name: string;
    preferredVersion: { groupVersion: string };
  }[];
  expect(groups.find(({ name }) => name === 'autoscaling')?.preferredVersion.groupVersion).toBe('autoscaling/v2');
  for (const kind of kinds) {
    const path = kind.group === '' ? '/api/v1' : `/apis/${kind.group}/${kind.version}`;
    const list = (await request('GET', path)).json;
    expect(list.resources).toContainEqual(
      expect.objectContaining({
        name: kind.plural,
        singularName: kind.singular,
        kind: kind.kind,
        namespaced: kind.namespaced,
      }),
    );
  }
  const core = (await request('GET', '/api/v1')).json.resources as { name: string; kind: string; group?: string }[];
  expect(core.find(({ name }) => name === 'pods/eviction')).toMatchObject({
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
  });
  expect((await request('GET', '/apis/apps')).json).toMatchObject({ kind: 'APIGroup', name: 'apps' });
  expect((await request('GET', '/apis/none')).status).toBe(404);
});

test('aggregated discovery is one document with an ETag', async () => {
  const { request } = testServer();
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const answer = await request('GET', '/apis', undefined, { accept });
  expect(answer.headers.get('content-type')).toBe(
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  );
  expect(answer.json.kind).toBe('APIGroupDiscoveryList');
  const apps = answer.json.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'apps');
  const deployments = apps.versions[0].resources.find((one: { resource: string }) => one.resource === 'deployments');
  expect(deployments).toMatchObject({
    scope: 'Namespaced',
    shortNames: ['deploy'],
    subresources: [
      { subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } },
      { subresource: 'status' },
    ],
  });
  const again = await request('GET', '/apis', undefined, { accept, 'if-none-match': answer.headers.get('etag') ?? '' });
  expect(again.status).toBe(304);
  expect((await request('GET', '/api', undefined, { accept })).json.items).toHaveLength(1);
});

test('health, version, metrics and the list of paths', async () => {
  const { request } = testServer();
  expect((await request('GET', '/readyz')).text).toBe('ok');
  expect((await request('GET', '/livez?verbose')).text).toBe('[+]ping ok\n[+]store ok\nlivez check passed\n');
  expect((await request('GET', '/livez/ping')).text).toBe('ok');
  expect((await request('GET', '/readyz?verbose&exclude=store')).text).toContain('[+]store excluded: ok');
  expect((await request('GET', '/version')).json).toMatchObject({ major: '1', minor: '36' });
  expect((await request('GET', '/')).json.paths).toContain('/apis/apps/v1');
  await request('GET', '/api/v1/pods');
  expect((await request('GET', '/metrics')).text).toContain(
    'apiserver_request_total{code="200",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 1',
  );
});

test('a broken store fails the health checks', async () => {
  const { request, store } = testServer();
  await store.close();
  const answer = await request('GET', '/readyz');
  expect(answer.status).toBe(500);
  expect(answer.text).toContain('[-]store failed: reason withheld');
});

test('versions are ordered as Kubernetes orders them', () => {
  const versions = ['v1beta1', 'v2', 'v1', 'v10', 'v1alpha1', 'v11alpha2', 'foo1', 'v3beta1'];
  expect(versions.toSorted(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v3beta1',
    'v1beta1',
    'v11alpha2',
    'v1alpha1',
    'foo1',
  ]);
});

test('OpenAPI v3 has an index and a document per version; v2 is protobuf when asked for', async () => {
  const { request } = testServer();
  const index = (await request('GET', '/openapi/v3')).json.paths;
  const url = index['apis/apps/v1'].serverRelativeURL as string;
  const document = await request('GET', url);
  expect(document.headers.get('cache-control')).toContain('immutable');
  expect(document.json.paths['/apis/apps/v1/namespaces/{namespace}/deployments'].post).toBeDefined();
  const unchanged = await request('GET', '/openapi/v3/apis/apps/v1', undefined, {
    'if-none-match': document.headers.get('etag') ?? '',
  });
  expect(unchanged.status).toBe(304);
  const moved = await request('GET', '/openapi/v3/apis/apps/v1?hash=OLD');
  expect(moved.status).toBe(301);
  expect(moved.headers.get('location')).toBe(url);
  expect((await request('GET', '/openapi/v3/apis/none/v1')).status).toBe(404);
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const v2 = await request('GET', '/openapi/v2', undefined, { accept });
  expect(v2.headers.get('content-type')).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
});

test('the address in /api is the one that was asked, whoever asked before', async () => {
  const { request } = testServer();
  await request('GET', '/api', undefined, { host: 'elsewhere:1' });
  const answer = await request('GET', '/api', undefined, { host: 'here:2' });
  expect(answer.json.serverAddressByClientCIDRs[0].serverAddress).toBe('here:2');
});
