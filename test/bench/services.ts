import { ServiceTable } from '../../agent/network/service-index.js';
import { Nftables } from '../../agent/proxy/nftables.js';
import { ServiceProxy } from '../../agent/proxy/service-proxy.js';
import { systemClock } from '../../lib/clock/system.js';
import type { V1EndpointSlice } from '../../lib/schema/generated/types.js';
import { noNamespacesReason, type Namespace } from '../support/netns.js';
import { NodeNetwork, podIp } from '../support/netns-node.js';
import type { BenchResult } from './result.js';
import { p50p99, perSecond } from './support/statistics.js';

const SERVICES = 1000;
const ENDPOINTS_PER_SERVICE = 10;
const CHANGES = 60;
const LOAD_MS = 3000;
const CONNECTIONS = 8;
const FAMILIES = ['IPv4'] as const;

/** Services in a real kernel, in a network namespace: everything from nothing, one change of many, and what the way through one costs. */
export async function benchServices(say: (text: string) => void): Promise<BenchResult[]> {
  const reason = noNamespacesReason();
  if (reason !== undefined) return [{ name: 'services in nftables', value: 'skipped', aim: reason }];
  const network = new NodeNetwork();
  try {
    const table = new ServiceTable();
    for (let index = 0; index < SERVICES; index++) {
      const spec = { clusterIP: `10.96.${index >> 8}.${index & 255}`, ports: [{ port: 80 }] };
      table.setService(`bench/s${index}`, { metadata: { name: `s${index}`, namespace: 'bench' }, spec });
      table.setSlice(`bench/s${index}-1`, sliceOf(index, ENDPOINTS_PER_SERVICE));
    }
    const clusterCidrs = { IPv4: '10.244.0.0/16' };
    const proxy = new ServiceProxy({
      source: table,
      firewall: new Nftables({ host: network.node.host(), table: 'zeroplane-bench', families: FAMILIES, clusterCidrs }),
      context: { families: FAMILIES, nodeName: 'node-1', nodeIps: ['192.0.2.1'], clusterCidrs },
      clock: systemClock,
      log: (_, message, data) => say(`${message} ${JSON.stringify(data)}`),
    });
    say('from cold');
    const startMs = performance.now();
    await proxy.start();
    const coldMs = performance.now() - startMs;
    say('one change at a time');
    const changes: number[] = [];
    for (let round = 0; round < CHANGES; round++) {
      const changedMs = performance.now();
      table.setSlice(`bench/s${round}-1`, sliceOf(round, ENDPOINTS_PER_SERVICE - 1 - (round % 3)));
      await proxy.settled();
      changes.push(performance.now() - changedMs);
    }
    const requests = await load(network, table, proxy, say);
    await proxy.close();
    const size = '1,000 Services, 10,000 endpoints';
    return [
      { name: `${size}: programmed from cold`, value: `${Math.round(coldMs)} ms`, aim: 'below 5 s' },
      { name: `${size}: one endpoint changes, p50 / p99`, value: p50p99(changes), aim: 'p50 below 50 ms' },
      ...requests,
    ];
  } finally {
    network.destroy();
  }
}

/** New connections from one pod to another, directly and through a service. */
async function load(
  network: NodeNetwork,
  table: ServiceTable,
  proxy: ServiceProxy,
  say: (text: string) => void,
): Promise<BenchResult[]> {
  const [server, client] = [network.addPod(), network.addPod()];
  await server.call('listenTcp', { host: '0.0.0.0', port: 8080, name: 'web' });
  const web = { clusterIP: '10.97.0.1', ports: [{ port: 80 }] };
  table.setService('bench/web', { metadata: { name: 'web', namespace: 'bench' }, spec: web });
  table.setSlice('bench/web-1', sliceWith('web', [podIp(0)]));
  await proxy.settled();
  const results: BenchResult[] = [];
  for (const [way, host, port] of [
    ['directly to a pod', podIp(0), 8080],
    ['through a cluster IP among 1,000', '10.97.0.1', 80],
  ] as const) {
    say(`connections ${way}`);
    await measure(client, host, port, 500);
    results.push({ name: `connections ${way}`, value: perSecond(await measure(client, host, port, LOAD_MS), LOAD_MS) });
  }
  return results;
}

async function measure(client: Namespace, host: string, port: number, ms: number): Promise<number> {
  return Number(await client.call('load', { host, port, ms, connections: CONNECTIONS }));
}

function sliceOf(service: number, count: number): V1EndpointSlice {
  const ips = Array.from({ length: count }, (_, index) => `10.244.${service % 250}.${1 + index + 10 * (service % 20)}`);
  return sliceWith(`s${service}`, ips);
}

function sliceWith(name: string, ips: readonly string[]): V1EndpointSlice {
  return {
    metadata: { name: `${name}-1`, namespace: 'bench', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: ips.map((ip) => ({ addresses: [ip] })),
    ports: [{ port: 8080 }],
  };
}
