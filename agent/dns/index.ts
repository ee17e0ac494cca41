import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../lib/clock/clock.js';
import { parseIp } from '../../lib/net/ip.js';
import type { Random } from '../../lib/random.js';
import { canonicalIp, cidrContains, type Cidr } from '../network/cidr.js';
import type { Log } from '../network/log.js';
import type { ServiceSource } from '../network/service-index.js';
import { ClusterZone } from './cluster-zone.js';
import { Forwarder } from './forwarder.js';
import { Resolver } from './resolver.js';
import { nameServersOf } from './resolv-conf.js';
import { DnsServer } from './server.js';

export interface DnsOptions {
  source: ServiceSource;
  isReady: () => boolean;
  /** `cluster.local` */
  domain: string;
  /** The node's addresses to listen on. */
  addresses: readonly string[];
  /** 0: any free one. */
  port: number;
  /** The cluster's DNS addresses: upstream servers of these addresses would be ourselves. */
  clusterDnsIps: readonly string[];
  /** Ranges of pods; they and the node itself are answered, nobody else. */
  podRanges: readonly Cidr[];
  serviceRanges: readonly Cidr[];
  /** The file with the name servers that questions go on to: /etc/resolv.conf. */
  resolvConf: string;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Dns {
  port: number;
  close(): Promise<void>;
}

const DNS_PORT = 53;

/** How long the node's own addresses and name servers are taken for what they were. */
const LOCAL_FACTS_MS = 10_000;

/** A DNS server for the pods of this node: the cluster's names from local state, everything else from the node's own name servers. */
export async function startDns(options: DnsOptions): Promise<Dns> {
  const { source, clock, random, log, domain, isReady } = options;
  const ranges = [...options.podRanges, ...options.serviceRanges];
  const nowSeconds = (): number => Math.floor(clock.now() / 1000);
  const nameServerIps = options.clusterDnsIps;
  const zone = new ClusterZone({ source, domain, ranges, nameServerIps, random, nowSeconds });
  const ownAddresses = remembered(clock, () => findOwnAddresses());
  // Asking ourselves would go round for ever.
  const isOurs = (ip: string): boolean =>
    options.clusterDnsIps.includes(ip) || (options.port === DNS_PORT && options.addresses.includes(ip));
  const servers = remembered(clock, async () => {
    const text = await readFile(options.resolvConf, 'utf8').catch((error: unknown) => {
      log('warn', 'the file of name servers cannot be read', { file: options.resolvConf, error: String(error) });
      return '';
    });
    const ips = nameServersOf(text).filter((ip) => !isOurs(ip));
    return ips.map((ip) => ({ ip, port: DNS_PORT }));
  });
  const forwarder = new Forwarder({ servers, clock, random, log });
  const isAllowed = (address: string): boolean => {
    const ip = parseIp(address.replace(/%.*$/, ''));
    if (ip === undefined) return false;
    return options.podRanges.some((range) => cidrContains(range, ip)) || ownAddresses().has(address);
  };
  const resolver = new Resolver({ zone, forwarder, isReady, log });
  const server = new DnsServer({ resolver, addresses: options.addresses, port: options.port, isAllowed, log });
  await server.start();
  return {
    port: server.port,
    async close() {
      zone.close();
      await server.close();
    },
  };
}

function findOwnAddresses(): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.map(({ address }) => canonicalIp(address)?.text ?? address));
}

/** `find`, asked at most every few seconds. */
function remembered<T>(clock: Clock, find: () => T): () => T {
  let last: { value: T; untilMs: number } | undefined;
  return () => {
    if (last === undefined || last.untilMs <= clock.now())
      last = { value: find(), untilMs: clock.now() + LOCAL_FACTS_MS };
    return last.value;
  };
}
