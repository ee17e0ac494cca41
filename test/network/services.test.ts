import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemHost } from '../../agent/network/host.js';
import { ServiceTable } from '../../agent/network/service-index.js';
import { Conntrack } from '../../agent/proxy/conntrack.js';
import { Nftables } from '../../agent/proxy/nftables.js';
import { ServiceProxy } from '../../agent/proxy/service-proxy.js';
import { systemClock } from '../../lib/clock/system.js';
import type { V1EndpointSlice, V1Service } from '../../lib/schema/generated/types.js';
import { noNamespacesReason, type Namespace } from '../support/netns.js';
import { skipWithoutNamespaces } from '../support/skip-without-namespaces.js';
import { NodeNetwork, podIp, podIp6 } from '../support/netns-node.js';
import { service, slice } from './support.js';

// Services over the real kernel: a node, three pods and a machine outside, each in a network namespace of its own.

const FAMILIES = ['IPv4', 'IPv6'] as const;
const VIP = '10.96.0.80';
const TABLE = 'zeroplane-test';

let network: NodeNetwork;
let table: ServiceTable;
let proxy: ServiceProxy;
let firewall: Nftables;
const warnings: unknown[] = [];

skipWithoutNamespaces();
beforeAll(async () => {
  if (noNamespacesReason() !== undefined) return;
  network = new NodeNetwork();
  for (let index = 0; index < 3; index++) {
    const pod = network.addPod();
    await pod.call('listenTcp', { host: '::', port: 8080, name: `pod${index}` });
    await pod.call('listenUdp', { host: '0.0.0.0', port: 8080, name: `pod${index}` });
  }
});
afterAll(() => network?.destroy());

beforeEach(async () => {
  if (noNamespacesReason() !== undefined) return;
  await proxy?.close();
  table = new ServiceTable();
  const clusterCidrs = { IPv4: '10.244.0.0/16', IPv6: 'fd00:244::/32' };
  const host = network.node.host();
  firewall = new Nftables({ host, table: TABLE, families: FAMILIES, clusterCidrs });
  proxy = new ServiceProxy({
    source: table,
    firewall,
    conntrack: new Conntrack(host, FAMILIES),
    context: { families: FAMILIES, nodeName: 'node-1', zone: 'a', nodeIps: ['192.0.2.1', 'fd00:2::1'], clusterCidrs },
    clock: systemClock,
    log: (level, message, data) => warnings.push({ level, message, data }),
  });
  await proxy.start();
  warnings.length = 0;
});

async function put(...objects: (V1Service | V1EndpointSlice)[]): Promise<void> {
  for (const object of objects) {
    const key = `default/${object.metadata?.name}`;
    if ('spec' in object) table.setService(key, object);
    else table.setSlice(key, object as V1EndpointSlice);
  }
  await proxy.settled();
}

const tcp = (from: Namespace, host: string, port = 80): Promise<string> => from.call('tcp', { host, port });

/** Who answered, each one's name. */
async function answers(from: Namespace, host: string, port = 80, count = 24): Promise<Set<string>> {
  const texts = await Promise.all(Array.from({ length: count }, () => tcp(from, host, port)));
  return new Set(texts.map((text) => text.split(' ')[0] as string));
}

test('217: a service forwards to whichever endpoints remain, spread over all, from pods, the node and outside', async () => {
  const [pod] = network.pods as [Namespace];
  await put(service('web', { clusterIP: VIP }), slice('web', [podIp(1), podIp(2)]));
  for (const from of [pod, network.node, network.outside]) {
    expect(await answers(from, VIP)).toEqual(new Set(['pod1', 'pod2']));
  }
  await put(slice('web', [podIp(2)]));
  expect(await answers(pod, VIP)).toEqual(new Set(['pod2']));
  await put(slice('web', [podIp(0), podIp(2)]));
  expect(await answers(network.node, VIP)).toEqual(new Set(['pod0', 'pod2']));
  expect(warnings).toEqual([]);
});

