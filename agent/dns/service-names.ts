import type { IpFamily } from '../../lib/net/ip.js';
import type { V1EndpointSlice, V1Service } from '../../lib/schema/generated/types.js';
import { canonicalIp } from '../network/cidr.js';
import { dashed } from './reverse.js';

/** An endpoint that has a name: what follows is under the name of its service. */
export interface NamedEndpoint {
  label: string;
  ip: string;
  family: IpFamily;
  ports: readonly { name: string; protocol: string; port: number }[];
}

export interface ServicePortName {
  /** In lower case; '' for the only port. */
  name: string;
  /** `tcp`, `udp` or `sctp`. */
  protocol: string;
  port: number;
}

export function isHeadless({ spec }: V1Service): boolean {
  return spec?.clusterIP === 'None';
}

/** Addresses that the name of a service with cluster IPs stands for. */
export function clusterIpsOf({ spec }: V1Service): { family: IpFamily; text: string }[] {
  return (spec?.clusterIPs ?? [spec?.clusterIP]).map(canonicalIp).filter((ip) => ip !== undefined);
}

export function portsOf({ spec }: V1Service): ServicePortName[] {
  return (spec?.ports ?? []).map(({ name = '', protocol = 'TCP', port }) => ({
    name: name.toLowerCase(),
    protocol: protocol.toLowerCase(),
    port,
  }));
}

/** Ready endpoints, or all where the service publishes them before; each address once, sorted. */
export function namedEndpoints(service: V1Service, slices: readonly V1EndpointSlice[]): NamedEndpoint[] {
  const found = new Map<string, NamedEndpoint>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4' && slice.addressType !== 'IPv6') continue;
    const ports = (slice.ports ?? []).map(({ name = '', protocol = 'TCP', port = 0 }) => ({
      name: name.toLowerCase(),
      protocol: protocol.toLowerCase(),
      port,
    }));
    for (const { addresses, conditions, hostname } of slice.endpoints ?? []) {
      if (!(conditions?.ready ?? true) && service.spec?.publishNotReadyAddresses !== true) continue;
      const ip = canonicalIp(addresses[0]);
      if (ip === undefined || ip.family !== slice.addressType) continue;
      const label = hostname?.toLowerCase() || dashed(ip.text);
      const other = found.get(ip.text);
      found.set(ip.text, { label, ip: ip.text, family: ip.family, ports: [...(other?.ports ?? []), ...ports] });
    }
  }
  return [...found.values()].sort((a, b) => (a.ip < b.ip ? -1 : 1));
}
