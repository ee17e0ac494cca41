import { beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { FakeClock } from '../../../lib/clock/fake.js';
import { seededRandom } from '../../../lib/random.js';
import type { V1IPAddress, V1Service, V1ServiceSpec } from '../../../lib/schema/generated/types.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import type { Reserved } from '../admission/plugin.js';
import { defaultService, prepareService, prepareServiceUpdate } from '../resources/core/service/prepare.js';
import { serviceAllocation, type ServiceAllocation } from './index.js';
import { parseIp } from '../../../lib/net/ip.js';
import { IpRange } from './ip-range.js';

let clock: FakeClock;
let store: MemoryStore;
let allocation: ServiceAllocation;

function allocationWith(options: Partial<Parameters<typeof serviceAllocation>[0]> = {}): ServiceAllocation {
  return serviceAllocation({ store, clock, random: seededRandom(3), ...options });
}

beforeEach(() => {
  clock = new FakeClock();
  store = new MemoryStore({ clock });
  allocation = allocationWith();
});

function service(name: string, spec: V1ServiceSpec = {}): V1Service & { spec: V1ServiceSpec } {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default' },
    spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  };
}

const begin = (object: V1Service | undefined, old?: V1Service, dryRun = false): Promise<Reserved> =>
  (allocation.reservations['core/services'] as NonNullable<ServiceAllocation['reservations'][string]>).begin(
    object as KubernetesObject | undefined,
    old as KubernetesObject | undefined,
    dryRun,
  );

/** As the registry does it: the kind's own hooks first. */
async function create(object: V1Service & { spec: V1ServiceSpec }): Promise<V1Service & { spec: V1ServiceSpec }> {
  defaultService(object);
  prepareService(object);
  await (await begin(object)).commit();
  return object;
}

/** The old service with other fields, as a client would send it, committed. */
async function update(
  old: V1Service & { spec: V1ServiceSpec },
  spec: V1ServiceSpec,
): Promise<V1Service & { spec: V1ServiceSpec }> {
  const object = structuredClone({ ...old, spec: { ...old.spec, ...spec } });
  defaultService(object);
  prepareServiceUpdate(object, old);
  await (await begin(object, old)).commit();
  return object;
}

const keys = async (collection: string): Promise<string[]> =>
  (await store.list(collection)).items.map(({ key }) => key);
const addresses = (): Promise<string[]> => keys('networking.k8s.io/ipaddresses');
const ports = (): Promise<string[]> => keys('zeroplane/nodeports');

async function save(object: V1Service): Promise<void> {
  const key = `${object.metadata?.namespace}/${object.metadata?.name}`;
  await store.write('core/services', [{ key, expect: 'absent', body: () => Buffer.from(JSON.stringify(object)) }]);
}