test('a pod sees the address of a pod, and of nobody from outside', async () => {
  await put(service('web', { clusterIP: VIP }), slice('web', [podIp(1)]));
  expect(await tcp(network.pods[0] as Namespace, VIP)).toBe(`pod1 ::ffff:${podIp(0)}`);
  expect(await tcp(network.outside, VIP)).toBe('pod1 ::ffff:10.244.1.1');
});

test('without endpoints a service refuses at once, also on ports that it does not have', async () => {
  const spec = { clusterIP: VIP, type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] };
  await put(service('web', spec), slice('web', []));
  for (const from of [network.pods[0] as Namespace, network.node, network.outside]) {
    expect(await tcp(from, VIP)).toBe('ECONNREFUSED');
    expect(await tcp(from, VIP, 81)).toBe('ECONNREFUSED');
    expect(await tcp(from, '192.0.2.1', 30080)).toBe('ECONNREFUSED');
  }
  await put(slice('web', [podIp(1)]));
  expect(await tcp(network.outside, VIP)).toMatch(/^pod1/);
  expect(await tcp(network.outside, VIP, 81)).toBe('ECONNREFUSED');
});

test('a pod reaches itself through its service', async () => {
  await put(service('web', { clusterIP: VIP }), slice('web', [podIp(0)]));
  expect(await tcp(network.pods[0] as Namespace, VIP)).toBe('pod0 ::ffff:10.244.1.1');
});

test('208: a NodePort service answers on cluster IP and node addresses, from pods, the node and outside', async () => {
  const spec = { clusterIP: VIP, type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] };
  await put(service('web', spec), slice('web', [podIp(1), podIp(2)]));
  for (const from of [network.pods[0] as Namespace, network.node, network.outside]) {
    expect(await answers(from, '192.0.2.1', 30080)).toEqual(new Set(['pod1', 'pod2']));
    expect(await answers(from, VIP)).toEqual(new Set(['pod1', 'pod2']));
  }
  expect(await tcp(network.pods[0] as Namespace, '10.244.1.1', 30080)).toMatch(/^pod/);
  // The type changes: 207, the node port is free again.
  await put(service('web', { type: 'ExternalName', externalName: 'example.com' }));
  expect(await tcp(network.outside, '192.0.2.1', 30080)).toBe('ECONNREFUSED');
});

