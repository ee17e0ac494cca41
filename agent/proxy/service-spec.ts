import type { IpFamily } from '../../lib/net/ip.js';
import type { V1Service } from '../../lib/schema/generated/types.js';
import { canonicalIp, parseCidr, type Cidr } from '../network/cidr.js';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** A service port in one family, reduced to what is programmed. Addresses and numbers are checked: they go into rules as they are. */
export interface ServicePort {
  /** `namespace/name/protocol/port name`: in names of chains and sets. */
  id: string;
  family: IpFamily;
  portName: string;
  protocol: Protocol;
  port: number;
  clusterIps: readonly string[];
  externalIps: readonly string[];
  loadBalancerIps: readonly string[];
  /** Empty: everybody. */
  sourceRanges: readonly Cidr[];
  nodePort?: number;
  internalLocal: boolean;
  externalLocal: boolean;
  /** Seconds of ClientIP affinity. */
  affinitySeconds?: number;
}

/** Services with this label belong to another proxy. */
const OTHER_PROXY_LABEL = 'service.kubernetes.io/service-proxy-name';

/** Seconds that Kubernetes gives an affinity without a time-out. */
const AFFINITY_SECONDS_DEFAULT = 10_800;

const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** The ports of a service that have an address in `families`. Headless services and external names have none. */
export function servicePorts(service: V1Service, families: readonly IpFamily[]): ServicePort[] {
  const { spec = {}, status, metadata } = service;
  if (!isProxied(service)) return [];
  const clusterIps = addresses(spec.clusterIPs ?? [spec.clusterIP]);
  const externalIps = addresses(spec.externalIPs);
  const isLoadBalancer = spec.type === 'LoadBalancer';
  const isExposed = isLoadBalancer || spec.type === 'NodePort';
  // Mode Proxy: the load balancer wants to see its traffic itself, and sends it to the node ports.
  const ingress = isLoadBalancer ? (status?.loadBalancer?.ingress ?? []) : [];
  const loadBalancerIps = addresses(ingress.filter((one) => one.ipMode !== 'Proxy').map((one) => one.ip));
  const ranges = (isLoadBalancer ? (spec.loadBalancerSourceRanges ?? []) : [])
    .map(parseCidr)
    .filter((range) => range !== undefined);
  const result: ServicePort[] = [];
  for (const family of families) {
    const ofFamily = (all: readonly { family: IpFamily; text: string }[]): string[] =>
      all.filter((one) => one.family === family).map((one) => one.text);
    if (!(spec.ipFamilies?.includes(family) ?? ofFamily(clusterIps).length > 0)) continue;
    for (const { name = '', protocol: protocolName = 'TCP', port, nodePort } of spec.ports ?? []) {
      const protocol = PROTOCOLS[protocolName];
      if (protocol === undefined || !isPort(port) || (name !== '' && !NAME.test(name))) continue;
      const one: ServicePort = {
        id: `${metadata?.namespace}/${metadata?.name}/${protocol}/${name}`,
        family,
        portName: name,
        protocol,
        port,
        clusterIps: ofFamily(clusterIps),
        externalIps: ofFamily(externalIps),
        loadBalancerIps: ofFamily(loadBalancerIps),
        sourceRanges: ranges.filter((range) => range.family === family),
        internalLocal: spec.internalTrafficPolicy === 'Local',
        externalLocal: spec.externalTrafficPolicy === 'Local',
      };
      if (isExposed && isPort(nodePort)) one.nodePort = nodePort;
      if (spec.sessionAffinity === 'ClientIP') {
        const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
        one.affinitySeconds = Number.isInteger(seconds) ? (seconds as number) : AFFINITY_SECONDS_DEFAULT;
      }
      result.push(one);
    }
  }
  return result;
}

/** Whether node ports of this service are asked for their health by a load balancer, and where. */
export function healthCheckPort({ spec }: V1Service): number | undefined {
  const isLocal = spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
  return isLocal && isPort(spec.healthCheckNodePort) ? spec.healthCheckNodePort : undefined;
}

function isProxied({ spec, metadata }: V1Service): boolean {
  if (spec === undefined || spec.type === 'ExternalName' || spec.clusterIP === 'None' || !spec.clusterIP) return false;
  if (metadata?.labels?.[OTHER_PROXY_LABEL] !== undefined) return false;
  return NAME.test(metadata?.namespace ?? '') && NAME.test(metadata?.name ?? '');
}

function addresses(texts: readonly (string | undefined)[] = []): { family: IpFamily; text: string }[] {
  return texts.map(canonicalIp).filter((ip) => ip !== undefined);
}

function isPort(port: number | undefined): port is number {
  return Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
}
