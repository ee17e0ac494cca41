import type { IpFamily } from '../../lib/net/ip.js';
import type { V1EndpointSlice, V1Service } from '../../lib/schema/generated/types.js';
import { formatCidr } from '../network/cidr.js';
import { endpointsOfPort, poolsOf, type Endpoint, type EndpointPools, type NodeTopology } from './endpoints.js';
import { emptyFragment, type ByFamily, type Claim, type Element, type Fragment } from './ruleset.js';
import { healthCheckPort, servicePorts, type ServicePort } from './service-spec.js';

/** What the rules depend on besides services and slices. */
export interface CompileContext extends NodeTopology {
  families: readonly IpFamily[];
  /** The node's own addresses, in their canonical form. */
  nodeIps: readonly string[];
  /** The pods' range of the whole cluster, by family. Without one no traffic is told from pods' traffic. */
  clusterCidrs: ByFamily<string>;
}

/** Where UDP flows of a service may go: flows in the kernel's connection table that go elsewhere are stale. */
export interface UdpTarget {
  /** Undefined: a node port, on any address of the node. */
  ip?: string;
  port: number;
  /** `address port` of every endpoint in use; none: flows are left alone, since nothing answers in their place. */
  endpoints: ReadonlySet<string>;
}

/** One service, compiled. */
export interface CompiledService {
  fragments: ByFamily<Fragment>;
  udp: UdpTarget[];
  /** Ready endpoints on this node, where a load balancer asks for them. */
  health?: { port: number; localEndpoints: number };
}

/** Names of the maps and sets of the skeleton. */
export const SERVICE_IPS = 'service-ips';
export const NODE_PORTS = 'node-ports';
export const REFUSED_IPS = 'refused-ips';
export const REFUSED_PORTS = 'refused-ports';
export const CLUSTER_IPS = 'cluster-ips';
export const HAIRPIN = 'hairpin';

/** Names of its chains. */
export const MASQUERADE_LATER = 'masquerade-later';
export const REFUSE = 'refuse';

/** Clients that one endpoint remembers at a time; more are spread without affinity. */
const AFFINITY_CLIENTS_MAX = 65_535;

/**
 * Who gets an address and port that several ask for: the lower one. A cluster IP cannot be taken away by an external IP; the node's own DNS
 * stands behind a service at its address that has endpoints, and before one that has none.
 */
export const RANK = { clusterIp: '1', nodeDns: '2', emptyClusterIp: '3', loadBalancer: '4', external: '5' } as const;

/**
 * The rules for one service on this node: pure, and the same for the same input. What a packet goes through:
 * `service-ips`/`node-ports` → [`lb-`: source ranges] → [`ext-`: traffic from outside] → `svc-` (all endpoints) or `svl-` (those here)
 * → [`ep-`: one endpoint, with session affinity].
 */
export function compileService(
  service: V1Service,
  slices: readonly V1EndpointSlice[],
  context: CompileContext,
): CompiledService {
  const result: CompiledService = { fragments: {}, udp: [] };
  const localIps = new Set<string>();
  for (const port of servicePorts(service, context.families)) {
    const fragment = (result.fragments[port.family] ??= emptyFragment());
    const protocol = port.protocol.toUpperCase();
    const endpoints = endpointsOfPort(slices, { ...port, protocol }, context);
    for (const one of endpoints) if (one.local && one.ready) localIps.add(one.ip);
    const rank = `${String(service.metadata?.creationTimestamp ?? '')} ${port.id}`;
    new PortCompiler(port, poolsOf(endpoints, context), { fragment, context, rank }).compile();
    if (port.protocol === 'udp') result.udp.push(...udpTargets(port, poolsOf(endpoints, context)));
  }
  const healthPort = healthCheckPort(service);
  if (healthPort !== undefined) result.health = { port: healthPort, localEndpoints: localIps.size };
  return result;
}

class PortCompiler {
  readonly #port: ServicePort;
  readonly #pools: EndpointPools;
  readonly #fragment: Fragment;
  readonly #context: CompileContext;
  readonly #rank: string;
  /** `ip` or `ip6`. */
  readonly #ip: string;