test('209, 210, 214, 215: session affinity to ClientIP sticks, is shared by cluster IP and node port, and can be switched', async () => {
  const ports = [{ port: 80, protocol: 'TCP', nodePort: 30080 }];
  const spread = { clusterIP: VIP, type: 'NodePort', ports };
  const sticky = {
    ...spread,
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  };
  const all = slice('web', [podIp(0), podIp(1), podIp(2)]);
  await put(service('web', sticky), all);
  expect(await firewall.isUntouched()).toBe(true);
  const first = await answers(network.outside, VIP, 80, 12);
  expect(first.size).toBe(1);
  expect(await answers(network.outside, '192.0.2.1', 30080, 12)).toEqual(first);
  // Remembered clients are no change of the table; a rule in one of its chains is.
  expect(network.node.run('nft', 'list', 'table', 'ip', TABLE)).toMatch(/elements = \{ 192\.0\.2\.2 expires/);
  expect(await firewall.isUntouched()).toBe(true);
  network.node.run('nft', 'add', 'rule', 'ip', TABLE, 'svc-default/web/tcp/', 'counter');
  expect(await firewall.isUntouched()).toBe(false);
  await put(service('web', spread));
  expect((await answers(network.outside, VIP)).size).toBeGreaterThan(1);
  expect((await answers(network.outside, '192.0.2.1', 30080)).size).toBeGreaterThan(1);
  await put(service('web', sticky));
  const chosen = await answers(network.outside, VIP, 80, 12);
  expect(chosen.size).toBe(1);
  // Who remembers an endpoint that leaves gets another; the others keep theirs.
  const [name] = chosen;
  const left = [0, 1, 2].filter((index) => `pod${index}` !== name);
  await put(slice('web', left.map(podIp)));
  const next = await answers(network.outside, VIP, 80, 12);
  expect(next.size).toBe(1);
  expect(next).not.toEqual(chosen);
  // Also when everything is written anew.
  proxy.resync();
  await proxy.settled();
  expect(await answers(network.outside, VIP, 80, 12)).toEqual(next);
});

test('session affinity ends with its time-out', async () => {
  const sessionAffinityConfig = { clientIP: { timeoutSeconds: 1 } };
  await put(
    service('web', { clusterIP: VIP, sessionAffinity: 'ClientIP', sessionAffinityConfig }),
    slice('web', [podIp(0), podIp(1), podIp(2)]),
  );
  const seen = new Set<string>();
  for (let round = 0; round < 12 && seen.size < 2; round++) {
    for (const name of await answers(network.node, VIP, 80, 3)) seen.add(name);
    await new Promise((resolve) => setTimeout(resolve, 1200));
  }
  expect(seen.size).toBeGreaterThan(1);
});

test('external traffic policy Local: outsiders keep their address and get endpoints of this node only', async () => {
  const spec = {
    clusterIP: VIP,
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
  };
  const here = { addresses: [podIp(1)], nodeName: 'node-1' };
  const there = { addresses: [podIp(2)], nodeName: 'node-2' };
  await put(service('web', spec), slice('web', [here, there]));
  expect(await tcp(network.outside, '192.0.2.1', 30080)).toBe('pod1 ::ffff:192.0.2.2');
  expect(await answers(network.outside, '192.0.2.1', 30080)).toEqual(new Set(['pod1']));
  expect(await answers(network.outside, VIP)).toEqual(new Set(['pod1', 'pod2']));
  // Pods and the node itself get any endpoint.
  expect(await answers(network.node, '192.0.2.1', 30080)).toEqual(new Set(['pod1', 'pod2']));
  expect(await answers(network.pods[0] as Namespace, '192.0.2.1', 30080)).toEqual(new Set(['pod1', 'pod2']));
  // With none here the load balancer is to look elsewhere: no answer, no refusal.
  await put(slice('web', [there]));
  expect(await network.outside.call('tcp', { host: '192.0.2.1', port: 30080, timeoutMs: 400 })).toBe('ETIMEDOUT');
  expect(await tcp(network.node, '192.0.2.1', 30080)).toMatch(/^pod2/);
});

test('internal traffic policy Local: endpoints of this node only, nothing when there are none', async () => {
  const here = { addresses: [podIp(1)], nodeName: 'node-1' };
  const there = { addresses: [podIp(2)], nodeName: 'node-2' };
  await put(service('web', { clusterIP: VIP, internalTrafficPolicy: 'Local' }), slice('web', [here, there]));
  const pod = network.pods[0] as Namespace;
  expect(await answers(pod, VIP)).toEqual(new Set(['pod1']));
  await put(slice('web', [there]));
  expect(await pod.call('tcp', { host: VIP, port: 80, timeoutMs: 400 })).toBe('ETIMEDOUT');
});

test('terminating endpoints serve only when nothing else is left', async () => {
  const ending = (ip: string) => ({
    addresses: [ip],
    nodeName: 'node-1',
    conditions: { ready: false, serving: true, terminating: true },
  });
  await put(service('web', { clusterIP: VIP }), slice('web', [ending(podIp(0)), podIp(1)]));
  expect(await answers(network.node, VIP)).toEqual(new Set(['pod1']));
  await put(slice('web', [ending(podIp(0)), ending(podIp(1))]));
  expect(await answers(network.node, VIP)).toEqual(new Set(['pod0', 'pod1']));
});

test('zone hints keep traffic in the zone', async () => {
  const hinted = (ip: string, zone: string) => ({ addresses: [ip], hints: { forZones: [{ name: zone }] } });
  await put(service('web', { clusterIP: VIP }), slice('web', [hinted(podIp(0), 'a'), hinted(podIp(1), 'b')]));
  expect(await answers(network.node, VIP)).toEqual(new Set(['pod0']));
  await put(slice('web', [hinted(podIp(0), 'c'), hinted(podIp(1), 'b')]));
  expect(await answers(network.node, VIP)).toEqual(new Set(['pod0', 'pod1']));
});

test('external IPs and load balancer addresses forward; source ranges let in whom they name', async () => {
  const spec = {
    clusterIP: VIP,
    type: 'LoadBalancer',
    externalIPs: ['203.0.113.1'],
    loadBalancerSourceRanges: ['192.0.2.2/32', '192.0.2.0/30'],
  };
  const status = { loadBalancer: { ingress: [{ ip: '203.0.113.2' }, { ip: '203.0.113.3', ipMode: 'Proxy' }] } };
  await put(service('web', spec, status), slice('web', [podIp(1)]));
  expect(await tcp(network.outside, '203.0.113.1')).toMatch(/^pod1/);
  expect(await tcp(network.outside, '203.0.113.2')).toMatch(/^pod1/);
  await put(service('web', { ...spec, loadBalancerSourceRanges: ['198.51.100.0/24'] }, status));
  expect(await network.outside.call('tcp', { host: '203.0.113.2', port: 80, timeoutMs: 400 })).toBe('ETIMEDOUT');
  expect(await tcp(network.outside, '203.0.113.1')).toMatch(/^pod1/);
});

test('218: TCP and UDP on one port number; dropping one stops only that one', async () => {
  const tcpPort = { port: 80, protocol: 'TCP', name: 't' };
  const udpPort = { port: 80, protocol: 'UDP', name: 'u' };
  const ports = [
    { port: 8080, protocol: 'TCP', name: 't' },
    { port: 8080, protocol: 'UDP', name: 'u' },
  ];
  await put(service('both', { clusterIP: VIP, ports: [tcpPort, udpPort] }), slice('both', [podIp(1)], ports));
  const pod = network.pods[0] as Namespace;
  expect(await tcp(pod, VIP)).toMatch(/^pod1/);
  expect(await pod.call('udp', { id: 'a', host: VIP, port: 80 })).toMatch(/^pod1/);
  await put(service('both', { clusterIP: VIP, ports: [udpPort] }));
  expect(await tcp(pod, VIP)).toBe('ECONNREFUSED');
  expect(await pod.call('udp', { id: 'b', host: VIP, port: 80 })).toMatch(/^pod1/);
  await put(service('both', { clusterIP: VIP, ports: [tcpPort] }));
  expect(await tcp(pod, VIP)).toMatch(/^pod1/);
  expect(await pod.call('udp', { id: 'c', host: VIP, port: 80 })).toBe('ETIMEDOUT');
});

test('219: each port of a service goes to the pod that serves it, as pods come and go', async () => {
  const ports = [
    { port: 80, protocol: 'TCP', name: 'one' },
    { port: 81, protocol: 'TCP', name: 'two' },
  ];
  const first = slice('multi', [podIp(1)], [{ port: 8080, protocol: 'TCP', name: 'one' }]);
  const second = slice('multi', [podIp(2)], [{ port: 8080, protocol: 'TCP', name: 'two' }]);
  second.metadata = { ...second.metadata, name: 'multi-2' };
  await put(service('multi', { clusterIP: VIP, ports }), first, second);
  expect(await tcp(network.node, VIP, 80)).toMatch(/^pod1/);
  expect(await tcp(network.node, VIP, 81)).toMatch(/^pod2/);
  table.setSlice('default/multi-1', undefined);
  await proxy.settled();
  expect(await tcp(network.node, VIP, 80)).toBe('ECONNREFUSED');
  expect(await tcp(network.node, VIP, 81)).toMatch(/^pod2/);
});

test('UDP clients leave removed endpoints, though they go on sending from the same port', async () => {
  const udp = [{ port: 8080, protocol: 'UDP', name: '' }];
  const ports = [{ port: 80, protocol: 'UDP', nodePort: 30081 }];
  await put(service('dns', { clusterIP: VIP, type: 'NodePort', ports }), slice('dns', [podIp(1)], udp));
  const pod = network.pods[0] as Namespace;
  expect(await pod.call('udp', { id: 'flow', host: VIP, port: 80 })).toMatch(/^pod1/);
  expect(await network.outside.call('udp', { id: 'port', host: '192.0.2.1', port: 30081 })).toMatch(/^pod1/);
  await put(slice('dns', [podIp(2)], udp));
  expect(await pod.call('udp', { id: 'flow', host: VIP, port: 80 })).toMatch(/^pod2/);
  expect(await network.outside.call('udp', { id: 'port', host: '192.0.2.1', port: 30081 })).toMatch(/^pod2/);
  expect(warnings).toEqual([]);
});

test('pods leave the cluster with the address of the node, and reach each other with their own', async () => {
  await network.outside.call('listenTcp', { host: '192.0.2.2', port: 9000, name: 'out' });
  await put();
  expect(await tcp(network.pods[0] as Namespace, '192.0.2.2', 9000)).toBe('out 192.0.2.1');
  expect(await tcp(network.pods[0] as Namespace, podIp(1), 8080)).toBe(`pod1 ::ffff:${podIp(0)}`);
});

test('IPv6: cluster IP, node port, hairpin and refusal', async () => {
  const ports = [{ port: 80, protocol: 'TCP', nodePort: 30080 }];
  const spec = { clusterIP: VIP, clusterIPs: [VIP, 'fd00:96::50'], type: 'NodePort', ports };
  const [pod] = network.pods as [Namespace];
  await put(service('web', spec), slice('web', [podIp6(0), podIp6(1)]));
  for (const from of [pod, network.node, network.outside]) {
    expect(await answers(from, 'fd00:96::50')).toEqual(new Set(['pod0', 'pod1']));
    expect(await answers(from, 'fd00:2::1', 30080)).toEqual(new Set(['pod0', 'pod1']));
  }
  expect(await tcp(network.outside, VIP)).toBe('ECONNREFUSED');
  await put(slice('web', []));
  expect(await tcp(pod, 'fd00:96::50')).toBe('ECONNREFUSED');
});

test('a wiped table is written anew; the removal leaves nothing', async () => {
  await put(service('web', { clusterIP: VIP }), slice('web', [podIp(1)]));
  network.node.run('nft', 'flush', 'ruleset');
  expect(await network.node.call('tcp', { host: VIP, port: 80, timeoutMs: 300 })).not.toMatch(/^pod1/);
  // The next change fails on the wiped table, and the answer to a failure is to write everything.
  await put(service('other', { clusterIP: '10.96.0.81' }), slice('other', [podIp(2)]));
  expect(await tcp(network.node, VIP)).toMatch(/^pod1/);
  expect(await tcp(network.node, '10.96.0.81')).toMatch(/^pod2/);
  network.node.run('nft', 'add', 'table', 'ip', 'of-others');
  await proxy.remove();
  expect(network.node.run('nft', 'list', 'ruleset').trim()).toBe('table ip of-others {\n}');
});

test('without the right to program nftables the error says which is missing and how to get it', async () => {
  const unprivileged = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
  const host = systemHost([...network.node.prefix, ...unprivileged]);
  const firewall = new Nftables({ host, table: TABLE, families: ['IPv4'], clusterCidrs: {} });
  await expect(firewall.check()).rejects.toThrow(
    /may not program nftables: Services need root, or the capability CAP_NET_ADMIN/,
  );
  const missing = { ...host, run: () => systemHost().run('/nowhere/nft', []) };
  const elsewhere = new Nftables({ host: missing, table: TABLE, families: ['IPv4'], clusterCidrs: {} });
  await expect(elsewhere.check()).rejects.toThrow(/is not installed/);
});
