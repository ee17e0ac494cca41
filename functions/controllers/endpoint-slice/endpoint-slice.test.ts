import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endpoints, endpointSlices, pods, replicaSets, services } from '../../../lib/client/resources.js';
import type { V1EndpointSlice, V1Pod, V1Service, V1ServiceSpec } from '../../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../../test/support/cluster.js';
import { podTemplate } from '../shared/testing/builders.js';

function service(more: Partial<V1ServiceSpec> = {}, metadata: V1Service['metadata'] = {}): V1Service {
  return {
    metadata: { namespace: 'default', name: 'web', ...metadata },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...more },
  };
}

function pod(name: string, more: V1Pod['metadata'] = {}, spec: Partial<V1Pod['spec']> = {}): V1Pod {
  return {
    metadata: { namespace: 'default', name, labels: { app: 'web' }, ...more },
    spec: { containers: [{ name: 'main', image: 'image:1' }], ...spec },
  };
}

describe('slices and Endpoints of services', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  afterEach(() => cluster.close());

  const slices = async (name = 'web'): Promise<V1EndpointSlice[]> => {
    const labelSelector = `kubernetes.io/service-name=${name}`;
    return (await cluster.client.list(endpointSlices, { namespace: 'default', labelSelector })).items;
  };
  const legacy = () => cluster.client.find(endpoints, { namespace: 'default', name: 'web' });
  const address = async (name: string): Promise<string> =>
    (await cluster.client.get(pods, { namespace: 'default', name })).status?.podIP ?? '';

  test('an empty service has an empty slice and Endpoints, and both go with it', async () => {
    const created = await cluster.client.create(services, service({}, { labels: { team: 'a' } }));
    await cluster.settle();
    const [slice, ...others] = await slices();
    expect(others).toEqual([]);
    expect(slice).toMatchObject({
      metadata: {
        generateName: 'web-',
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Service',
            name: 'web',
            uid: created.metadata?.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      addressType: 'IPv4',
    });
    expect(slice?.endpoints ?? []).toEqual([]);
    expect((await legacy())?.metadata?.labels).toEqual({
      team: 'a',
      'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
    });
    expect((await legacy())?.subsets).toBeUndefined();
    await cluster.client.delete(services, { namespace: 'default', name: 'web' });
    await cluster.settle();
    expect(await slices()).toEqual([]);
    expect(await legacy()).toBeUndefined();
  });

  test('ready pods are listed, and what changes is followed', async () => {
    await cluster.client.create(services, service());
    await cluster.client.create(pods, pod('one'));
    await cluster.client.create(pods, pod('other', { labels: { app: 'other' } }));
    await cluster.until(async () => expect((await slices())[0]?.endpoints).toHaveLength(1));
    const one = await cluster.client.get(pods, { namespace: 'default', name: 'one' });
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'one', uid: one.metadata?.uid };
    await cluster.until(async () => {
      const [slice] = await slices();
      expect(slice?.ports).toEqual([{ name: '', port: 8080, protocol: 'TCP' }]);
      expect(slice?.endpoints).toEqual([
        {
          addresses: [one.status?.podIP],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: one.spec?.nodeName,
          targetRef,
        },
      ]);
    });
    expect((await legacy())?.subsets).toEqual([
      {
        addresses: [{ ip: one.status?.podIP, nodeName: one.spec?.nodeName, targetRef }],
        ports: [{ port: 8080, protocol: 'TCP' }],
      },
    ]);

    const [before] = await slices();
    await cluster.client.patch(pods, { namespace: 'default', name: 'other' }, 'merge', {
      metadata: { labels: { app: 'web' } },
    });
    await cluster.settle();
    const [after, ...more] = await slices();
    expect(more).toEqual([]);
    expect(after?.metadata?.name).toBe(before?.metadata?.name);
    expect(after?.endpoints?.map(({ targetRef: target }) => target?.name).toSorted()).toEqual(['one', 'other']);

    await cluster.client.patch(pods, { namespace: 'default', name: 'other' }, 'merge', {
      metadata: { labels: { app: null } },
    });
    await cluster.client.delete(pods, { namespace: 'default', name: 'one' });
    await cluster.advance(60_000);
    expect((await slices()).flatMap(({ endpoints: all }) => all ?? [])).toEqual([]);
    expect((await legacy())?.subsets).toBeUndefined();
  });

  test('pods that are not ready are told apart, unless all addresses are wanted', async () => {
    await cluster.client.create(services, service());
    await cluster.client.create(services, service({ publishNotReadyAddresses: true }, { name: 'all' }));
    await cluster.client.create(pods, pod('slow', { annotations: { 'simulated.zeroplane.dev/ready': 'false' } }));
    await cluster.until(async () => expect((await slices())[0]?.endpoints).toHaveLength(1));
    await cluster.advance(1000);
    const conditionsOf = async (name: string) => (await slices(name))[0]?.endpoints?.[0]?.conditions;
    expect(await conditionsOf('web')).toEqual({ ready: false, serving: false, terminating: false });
    expect(await conditionsOf('all')).toEqual({ ready: true, serving: false, terminating: false });
    const subset = (await legacy())?.subsets?.[0];
    expect(subset?.notReadyAddresses?.map(({ ip }) => ip)).toEqual([await address('slow')]);
    expect(subset?.addresses).toBeUndefined();
  });

  test('a pod that ends while it serves is told as such', async () => {
    await cluster.client.create(services, service());
    const finalizers = ['example.com/hold'];
    await cluster.client.create(pods, pod('last', { finalizers }, { terminationGracePeriodSeconds: 30 }));
    await cluster.until(async () => expect((await slices())[0]?.endpoints?.[0]?.conditions?.ready).toBe(true));
    const node = (await cluster.client.get(pods, { namespace: 'default', name: 'last' })).spec?.nodeName ?? '';
    await cluster.nodes.nodes.get(node)?.kubelet.stop();
    await cluster.client.delete(pods, { namespace: 'default', name: 'last' });
    await cluster.settle();
    expect((await slices())[0]?.endpoints?.[0]?.conditions).toEqual({ ready: false, serving: true, terminating: true });
    expect((await legacy())?.subsets).toBeUndefined();
  });

  test('named ports are looked up in each pod, and pods with other ports get other slices', async () => {
    const ports = [{ name: 'http', port: 80, targetPort: 'web' }];
    await cluster.client.create(services, service({ ports }));
    const withPort = (containerPort: number) => ({
      containers: [{ name: 'main', image: 'image:1', ports: [{ name: 'web', containerPort }] }],
    });
    await cluster.client.create(pods, pod('a', {}, withPort(8080)));
    await cluster.client.create(pods, pod('b', {}, withPort(9090)));
    await cluster.client.create(pods, pod('c', {}, withPort(9090)));
    const { value } = await cluster.until(async () => {
      const all = (await slices()).map(({ ports: of, endpoints: list }) => [of?.[0]?.port, list?.length ?? 0]);
      expect(all.toSorted()).toEqual([
        [8080, 1],
        [9090, 2],
      ]);
      return all;
    });
    expect(value).toHaveLength(2);
    await cluster.advance(2000);
    expect((await legacy())?.subsets).toHaveLength(2);
  });

  test('headless services say so, give hostnames, and need no ports', async () => {
    await cluster.client.create(services, service({ clusterIP: 'None', ports: undefined }));
    await cluster.client.create(pods, pod('named', {}, { hostname: 'first', subdomain: 'web' }));
    await cluster.until(async () => expect((await slices())[0]?.endpoints?.[0]?.conditions?.ready).toBe(true));
    const [slice] = await slices();
    expect(slice?.metadata?.labels?.['service.kubernetes.io/headless']).toBe('');
    expect(slice?.endpoints?.[0]?.hostname).toBe('first');
    expect((await legacy())?.subsets?.[0]?.addresses?.[0]?.hostname).toBe('first');
    expect((await legacy())?.metadata?.labels?.['service.kubernetes.io/headless']).toBe('');
  });

  test('what others do to slices and Endpoints is undone', async () => {
    await cluster.client.create(services, service());
    await cluster.client.create(pods, pod('one'));
    await cluster.until(async () => expect((await slices())[0]?.endpoints?.[0]?.conditions?.ready).toBe(true));
    const [slice] = await slices();
    const name = slice?.metadata?.name ?? '';
    await cluster.client.patch(endpointSlices, { namespace: 'default', name }, 'merge', { endpoints: [] });
    await cluster.client.delete(endpoints, { namespace: 'default', name: 'web' });
    await cluster.settle();
    expect((await slices())[0]?.endpoints).toHaveLength(1);
    expect((await legacy())?.subsets?.[0]?.addresses).toHaveLength(1);
    await cluster.client.delete(endpointSlices, { namespace: 'default', name });
    await cluster.settle();
    expect((await slices())[0]?.endpoints).toHaveLength(1);
  });

  test('services without a selector and external names are left alone', async () => {
    await cluster.client.create(services, service({ selector: undefined }));
    const external: V1ServiceSpec = { type: 'ExternalName', externalName: 'example.com', selector: { app: 'web' } };
    await cluster.client.create(services, { metadata: { namespace: 'default', name: 'ext' }, spec: external });
    await cluster.advance(1000);
    expect(await slices()).toEqual([]);
    expect(await slices('ext')).toEqual([]);
    expect(await legacy()).toBeUndefined();
  });

  test('zones come from nodes, and hints from the wish for what is close', async () => {
    for (const name of ['node-1', 'node-2']) {
      const metadata = { labels: { 'topology.kubernetes.io/zone': 'a' } };
      await cluster.client.patch(
        { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false },
        { name },
        'merge',
        { metadata },
      );
    }
    await cluster.client.create(services, service({ trafficDistribution: 'PreferSameNode' }));
    await cluster.client.create(pods, pod('one'));
    await cluster.until(async () => expect((await slices())[0]?.endpoints?.[0]?.conditions?.ready).toBe(true));
    const endpoint = (await slices())[0]?.endpoints?.[0];
    expect(endpoint?.zone).toBe('a');
    expect(endpoint?.hints).toEqual({ forZones: [{ name: 'a' }], forNodes: [{ name: endpoint?.nodeName }] });
    const ref = { name: endpoint?.nodeName ?? '' };
    const metadata = { labels: { 'topology.kubernetes.io/zone': 'b' } };
    await cluster.client.patch(
      { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false },
      ref,
      'merge',
      { metadata },
    );
    await cluster.settle();
    expect((await slices())[0]?.endpoints?.[0]?.zone).toBe('b');
  });

  test('a large service has all of its pods, a hundred in a slice, and then none', async () => {
    await cluster.client.create(services, service());
    await cluster.client.create(replicaSets, {
      metadata: { namespace: 'default', name: 'web' },
      spec: { replicas: 210, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
    });
    const readyCount = async (): Promise<number> => {
      const all = (await slices()).flatMap((slice) => slice.endpoints ?? []);
      expect(new Set(all.map(({ targetRef }) => targetRef?.name)).size).toBe(all.length);
      return all.filter(({ conditions }) => conditions?.ready === true).length;
    };
    await cluster.until(async () => expect(await readyCount()).toBe(210));
    expect(await slices()).toHaveLength(3);
    await cluster.advance(2000);
    expect((await legacy())?.subsets?.map(({ addresses }) => addresses?.length)).toEqual([210]);
    await cluster.client.delete(replicaSets, { namespace: 'default', name: 'web' });
    await cluster.until(async () => {
      expect((await slices()).map((slice) => slice.endpoints ?? [])).toEqual([[]]);
      expect((await legacy())?.subsets).toBeUndefined();
    });
  });

  test('hand-made Endpoints are mirrored, followed and forgotten', async () => {
    const { client } = cluster;
    await client.create(services, service({ selector: undefined }));
    const ports = [{ name: 'http', port: 9376, protocol: 'TCP' }];
    const made = await client.create(endpoints, {
      metadata: { namespace: 'default', name: 'web', labels: { team: 'a' } },
      subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports }],
    });
    await cluster.settle();
    const [slice, ...others] = await slices();
    expect(others).toEqual([]);
    expect(slice).toMatchObject({
      metadata: {
        labels: {
          team: 'a',
          'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
          'kubernetes.io/service-name': 'web',
        },
        ownerReferences: [{ kind: 'Endpoints', name: 'web', uid: made.metadata?.uid }],
      },
      addressType: 'IPv4',
      ports,
      endpoints: [{ addresses: ['192.0.2.7'], conditions: { ready: true } }],
    });

    const subsets = [{ addresses: [{ ip: '192.0.2.8' }], notReadyAddresses: [{ ip: '2001:db8::1' }], ports }];
    await client.update(endpoints, { ...made, subsets });
    await cluster.settle();
    const all = (await slices()).map(({ addressType, endpoints: list }) => [addressType, list]);
    expect(all.toSorted()).toEqual([
      ['IPv4', [{ addresses: ['192.0.2.8'], conditions: { ready: true } }]],
      ['IPv6', [{ addresses: ['2001:db8::1'], conditions: { ready: false } }]],
    ]);

    const skip = { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } };
    await client.patch(endpoints, { namespace: 'default', name: 'web' }, 'merge', skip);
    await cluster.settle();
    expect(await slices()).toEqual([]);
    await client.patch(endpoints, { namespace: 'default', name: 'web' }, 'merge', { metadata: { labels: null } });
    await cluster.settle();
    expect(await slices()).toHaveLength(2);
    await client.delete(endpoints, { namespace: 'default', name: 'web' });
    await cluster.settle();
    expect(await slices()).toEqual([]);
  });
});