  constructor(
    port: ServicePort,
    pools: EndpointPools,
    target: { fragment: Fragment; context: CompileContext; rank: string },
  ) {
    this.#port = port;
    this.#pools = pools;
    this.#fragment = target.fragment;
    this.#context = target.context;
    this.#rank = target.rank;
    this.#ip = port.family === 'IPv4' ? 'ip' : 'ip6';
  }

  compile(): void {
    const { clusterIps, externalIps, loadBalancerIps, nodePort, sourceRanges } = this.#port;
    const internal = this.#internalVerdict();
    for (const ip of clusterIps) {
      this.#claimIp(ip, isRefusal(internal) ? RANK.emptyClusterIp : RANK.clusterIp, internal);
      this.#claimElement(CLUSTER_IPS, ip);
    }
    const external = this.#externalVerdict();
    for (const ip of externalIps) this.#claimIp(ip, RANK.external, external);
    const isOpen = sourceRanges.length === 0 || loadBalancerIps.length === 0 || isRefusal(external);
    const balanced = isOpen ? external : this.#firewall(external);
    for (const ip of loadBalancerIps) this.#claimIp(ip, RANK.loadBalancer, balanced);
    if (nodePort !== undefined) {
      const key = `${this.#port.protocol} . ${nodePort}`;
      const container = isRefusal(external) ? REFUSED_PORTS : NODE_PORTS;
      this.#claim(`port ${key}`, RANK.clusterIp, { container, key, value: external });
    }
    // A pod that is sent to itself would see its own address as the client's, and answer past the translation.
    for (const endpoint of [...this.#pools.cluster, ...this.#pools.local]) {
      if (!endpoint.local || this.#context.nodeIps.includes(endpoint.ip)) continue;
      this.#claimElement(HAIRPIN, `${endpoint.ip} . ${endpoint.ip}`);
    }
  }

  /** For traffic to the cluster IP. */
  #internalVerdict(): string {
    const { cluster, local } = this.#pools;
    if (cluster.length === 0) return `goto ${REFUSE}`;
    if (!this.#port.internalLocal) return `goto ${this.#clusterPool()}`;
    return local.length === 0 ? 'drop' : `goto ${this.#localPool()}`;
  }

  /** For traffic to addresses and ports that are reached from outside. Everything else is not programmed. */
  #externalVerdict(): string {
    const { id, externalIps, loadBalancerIps, nodePort, externalLocal } = this.#port;
    if (externalIps.length + loadBalancerIps.length === 0 && nodePort === undefined) return '';
    if (this.#pools.cluster.length === 0) return `goto ${REFUSE}`;
    const chain = `ext-${id}`;
    const rules: string[] = [];
    if (externalLocal) {
      // Who is inside the cluster anyway gets any endpoint, as through the cluster IP.
      const cidr = this.#context.clusterCidrs[this.#port.family];
      if (cidr !== undefined) rules.push(`${this.#ip} saddr ${cidr} goto ${this.#clusterPool()}`);
      rules.push(`fib saddr type local jump ${MASQUERADE_LATER}`, `fib saddr type local goto ${this.#clusterPool()}`);
      rules.push(this.#pools.local.length === 0 ? 'drop' : `goto ${this.#localPool()}`);
    } else {
      rules.push(`jump ${MASQUERADE_LATER}`, `goto ${this.#clusterPool()}`);
    }
    this.#fragment.chains.set(chain, rules);
    return `goto ${chain}`;
  }

  #firewall(next: string): string {
    const { id, sourceRanges, loadBalancerIps } = this.#port;
    const chain = `lb-${id}`;
    const rules = sourceRanges.map((range) => `${this.#ip} saddr ${formatCidr(range)} ${next}`);
    // Where the balanced address is also one of the node's, the node's own traffic to it comes from it.
    for (const ip of loadBalancerIps) rules.push(`${this.#ip} saddr ${ip} ${next}`);
    this.#fragment.chains.set(chain, [...rules, 'drop']);
    return `goto ${chain}`;
  }

  /** The chain that spreads over all endpoints. Answers to who is not a pod have to come back through this node. */
  #clusterPool(): string {
    const chain = `svc-${this.#port.id}`;
    if (this.#fragment.chains.has(chain)) return chain;
    const cidr = this.#context.clusterCidrs[this.#port.family];
    const rules = cidr === undefined ? [] : [`${this.#ip} saddr != ${cidr} jump ${MASQUERADE_LATER}`];
    this.#fragment.chains.set(chain, [...rules, ...this.#spread(this.#pools.cluster)]);
    return chain;
  }

  /** The chain that spreads over the endpoints here, which see the client's own address. */
  #localPool(): string {
    const chain = `svl-${this.#port.id}`;
    if (!this.#fragment.chains.has(chain)) this.#fragment.chains.set(chain, this.#spread(this.#pools.local));
    return chain;
  }

  #spread(pool: readonly Endpoint[]): string[] {
    const { protocol, affinitySeconds } = this.#port;
    if (affinitySeconds !== undefined) return this.#spreadWithAffinity(pool, affinitySeconds);
    if (pool.length === 1) return [this.#translate(pool[0] as Endpoint)];
    const targets = pool.map(({ ip, port }, index) => `${index} : ${ip} . ${port}`);
    const choice = `numgen random mod ${pool.length} map { ${targets.join(', ')} }`;
    return [`meta l4proto ${protocol} dnat ${this.#ip} to ${choice}`];
  }

  /** Each endpoint remembers its clients in a set of its own, so that its clients are forgotten with it and no others. */
  #spreadWithAffinity(pool: readonly Endpoint[], seconds: number): string[] {
    const remembered: string[] = [];
    const chosen: string[] = [];
    for (const [index, endpoint] of pool.entries()) {
      // A colon would end the name.
      const name = `${this.#port.id}/${endpoint.ip.replaceAll(':', '_')}/${endpoint.port}`;
      const clients = `aff-${seconds}-${name}`;
      const address = this.#ip === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
      this.#fragment.sets.set(
        clients,
        `type ${address}; size ${AFFINITY_CLIENTS_MAX}; flags dynamic,timeout; timeout ${seconds}s;`,
      );
      this.#fragment.chains.set(`ep-${name}`, [`update @${clients} { ${this.#ip} saddr }`, this.#translate(endpoint)]);
      remembered.push(`${this.#ip} saddr @${clients} goto ep-${name}`);
      chosen.push(`${index} : goto ep-${name}`);
    }
    return [...remembered, `numgen random mod ${pool.length} vmap { ${chosen.join(', ')} }`];
  }

