import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeUpstream, encodeUpstreamQuery, questionOf, type UpstreamAnswer } from '../../agent/dns/message.js';
import { RCODE, TYPE } from '../../agent/dns/records.js';
import type { V1Node } from '../../lib/schema/generated/types.js';
import { eventually } from '../support/eventually.js';
import { connect, Namespace, noNamespacesReason } from '../support/netns.js';
import { skipWithoutNamespaces } from '../support/skip-without-namespaces.js';
import { NodeNetwork, podIp } from '../support/netns-node.js';
import type { Command } from './network-process.js';
import { service, slice } from './support.js';

// The network of a node as the agent starts it, in network namespaces, against an API that comes and goes.

/** `startNetwork` in a process inside of a namespace. */
class NetworkProcess {
  readonly events: string[] = [];
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #nextCall = 0;
  output = '';

  constructor(prefix: readonly string[]) {
    const file = path.join(import.meta.dirname, 'network-process.ts');
    const words = [...prefix, process.execPath, '--import', 'tsx', file];
    this.#child = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => (this.output += String(chunk)));
    }
    this.#child.on('message', (message: { id?: number; event?: string; result?: unknown; error?: string }) => {
      if (message.event !== undefined) this.events.push(message.event);
      const call = this.#calls.get(message.id ?? -1);
      if (message.error === undefined) call?.resolve(message.result);
      else call?.reject(new Error(message.error));
    });
    this.#child.on('exit', (code) => {
      for (const call of this.#calls.values()) call.reject(new Error(`ended with ${code}: ${this.output}`));
    });
  }

  call(command: Command): Promise<unknown> {
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#child.send({ id, command });
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

let folder: string;
let network: NodeNetwork;
let agent: NetworkProcess;

skipWithoutNamespaces();
beforeEach(() => {
  if (noNamespacesReason() !== undefined) return;
  folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-net-'));
  writeFileSync(path.join(folder, 'resolv.conf'), 'nameserver 192.0.2.2\n');
  network = new NodeNetwork();
  agent = new NetworkProcess(network.node.prefix);
});
afterEach(() => {
  agent?.kill();
  network?.destroy();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const NODE: V1Node = {
  metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'a' } },
  spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
};
const OTHER: V1Node = {
  metadata: { name: 'node-2' },
  spec: { podCIDRs: ['10.244.2.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '192.0.2.2' }] },
};
const putService = (one: ReturnType<typeof service>): Promise<unknown> =>
  agent.call({ put: 'core/services', object: one });
const putSlice = (one: ReturnType<typeof slice>): Promise<unknown> =>
  agent.call({ put: 'discovery.k8s.io/endpointslices', object: one });
const putNode = (object: V1Node, deleted = false): Promise<unknown> =>
  agent.call({ put: 'core/nodes', object, deleted });
const start = (more: Record<string, unknown> = {}): Promise<unknown> =>
  agent.call({
    start: { resolvConf: path.join(folder, 'resolv.conf'), cniConfDir: path.join(folder, 'net.d'), ...more },
  });

async function lookUp(from: Namespace, name: string): Promise<UpstreamAnswer | string> {
  const question = questionOf(name, TYPE.A);
  const query = { id: 0, opcode: 0, flags: 0x100, name, type: TYPE.A, class: 1, question };
  const message = encodeUpstreamQuery(query, 77, 512).toString('base64');
  const answer = await from.call('exchange', { host: '10.96.0.10', port: 53, message });
  return answer === 'ETIMEDOUT' ? answer : decodeUpstream(Buffer.from(answer, 'base64'));
}

test('185: pods find services by name and reach them, also while the API is away; a restarted agent finds all again', async () => {
  const [server, client] = [network.addPod(), network.addPod()];
  await server.call('listenTcp', { host: '0.0.0.0', port: 8080, name: 'web' });
  await putService(service('web', { clusterIP: '10.96.0.80' }));
  await putSlice(slice('web', [podIp(0)]));
  await putNode(NODE);
  await start();
  await eventually(async () => expect(agent.events).toContain('ready'));
  const reaches = async (): Promise<void> => {
    expect(await lookUp(client, 'web.default.svc.cluster.local')).toMatchObject({
      rcode: RCODE.NOERROR,
      answers: [{ data: { address: '10.96.0.80' } }],
    });
    expect(await client.call('tcp', { host: '10.96.0.80', port: 80 })).toBe(`web ${podIp(1)}`);
  };
  await reaches();
  expect(await lookUp(client, 'absent.default.svc.cluster.local')).toMatchObject({ rcode: RCODE.NXDOMAIN });
  // Who is not of the cluster is not answered.
  expect(await lookUp(network.outside, 'web.default.svc.cluster.local')).toBe('ETIMEDOUT');
  await agent.call({ api: 'away' });
  await reaches();
  // What changes meanwhile is taken in when the API is back.
  await putSlice(slice('web', []));
  await reaches();
  await agent.call({ api: 'back' });
  await eventually(async () => {
    expect(await client.call('tcp', { host: '10.96.0.80', port: 80 })).toBe('ECONNREFUSED');
  });
  await putSlice(slice('web', [podIp(0)]));
  await eventually(reaches);
  // Killed: services go on. The next agent's DNS has another port, and the API is not there yet.
  agent.kill();
  expect(await client.call('tcp', { host: '10.96.0.80', port: 80 })).toBe(`web ${podIp(1)}`);
  agent = new NetworkProcess(network.node.prefix);
  await agent.call({ api: 'away' });
  await start();
  expect(await client.call('tcp', { host: '10.96.0.80', port: 80 })).toBe(`web ${podIp(1)}`);
  await putService(service('web', { clusterIP: '10.96.0.80' }));
  await putSlice(slice('web', [podIp(0)]));
  await agent.call({ api: 'back' });
  await eventually(async () => expect(agent.events).toContain('ready'));
  await reaches();
});

test('CNI: the plugins make a pod network of our configuration; removal leaves nothing of ours', async (context) => {
  if (!existsSync('/usr/lib/cni/bridge')) {
    const reason = 'no CNI plugins in /usr/lib/cni: apt-get install -y containernetworking-plugins';
    Object.assign(context.task.meta, { skipReason: reason });
    context.skip(reason);
  }
  await putNode(NODE);
  await start();
  await eventually(async () => expect(agent.events).toContain('pod network'));
  const file = path.join(folder, 'net.d', '10-zeroplane.conflist');
  const { cniVersion, name, plugins } = JSON.parse(readFileSync(file, 'utf8')) as {
    cniVersion: string;
    name: string;
    plugins: { ipam: object }[];
  };
  const pods = [new Namespace('cni0'), new Namespace('cni1')];
  try {
    const [nsenter = '', ...prefix] = network.node.prefix;
    for (const pod of pods) {
      const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: pod.name, CNI_IFNAME: 'eth0', CNI_PATH: '/usr/lib/cni' };
      // Leases go to a folder of the test.
      const ipam = { ...plugins[0]?.ipam, dataDir: path.join(folder, 'leases') };
      const result = execFileSync(nsenter, [...prefix, '/usr/lib/cni/bridge'], {
        input: JSON.stringify({ ...plugins[0], ipam, cniVersion, name }),
        env: { ...env, CNI_NETNS: `/run/netns/${pod.name}`, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        encoding: 'utf8',
      });
      expect(JSON.parse(result)).toMatchObject({ ips: [{ gateway: '10.244.1.1' }] });
    }
    const [first, second] = pods as [Namespace, Namespace];
    const ip = /10\.244\.1\.\d+/.exec(second.run('ip', '-o', '-4', 'addr', 'show', 'eth0'))?.[0];
    await second.call('listenTcp', { host: '0.0.0.0', port: 80, name: 'pod' });
    expect(await first.call('tcp', { host: ip, port: 80 })).toMatch(/^pod 10\.244\.1\./);
  } finally {
    for (const pod of pods) pod.destroy();
  }
  await putNode(OTHER);
  await eventually(async () => expect(network.node.run('ip', 'route')).toContain('10.244.2.0/24 via 192.0.2.2'));
  await agent.call({ end: 'remove' });
  expect(readdirSync(path.join(folder, 'net.d'))).toEqual([]);
  expect(network.node.run('nft', 'list', 'ruleset')).toBe('');
  expect(network.node.run('ip', 'route')).not.toContain('10.244.2.0');
  expect(network.node.run('ip', 'link')).not.toContain('zeroplane0');
});

test('196, 197: pods of two nodes reach each other with their own addresses, directly and through a service', async () => {
  // The machine outside is the second node; its agent would have made the same route the other way round.
  const [near, far] = [network.addPod(), new Namespace('far')];
  try {
    connect({ at: network.outside, device: 'veth9' }, { at: far, device: 'eth0' });
    network.outside.ip('addr add 10.244.2.1/24 dev veth9', 'route add 10.244.1.0/24 via 192.0.2.1');
    network.outside.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    far.ip('addr add 10.244.2.10/24 dev eth0', 'route add default via 10.244.2.1');
    await far.call('listenTcp', { host: '0.0.0.0', port: 8080, name: 'far' });
    await far.call('listenUdp', { host: '0.0.0.0', port: 8080, name: 'far' });
    await near.call('listenTcp', { host: '0.0.0.0', port: 8080, name: 'near' });
    await putNode(NODE);
    await putNode(OTHER);
    await putService(service('web', { clusterIP: '10.96.0.80' }));
    await putSlice(slice('web', [{ addresses: ['10.244.2.10'], nodeName: 'node-2' }]));
    await start();
    await eventually(async () => {
      expect(await near.call('tcp', { host: '10.244.2.10', port: 8080 })).toBe(`far ${podIp(0)}`);
    });
    await eventually(async () => expect(agent.events).toContain('ready'));
    expect(await near.call('udp', { id: 'a', host: '10.244.2.10', port: 8080 })).toBe(`far ${podIp(0)}`);
    expect(await far.call('tcp', { host: podIp(0), port: 8080 })).toBe('near 10.244.2.10');
    expect(await near.call('tcp', { host: '10.96.0.80', port: 80 })).toBe(`far ${podIp(0)}`);
    expect(await network.node.call('tcp', { host: '10.96.0.80', port: 80 })).toBe('far 192.0.2.1');
  } finally {
    far.destroy();
  }
});

test('routes lead to the pods of nodes on our link, follow the nodes, and leave what is not ours', async () => {
  network.node.ip('route add 10.244.9.0/24 via 192.0.2.2', 'route add 10.243.0.0/24 via 192.0.2.2 proto 90');
  await putNode(NODE);
  await putNode(OTHER);
  const far: V1Node = {
    metadata: { name: 'far' },
    spec: { podCIDRs: ['10.244.3.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address: '198.51.100.7' }] },
  };
  const greedy: V1Node = { ...OTHER, metadata: { name: 'greedy' }, spec: { podCIDRs: ['0.0.0.0/1', '10.96.0.0/16'] } };
  await putNode(far);
  await putNode(greedy);
  await start();
  const routes = (): string => network.node.run('ip', 'route');
  await eventually(async () => expect(routes()).toContain('10.244.2.0/24 via 192.0.2.2 dev eth0 proto 90'));
  expect(routes()).not.toMatch(/10\.244\.3\.0|10\.96\.0\.0|0\.0\.0\.0\/1/);
  await putNode({ ...OTHER, spec: { podCIDRs: ['10.244.7.0/24'] } });
  await eventually(async () => expect(routes()).toContain('10.244.7.0/24'));
  expect(routes()).not.toContain('10.244.2.0/24');
  await putNode(OTHER, true);
  await eventually(async () => expect(routes()).not.toContain('10.244.7.0/24'));
  expect(routes()).toContain('10.244.9.0/24');
  expect(routes()).toContain('10.243.0.0/24');
});
