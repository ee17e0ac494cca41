import type { Replicas } from '../../lib/client/replicas.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { IpFamily } from '../../lib/net/ip.js';
import type { Random } from '../../lib/random.js';
import type { ByFamily } from '../proxy/ruleset.js';
import { canonicalIp, formatCidr, parseCidr, type Cidr } from './cidr.js';
import { NetworkError } from './errors.js';
import type { Host } from './host.js';
import type { Log } from './log.js';

export interface NetworkOptions {
  /** Services, EndpointSlices and Nodes are read through them. They are the caller's to close. */
  replicas: Replicas;
  clock: Clock;
  random: Random;
  log: Log;
  /** Names what is ours on this machine: several clusters may have agents here. */
  clusterName: string;
  nodeName: string;
  /** The node's addresses, one a family: the families that services are programmed in. */
  nodeIps: readonly string[];
  /** Pods' ranges of the whole cluster, at most one a family. What leaves them gets the node's address. */
  clusterCidrs: readonly string[];
  serviceCidrs: readonly string[];
  /** Default `cluster.local`. */
  clusterDomain?: string;
  /** The addresses that pods' resolv.conf has; the proxy translates them to the node's server. */
  clusterDnsIps: readonly string[];
  /** Default: any free port. */
  dnsPort?: number;
  /** The name servers that the node itself uses. Default /etc/resolv.conf. */
  resolvConf?: string;
  /** The container runtime's folder of CNI configurations, from its status. Undefined: pods' networks are somebody else's. */
  cniConfDir?: string;
  /** Default `zeroplane0`. */
  bridge?: string;
  firewall: 'nftables' | 'none';
  /** Whether to make routes to the pods of other nodes on the same link. */
  nodeRoutes: boolean;
  /** Default: this machine. */
  host?: Host;
}

/** Options, checked and read. */
export interface NetworkFacts {
  families: readonly IpFamily[];
  nodeIps: readonly { family: IpFamily; text: string }[];
  clusterCidrs: readonly Cidr[];
  clusterCidrTexts: ByFamily<string>;
  serviceCidrs: readonly Cidr[];
  clusterDnsIps: readonly { family: IpFamily; text: string }[];
  /** `zeroplane-NAME` with nothing in it that nft could take for something else. */
  table: string;
}

/** Characters of the cluster's name in names of tables and networks. */
const NAME_CHARS_MAX = 60;

/** @throws NetworkError that names the option that cannot be. */
export function readOptions(options: NetworkOptions): NetworkFacts {
  const nodeIps = options.nodeIps.map((text) => wanted('node IP', text, canonicalIp(text)));
  if (nodeIps.length === 0) throw new NetworkError('invalid', 'the node has no IP address: give it with --node-ip');
  const families = (['IPv4', 'IPv6'] as const).filter((family) => nodeIps.some((ip) => ip.family === family));
  const clusterCidrs = options.clusterCidrs.map((text) => wanted('pod range', text, parseCidr(text)));
  const clusterCidrTexts: ByFamily<string> = {};
  for (const cidr of clusterCidrs) {
    if (clusterCidrTexts[cidr.family] !== undefined) {
      throw new NetworkError('invalid', `there are two pod ranges of ${cidr.family}: give one`);
    }
    clusterCidrTexts[cidr.family] = formatCidr(cidr);
  }
  return {
    families,
    nodeIps,
    clusterCidrs,
    clusterCidrTexts,
    serviceCidrs: options.serviceCidrs.map((text) => wanted('service range', text, parseCidr(text))),
    clusterDnsIps: options.clusterDnsIps.map((text) => wanted('cluster DNS address', text, canonicalIp(text))),
    table: plainName(options.clusterName),
  };
}

/** `zeroplane-` and what is left of the name in lower-case letters, digits and dashes. */
export function plainName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `zeroplane-${plain.slice(0, NAME_CHARS_MAX) || 'cluster'}`;
}

function wanted<T>(what: string, text: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new NetworkError('invalid', `${JSON.stringify(text)} is no ${what}`);
}