describe('cluster IPs', () => {
  test('are given with a create, as an IPAddress object', async () => {
    const { spec } = await create(service('web'));
    expect(spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', clusterIPs: [spec.clusterIP] });
    const stored = await store.get('networking.k8s.io/ipaddresses', spec.clusterIP ?? '');
    const address = JSON.parse(Buffer.from(stored?.body ?? []).toString()) as V1IPAddress;
    expect(address).toMatchObject({
      kind: 'IPAddress',
      apiVersion: 'networking.k8s.io/v1',
      metadata: {
        name: spec.clusterIP,
        uid: expect.any(String),
        resourceVersion: String(stored?.revision),
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv4',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
    });
  });

  test('200 concurrent creates get 200 addresses and ports, none from the static bands', async () => {
    const services = await Promise.all(
      Array.from({ length: 200 }, (_, index) => create(service(`s${index}`, { type: 'NodePort' }))),
    );
    const ips = services.map(({ spec }) => spec.clusterIP ?? '');
    const nodePorts = services.map(({ spec }) => spec.ports?.[0]?.nodePort ?? 0);
    expect(new Set(ips).size).toBe(200);
    expect(new Set(nodePorts).size).toBe(200);
    for (const ip of ips) expect(parseIp(ip)?.value).toBeGreaterThan(parseIp('10.96.1.0')?.value ?? 0n);
    for (const port of nodePorts) expect(port).toBeGreaterThanOrEqual(30_086);
    expect((await addresses()).toSorted()).toEqual(ips.toSorted());
  });

  test('asked for by number are given when free and in range', async () => {
    const { spec } = await create(service('kubernetes', { clusterIP: '10.96.0.1' }));
    expect(spec).toMatchObject({ clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] });
    await expect(create(service('dns', { clusterIP: '10.96.0.1' }))).rejects.toThrow(
      'Service "dns" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    );
    await expect(create(service('x', { clusterIP: '1.2.3.4' }))).rejects.toThrow(
      'Service "x" is invalid: spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
    );
    for (const outside of ['10.96.0.0', '10.96.255.255', '10.97.0.0'])
      await expect(create(service('y', { clusterIP: outside }))).rejects.toMatchObject({ code: 422 });
  });

  test('fill a range to its last address, then it is full', async () => {
    allocation = allocationWith({ serviceCidrs: ['10.0.0.0/27'] });
    const made = await Promise.all(Array.from({ length: 30 }, (_, index) => create(service(`s${index}`))));
    expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(30);
    const refused = create(service('late'));
    await expect(refused).rejects.toMatchObject({ code: 500, reason: 'InternalError' });
    await expect(refused).rejects.toThrow(
      'Internal error occurred: failed to allocate a serviceIP for Service "late": range is full',
    );
    await (await begin(undefined, made[7])).commit();
    expect((await create(service('late'))).spec.clusterIP).toBe(made[7]?.spec.clusterIP);
  });

  test('come from further ServiceCIDRs too', async () => {
    allocation = allocationWith({ serviceCidrs: ['10.0.0.0/30'] });
    const body = (status?: object) => (): Uint8Array =>
      Buffer.from(JSON.stringify({ metadata: { name: 'more' }, spec: { cidrs: ['10.1.0.0/28'] }, status }));
    const [revision = 0] = await store.write('networking.k8s.io/servicecidrs', [
      { key: 'more', expect: 'absent', body: body({ conditions: [{ type: 'Ready', status: 'False' }] }) },
    ]);
    await create(service('a'));
    await create(service('b'));
    await expect(create(service('c'))).rejects.toThrow('range is full');
    await store.write('networking.k8s.io/servicecidrs', [{ key: 'more', expect: revision, body: body() }]);
    expect((await create(service('c'))).spec.clusterIP).toMatch(/^10\.1\.0\./);
  });

  test('a headless or external service has none', async () => {
    expect((await create(service('h', { clusterIP: 'None', selector: { app: 'h' } }))).spec).toMatchObject({
      clusterIPs: ['None'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
    expect((await create(service('hs', { clusterIP: 'None' }))).spec).toMatchObject({
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    });
    const external = await create(
      service('e', { type: 'ExternalName', externalName: 'example.com', ports: undefined }),
    );
    expect(external.spec.clusterIP).toBeUndefined();
    expect(external.spec.ipFamilies).toBeUndefined();
    expect(await addresses()).toEqual([]);
  });

  test('a dry run shows values and keeps none; an abort gives back', async () => {
    const dry = service('dry', { type: 'NodePort' });
    await (await begin(dry, undefined, true)).commit();
    expect(dry.spec.clusterIP).toMatch(/^10\.96\./);
    expect(dry.spec.ports?.[0]?.nodePort).toBeGreaterThan(30_000);
    const reserved = await begin(service('failed', { type: 'NodePort' }));
    expect([await addresses(), await ports()].map(({ length }) => length)).toEqual([1, 1]);
    await reserved.abort();
    expect([...(await addresses()), ...(await ports())]).toEqual([]);
  });

  test('a failure half way gives back what was reserved before it', async () => {
    const bad = service('bad', { type: 'NodePort', ports: [{ port: 80 }, { port: 81, nodePort: 80 }] });
    await expect(begin(bad)).rejects.toThrow(
      'Service "bad" is invalid: spec.ports[1].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
    expect([...(await addresses()), ...(await ports())]).toEqual([]);
  });
});

describe('two families', () => {
  beforeEach(() => {
    allocation = allocationWith({ serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] });
  });

  test('are given on demand, and the second is given up on demand', async () => {
    const single = await create(service('s'));
    expect(single.spec.clusterIPs).toHaveLength(1);
    const dual = await update(single, { ipFamilyPolicy: 'RequireDualStack' });
    expect(dual.spec.ipFamilies).toEqual(['IPv4', 'IPv6']);
    expect(dual.spec.clusterIPs).toEqual([single.spec.clusterIP, expect.stringMatching(/^fd00:10:96::/)]);
    expect(await addresses()).toHaveLength(2);
    await expect(update(dual, { ipFamilies: ['IPv4'] })).rejects.toThrow(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family',
    );
    const again = await update(dual, { ipFamilyPolicy: 'SingleStack' });
    expect(again.spec).toMatchObject({ clusterIPs: [single.spec.clusterIP], ipFamilies: ['IPv4'] });
    expect(await addresses()).toEqual([single.spec.clusterIP]);
  });

  test('IPv6 first, as asked', async () => {
    const { spec } = await create(service('six', { ipFamilies: ['IPv6'], ipFamilyPolicy: 'PreferDualStack' }));
    expect(spec.ipFamilies).toEqual(['IPv6', 'IPv4']);
    expect(spec.clusterIP).toMatch(/^fd00:10:96::/);
  });

  test('are refused where the cluster has one', async () => {
    allocation = allocationWith();
    await expect(create(service('d', { ipFamilyPolicy: 'RequireDualStack' }))).rejects.toThrow(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    await expect(create(service('d', { ipFamilies: ['IPv6'] }))).rejects.toThrow(
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
    expect((await create(service('p', { ipFamilyPolicy: 'PreferDualStack' }))).spec.ipFamilies).toEqual(['IPv4']);
  });
});

describe('changes of type', () => {
  test('give and take what each type needs', async () => {
    const clusterIp = await create(service('web'));
    const nodePort = await update(clusterIp, { type: 'NodePort' });
    expect(nodePort.spec.clusterIP).toBe(clusterIp.spec.clusterIP);
    const port = nodePort.spec.ports?.[0]?.nodePort;
    expect(await ports()).toEqual([String(port)]);

    const balancer = await update(nodePort, { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    expect(balancer.spec.ports?.[0]?.nodePort).toBe(port);
    expect(await ports()).toHaveLength(2);
    expect(await ports()).toContain(String(balancer.spec.healthCheckNodePort));

    const back = await update(balancer, { type: 'ClusterIP' });
    expect(back.spec.ports?.[0]?.nodePort).toBeUndefined();
    expect(await ports()).toEqual([]);
    expect(await addresses()).toEqual([clusterIp.spec.clusterIP]);

    const external = await update(back, { type: 'ExternalName', externalName: 'example.com' });
    expect(external.spec.clusterIP).toBeUndefined();
    expect(await addresses()).toEqual([]);
    const last = await update(external, { type: 'NodePort' });
    expect(await addresses()).toEqual([last.spec.clusterIP]);
    await (await begin(undefined, last)).commit();
    expect([...(await addresses()), ...(await ports())]).toEqual([]);
  });

  test('an update that leaves out what was allocated keeps it', async () => {
    const old = await create(
      service('web', {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 81 },
        ],
      }),
    );
    const [a, b] = old.spec.ports ?? [];
    const next = await update(old, {
      clusterIP: undefined,
      clusterIPs: undefined,
      ipFamilies: undefined,
      ports: [
        { name: 'b', port: 81 },
        { name: 'c', port: 82 },
      ],
    });
    expect(next.spec.clusterIPs).toEqual(old.spec.clusterIPs);
    expect(next.spec.ports?.[0]?.nodePort).toBe(b?.nodePort);
    expect(await ports()).toHaveLength(2);
    expect(await ports()).not.toContain(String(a?.nodePort));
  });

  test('a refused update releases nothing, and one that is aborted neither', async () => {
    const old = await create(service('web', { type: 'NodePort' }));
    const reserved = await begin({ ...old, spec: { ...old.spec, type: 'ClusterIP' } }, old);
    await reserved.abort();
    expect(await ports()).toEqual([String(old.spec.ports?.[0]?.nodePort)]);
  });

  test('one port number over two protocols shares a node port', async () => {
    const dns = await create(
      service('dns', {
        type: 'NodePort',
        ports: [
          { name: 'u', port: 53, protocol: 'UDP' },
          { name: 't', port: 53, protocol: 'TCP' },
        ],
      }),
    );
    expect(dns.spec.ports?.[0]?.nodePort).toBe(dns.spec.ports?.[1]?.nodePort);
    expect(await ports()).toHaveLength(1);
    await expect(
      create(service('x', { type: 'NodePort', ports: [{ port: 1, nodePort: dns.spec.ports?.[0]?.nodePort }] })),
    ).rejects.toThrow('provided port is already allocated');
  });

  test('a load balancer may do without node ports, and keeps those it has', async () => {
    await create(service('lb', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }));
    expect(await ports()).toEqual([]);
    const has = await create(service('has', { type: 'LoadBalancer' }));
    const still = await update(has, { allocateLoadBalancerNodePorts: false });
    expect(await ports()).toEqual([String(still.spec.ports?.[0]?.nodePort)]);
  });
});

describe('repair', () => {
  test('gives back what leaked once it is old enough, and re-makes what is missing', async () => {
    await begin(service('crashed', { type: 'NodePort' }));
    const kept = await create(service('kept', { type: 'NodePort' }));
    await save(kept);
    await save(
      service('lost', {
        type: 'NodePort',
        clusterIP: '10.96.0.77',
        clusterIPs: ['10.96.0.77'],
        ports: [{ port: 1, nodePort: 30_001 }],
      }),
    );
    expect(await allocation.repair()).toEqual({ made: 2, released: 0 });
    await clock.advance(61_000);
    expect(await allocation.repair()).toEqual({ made: 0, released: 2 });
    expect((await addresses()).toSorted()).toEqual(['10.96.0.77', kept.spec.clusterIP].toSorted());
    expect((await ports()).toSorted()).toEqual(['30001', String(kept.spec.ports?.[0]?.nodePort)].toSorted());
    expect(await allocation.repair()).toEqual({ made: 0, released: 0 });
  });
});

describe('ranges', () => {
  test('begin behind the network address', () => {
    const range = new IpRange('10.96.5.7/16');
    expect(range.cidr).toBe('10.96.0.0/16');
    expect([range.at(1), range.at(10)]).toEqual(['10.96.0.1', '10.96.0.10']);
    expect(() => new IpRange('10.96.0.0')).toThrow('is not a CIDR');
  });
});
