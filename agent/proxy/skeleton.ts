import type { IpFamily } from '../../lib/net/ip.js';
import {
  CLUSTER_IPS,
  HAIRPIN,
  MASQUERADE_LATER,
  NODE_PORTS,
  REFUSE,
  REFUSED_IPS,
  REFUSED_PORTS,
  SERVICE_IPS,
} from './compile.js';

/** The packet mark of what has to leave with the node's own address; the bit that Kubernetes uses for it. It is cleared on the way out. */
const MASQUERADE_BIT = '0x4000';

/** The words of the two families in rules. */
const WORDS = {
  IPv4: { ip: 'ip', address: 'ipv4_addr', loopback: '127.0.0.0/8', multicast: '224.0.0.0/4', icmp: 'icmp' },
  IPv6: { ip: 'ip6', address: 'ipv6_addr', loopback: '::1', multicast: 'ff00::/8', icmp: 'icmpv6' },
} as const;

/** `ip` or `ip6`: the table's family for nft. */
export function tableFamily(family: IpFamily): 'ip' | 'ip6' {
  return WORDS[family].ip;
}

/**
 * Commands that make the table without any service in it. The chains at the hooks look services up in maps, so that a packet costs the same
 * with one service as with ten thousand.
 * @param clusterCidr what leaves this range gets the node's own address.
 */
export function skeletonCommands(table: string, family: IpFamily, clusterCidr: string | undefined): string[] {
  const { ip, address, loopback, multicast, icmp } = WORDS[family];
  const name = `${ip} ${table}`;
  const addressed = `${ip} daddr . meta l4proto . th dport vmap`;
  const toNode = `fib daddr type local ${ip} daddr != ${loopback} meta l4proto . th dport vmap`;
  const chain = (chainName: string, hook: string, rules: readonly string[]): string[] => [
    `add chain ${name} ${chainName}${hook === '' ? '' : ` { ${hook} ; policy accept ; }`}`,
    ...rules.map((rule) => `add rule ${name} ${chainName} ${rule}`),
  ];
  const leaving =
    clusterCidr === undefined
      ? []
      : [
          `${ip} saddr ${clusterCidr} ${ip} daddr != ${clusterCidr} ${ip} daddr != ${multicast} masquerade fully-random`,
        ];
  const refusals = ['ct state new jump refusals'];
  return [
    `add table ${name}`,
    `add map ${name} ${SERVICE_IPS} { type ${address} . inet_proto . inet_service : verdict ; }`,
    `add map ${name} ${NODE_PORTS} { type inet_proto . inet_service : verdict ; }`,
    `add map ${name} ${REFUSED_IPS} { type ${address} . inet_proto . inet_service : verdict ; }`,
    `add map ${name} ${REFUSED_PORTS} { type inet_proto . inet_service : verdict ; }`,
    `add set ${name} ${CLUSTER_IPS} { type ${address} ; }`,
    `add set ${name} ${HAIRPIN} { type ${address} . ${address} ; }`,
    ...chain(MASQUERADE_LATER, '', [`meta mark set meta mark or ${MASQUERADE_BIT}`]),
    ...chain(REFUSE, '', ['meta l4proto tcp reject with tcp reset', `reject with ${icmp} type port-unreachable`]),
    ...chain('services', '', [`${addressed} @${SERVICE_IPS}`, `${toNode} @${NODE_PORTS}`]),
    // Translated traffic has left the cluster IP: what still has one asks for a port that is not served.
    ...chain('refusals', '', [
      `${addressed} @${REFUSED_IPS}`,
      `${toNode} @${REFUSED_PORTS}`,
      `${ip} daddr @${CLUSTER_IPS} goto ${REFUSE}`,
    ]),
    ...chain('nat-prerouting', 'type nat hook prerouting priority dstnat', ['jump services']),
    ...chain('nat-output', 'type nat hook output priority -100', ['jump services']),
    ...chain('nat-postrouting', 'type nat hook postrouting priority srcnat', [
      `meta mark and ${MASQUERADE_BIT} != 0 meta mark set meta mark xor ${MASQUERADE_BIT} masquerade fully-random`,
      `${ip} saddr . ${ip} daddr @${HAIRPIN} masquerade fully-random`,
      ...leaving,
    ]),
    ...chain('filter-input', 'type filter hook input priority filter', refusals),
    ...chain('filter-forward', 'type filter hook forward priority filter', refusals),
    ...chain('filter-output', 'type filter hook output priority filter', refusals),
  ];
}

/** Chains whose rules show whether the table is still ours: a flushed or new table has none of them, or others. */
export const WATCHED_CHAINS = ['services', 'refusals', 'nat-prerouting', 'nat-output', 'nat-postrouting'] as const;
