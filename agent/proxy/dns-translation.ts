import type { IpFamily } from '../../lib/net/ip.js';
import { CLUSTER_IPS, RANK, SERVICE_IPS } from './compile.js';
import { emptyFragment, type ByFamily } from './ruleset.js';
import type { Fragment } from './ruleset.js';

const DNS_PORT = 53;

/** Where the node's DNS server listens. */
export interface DnsAddress {
  family: IpFamily;
  ip: string;
  port: number;
}

/** Rules that send what is asked of the cluster's DNS addresses to the node's own server. */
export function dnsTranslation(
  clusterDnsIps: readonly { family: IpFamily; text: string }[],
  listening: readonly DnsAddress[],
): ByFamily<Fragment> {
  const fragments: ByFamily<Fragment> = {};
  for (const { family, ip, port } of listening) {
    const fragment = (fragments[family] = emptyFragment());
    for (const { text } of clusterDnsIps.filter((one) => one.family === family)) {
      for (const protocol of ['udp', 'tcp']) {
        const chain = `node-dns-${protocol}`;
        const target = family === 'IPv4' ? ip : `[${ip}]`;
        fragment.chains.set(chain, [`meta l4proto ${protocol} dnat to ${target}:${port}`]);
        const key = `${text} . ${protocol} . ${DNS_PORT}`;
        const element = { container: SERVICE_IPS, key, value: `goto ${chain}` };
        fragment.claims.set(`ip ${key}`, { rank: RANK.nodeDns, element });
      }
      fragment.claims.set(`${CLUSTER_IPS} ${text}`, {
        rank: RANK.nodeDns,
        element: { container: CLUSTER_IPS, key: text, value: '' },
      });
    }
  }
  return fragments;
}
