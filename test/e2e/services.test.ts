import { describe, expect, it } from 'vitest';
import { endpoints, endpointSlices, pods, services } from '../../lib/client/resources.js';
import type { V1Endpoints, V1EndpointSlice } from '../../lib/schema/generated/types.js';
import { deployment, pod, replicationController, service } from './manifests.js';
import { nameOf, Recording } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';

const slicesOf = async ({ client, namespace }: Scene, name: string): Promise<V1EndpointSlice[]> =>
  (await client.list(endpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${name}` })).items;

/** `address:port` of all slices of a service. */
const targetsOf = async (scene: Scene, name: string): Promise<string[]> =>
  (await slicesOf(scene, name))
    .flatMap((slice) =>
      (slice.endpoints ?? []).flatMap((one) =>
        one.addresses.flatMap((address) => (slice.ports ?? []).map((port) => `${address}:${port.port}`)),
      ),
    )
    .sort();

/** The same of its Endpoints. */
const endpointTargets = (object: V1Endpoints): string[] =>
  (object.subsets ?? [])
    .flatMap((subset) =>
      (subset.addresses ?? []).flatMap(({ ip }) => (subset.ports ?? []).map(({ port }) => `${ip}:${port}`)),
    )
    .sort();

describe.concurrent('services', () => {
  it('row 187: endpoints and slices list pods by numeric and named ports, and deleted slices are rebuilt', async () => {
    const scene = await cluster.scene('services');
    const { client, kubectl, namespace } = scene;
    const ports = [{ name: 'http', containerPort: 3000 }];
    await kubectl.apply(
      pod('one', {
        labels: { app: 'one', both: 'yes' },
        podSpec: { containers: [{ name: 'main', image: 'nginx', ports: [{ name: 'http', containerPort: 3001 }] }] },
      }),
      pod('two', {
        labels: { app: 'two', both: 'yes' },
        podSpec: { containers: [{ name: 'main', image: 'nginx', ports }] },
      }),
      service('single', { selector: { app: 'one' }, ports: [{ name: 'a', port: 80, targetPort: 3001 }] }),
      service('named', { selector: { both: 'yes' }, ports: [{ name: 'a', port: 80, targetPort: 'http' }] }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/one', 'pod/two', TIMEOUT]);
    const ip = async (name: string): Promise<string> =>
      (await client.get(pods, { namespace, name })).status?.podIP ?? '';
    const [one, two] = [await ip('one'), await ip('two')];
    await eventually(async () => {
      expect(await targetsOf(scene, 'single')).toEqual([`${one}:3001`]);
      expect(await targetsOf(scene, 'named')).toEqual([`${one}:3001`, `${two}:3000`].sort());
      expect(endpointTargets(await client.get(endpoints, { namespace, name: 'named' }))).toEqual(
        [`${one}:3001`, `${two}:3000`].sort(),
      );
    });
    const [slice] = await slicesOf(scene, 'single');
    expect(slice?.endpoints?.[0]).toMatchObject({
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: expect.stringMatching(/^node-/) as string,
      targetRef: { kind: 'Pod', name: 'one', namespace },
    });
    expect(slice?.metadata?.labels?.['endpointslice.kubernetes.io/managed-by']).toBe('endpointslice-controller.k8s.io');
    await client.deleteCollection(endpointSlices, { namespace, labelSelector: 'kubernetes.io/service-name=single' });
    await eventually(async () => expect(await targetsOf(scene, 'single')).toEqual([`${one}:3001`]));
  });

  it('row 188: a service without pods has empty endpoints and a slice, which go with it', async () => {
    const scene = await cluster.scene('services');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(service('web'));
    await eventually(async () => {
      expect((await client.get(endpoints, { namespace, name: 'web' })).subsets ?? []).toEqual([]);
      const slices = await slicesOf(scene, 'web');
      expect(slices).toHaveLength(1);
      expect(slices[0]?.endpoints ?? []).toEqual([]);
    });
    await client.delete(services, { namespace, name: 'web' });
    await eventually(async () => {
      expect(await client.find(endpoints, { namespace, name: 'web' })).toBeUndefined();
      expect(await slicesOf(scene, 'web')).toEqual([]);
    });
  });

  it('row 189: default/kubernetes has endpoints and a slice with the address of the API server', async () => {
    const { client } = cluster;
    const ref = { namespace: 'default', name: 'kubernetes' };
    const present = await client.get(endpoints, ref);
    expect((await client.get(services, ref)).spec).toMatchObject({
      clusterIP: '10.96.0.1',
      ports: [{ name: 'https', port: 443 }],
    });
    const slices = (
      await client.list(endpointSlices, {
        namespace: 'default',
        labelSelector: 'kubernetes.io/service-name=kubernetes',
      })
    ).items;
    expect(slices).toHaveLength(1);
    const addresses = slices.flatMap((slice) => (slice.endpoints ?? []).flatMap((one) => one.addresses));
    expect(present.subsets?.flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip)) ?? []).toEqual(addresses);
  });

  it('row 190: endpoint slices: every verb', async () => {
    const { client, namespace } = await cluster.scene('services');
    const labels = { 'special-label': namespace };
    const made: V1EndpointSlice = {
      metadata: { name: 'mine', namespace, labels },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }],
      ports: [{ port: 80 }],
    };
    const recording = new Recording(client, endpointSlices, { namespace });
    const created = await client.create(endpointSlices, made);
    expect(created.ports?.[0]).toMatchObject({ name: '', protocol: 'TCP' });
    await recording.until('ADDED');
    await client.patch(endpointSlices, { namespace, name: 'mine' }, 'merge', {
      metadata: { annotations: { patched: 'true' } },
    });
    const present = await client.get(endpointSlices, { namespace, name: 'mine' });
    await client.update(endpointSlices, {
      ...present,
      metadata: { ...present.metadata, annotations: { ...present.metadata?.annotations, updated: 'true' } },
    });
    await recording.until('MODIFIED', ({ metadata }) => metadata?.annotations?.['updated'] === 'true');
    expect(
      (await client.list(endpointSlices, { labelSelector: `special-label=${namespace}` })).items.map(nameOf),
    ).toEqual(['mine']);
    await client.deleteCollection(endpointSlices, { namespace, labelSelector: `special-label=${namespace}` });
    await recording.until('DELETED');
    await expect(client.update(endpointSlices, { ...created, addressType: 'IPv6' })).rejects.toThrow();
    recording.stop();
  });

  it('row 191: endpoints made by hand are mirrored into slices, changes and deletion too', async () => {
    const scene = await cluster.scene('services');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'outside' },
      spec: { ports: [{ port: 80 }] },
    });
    const subset = (ip: string): V1Endpoints['subsets'] => [{ addresses: [{ ip }], ports: [{ port: 80 }] }];
    await client.create(endpoints, { metadata: { namespace, name: 'outside' }, subsets: subset('10.1.2.3') });
    await eventually(async () => expect(await targetsOf(scene, 'outside')).toEqual(['10.1.2.3:80']));
    expect((await slicesOf(scene, 'outside'))[0]?.metadata?.labels?.['endpointslice.kubernetes.io/managed-by']).toBe(
      'endpointslicemirroring-controller.k8s.io',
    );
    await client.patch(endpoints, { namespace, name: 'outside' }, 'merge', { subsets: subset('10.2.3.4') });
    await eventually(async () => expect(await targetsOf(scene, 'outside')).toEqual(['10.2.3.4:80']));
    await client.delete(endpoints, { namespace, name: 'outside' });
    await eventually(async () => expect(await slicesOf(scene, 'outside')).toEqual([]));
  });

  it('row 202: endpoints of a new service appear soon, of many services too', async () => {
    const scene = await cluster.scene('services');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(pod('web'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', TIMEOUT]);
    const recording = new Recording(client, endpointSlices, { namespace });
    const latencies = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const name = `s${i}`;
        const startMs = Date.now();
        await client.create(services, {
          metadata: { namespace, name },
          spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
        });
        await eventually(() => {
          const slices = recording.events.map(({ object }) => object);
          const ofThis = slices.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name);
          expect(ofThis.some((slice) => slice.endpoints?.length === 1)).toBe(true);
          return Promise.resolve();
        });
        return Date.now() - startMs;
      }),
    );
    recording.stop();
    latencies.sort((one, other) => one - other);
    expect(latencies[25], 'median').toBeLessThan(20_000);
    expect(latencies[49], 'slowest').toBeLessThan(50_000);
  });

  it('row 163: kubectl expose makes services with the ports asked for, and endpoints fill in', async () => {
    const scene = await cluster.scene('services');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(replicationController('primary'));
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=1', 'rc/primary', TIMEOUT]);
    const ip = await kubectl.path(['get', 'pods', '-l', 'app=primary'], '{.items[0].status.podIP}');
    await kubectl.ok(['expose', 'rc', 'primary', '--name=rm2', '--port=1234', '--target-port=6379']);
    await kubectl.ok(['expose', 'service', 'rm2', '--name=rm3', '--port=2345', '--target-port=6379']);
    for (const [name, port] of [
      ['rm2', 1234],
      ['rm3', 2345],
    ] as const) {
      expect((await client.get(services, { namespace, name })).spec?.ports).toEqual([
        expect.objectContaining({ port, targetPort: 6379 }),
      ]);
      await eventually(async () => expect(await targetsOf(scene, name)).toEqual([`${ip}:6379`]));
    }
  });

  it('pods that are not ready, or going, get no traffic, unless the service says so', async () => {
    const scene = await cluster.scene('services');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(
      deployment('web', { replicas: 2 }),
      service('web'),
      service('all', { selector: { app: 'web' }, publishNotReadyAddresses: true }),
    );
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await eventually(async () => expect(await targetsOf(scene, 'web')).toHaveLength(2));
    const [first] = (await client.list(pods, { namespace })).items;
    await client.patch(pods, { namespace, name: nameOf(first ?? {}) }, 'merge', {
      metadata: { annotations: { 'simulated.zeroplane.dev/ready': 'false' } },
    });
    const ready = async (name: string): Promise<number> =>
      (await slicesOf(scene, name)).flatMap((slice) => slice.endpoints ?? []).filter((one) => one.conditions?.ready)
        .length;
    await eventually(async () => {
      expect(await ready('web')).toBe(1);
      expect(endpointTargets(await client.get(endpoints, { namespace, name: 'web' }))).toHaveLength(1);
    });
    expect(await ready('all')).toBe(2);
  });

  it('cluster IPs: released with the service, kept on change, freed by ExternalName (row 203)', async () => {
    const { client, kubectl, namespace } = await cluster.scene('services');
    const clusterIP = '10.96.77.77';
    await kubectl.apply(service('web', { clusterIP }));
    expect(await kubectl.ok(['get', 'ipaddress', clusterIP, '--no-headers'])).toMatch(
      new RegExp(`^10\\.96\\.77\\.77 +services/${namespace}/web$`, 'm'),
    );
    expect(
      await kubectl.fails(['create', 'service', 'clusterip', 'other', '--tcp=80', `--clusterip=${clusterIP}`]),
    ).toMatch(/spec\.clusterIPs: Invalid value: .*10\.96\.77\.77.*provided IP is already allocated/);
    expect(await kubectl.fails(['patch', 'service', 'web', '-p', '{"spec":{"clusterIP":"10.96.77.78"}}'])).toContain(
      'may not change once set',
    );
    await kubectl.ok([
      'patch',
      'service',
      'web',
      '-p',
      '{"spec":{"type":"ExternalName","externalName":"example.org"}}',
    ]);
    const external = (await client.get(services, { namespace, name: 'web' })).spec;
    expect(external?.clusterIP ?? '').toBe('');
    await kubectl.ok(['create', 'service', 'clusterip', 'other', '--tcp=80', `--clusterip=${clusterIP}`]);
    await kubectl.ok(['delete', 'service', 'other']);
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'ipaddress', clusterIP, '--ignore-not-found'])).toBe(''),
    );
  });
});