  #translate({ ip, port }: Endpoint): string {
    return `meta l4proto ${this.#port.protocol} dnat to ${this.#ip === 'ip' ? ip : `[${ip}]`}:${port}`;
  }

  #claimIp(ip: string, rank: string, verdict: string): void {
    const key = `${ip} . ${this.#port.protocol} . ${this.#port.port}`;
    const container = isRefusal(verdict) ? REFUSED_IPS : SERVICE_IPS;
    this.#claim(`ip ${key}`, rank, { container, key, value: verdict });
  }

  #claimElement(container: string, key: string): void {
    this.#claim(`${container} ${key}`, '', { container, key, value: '' });
  }

  #claim(slot: string, rank: string, element: Element): void {
    const claim: Claim = { rank: `${rank} ${this.#rank}`, element };
    const other = this.#fragment.claims.get(slot);
    if (other === undefined || claim.rank < other.rank) this.#fragment.claims.set(slot, claim);
  }
}

/** Refusals are given by filter chains: at the hooks of address translation a packet cannot be answered on every kernel. */
function isRefusal(verdict: string): boolean {
  return verdict === 'drop' || verdict === `goto ${REFUSE}`;
}

function udpTargets(port: ServicePort, pools: EndpointPools): UdpTarget[] {
  const endpoints = new Set([...pools.cluster, ...pools.local].map((endpoint) => `${endpoint.ip} ${endpoint.port}`));
  const ips = [...port.clusterIps, ...port.externalIps, ...port.loadBalancerIps];
  const targets: UdpTarget[] = ips.map((ip) => ({ ip, port: port.port, endpoints }));
  if (port.nodePort !== undefined) targets.push({ port: port.nodePort, endpoints });
  return targets;
}
