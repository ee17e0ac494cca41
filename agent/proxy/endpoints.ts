import type { V1Endpoint, V1EndpointSlice } from '../../lib/schema/generated/types.js';
import type { IpFamily } from '../../lib/net/ip.js';
import { canonicalIp } from '../network/cidr.js';

/** Where traffic of a service port can go. */
export interface Endpoint {
  ip: string;
  port: number;
  /** On this node. */
  local: boolean;
  ready: boolean;
  /** Not ready any more because its pod ends, but still answering. */
  servingTerminating: boolean;
  zoneHints: readonly string[];
  nodeHints: readonly string[];
}

/** What the choice of endpoints depends on besides the slices. */
export interface NodeTopology {
  nodeName: string;
  /** Label topology.kubernetes.io/zone of the node. */
  zone?: string;
}

export interface ServicePortRef {
  /** '' for the only port of a service. */
  portName: string;
  protocol: string;
  family: IpFamily;
}

/** Endpoints by the two traffic policies; both are sorted, so that the same state gives the same rules. */
export interface EndpointPools {
  cluster: readonly Endpoint[];
  local: readonly Endpoint[];
}

/** Endpoints of one port, from all slices of its service. The same address in two slices counts once. */
export function endpointsOfPort(
  slices: readonly V1EndpointSlice[],
  { portName, protocol, family }: ServicePortRef,
  topology: NodeTopology,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    for (const port of slice.ports ?? []) {
      if ((port.name ?? '') !== portName || (port.protocol ?? 'TCP') !== protocol || !isPort(port.port)) continue;
      for (const source of slice.endpoints ?? []) {
        const endpoint = toEndpoint(source, port.port, family, topology);
        if (endpoint === undefined) continue;
        const key = `${endpoint.ip} ${endpoint.port}`;
        const other = found.get(key);
        // While a pod moves between slices it may stand in both with different states; the more useful one is the later one.
        if (other === undefined || usefulness(endpoint) > usefulness(other)) found.set(key, endpoint);
      }
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/**
 * Endpoints that traffic goes to, as kube-proxy chooses them: ready ones, near ones where all hint at where they are meant to serve;
 * terminating ones that still serve only when no ready one is left.
 */
export function poolsOf(endpoints: readonly Endpoint[], topology: NodeTopology): EndpointPools {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const local = ready.filter((endpoint) => endpoint.local);
  const last = endpoints.filter((endpoint) => endpoint.servingTerminating);
  return {
    cluster: ready.length > 0 ? nearest(ready, topology) : last,
    local: local.length > 0 ? local : last.filter((endpoint) => endpoint.local),
  };
}

/** Hints count only when every ready endpoint has one and at least one is for us; else a part of the traffic would go nowhere. */
function nearest(ready: readonly Endpoint[], { nodeName, zone }: NodeTopology): readonly Endpoint[] {
  if (ready.every((endpoint) => endpoint.nodeHints.length > 0)) {
    const near = ready.filter((endpoint) => endpoint.nodeHints.includes(nodeName));
    if (near.length > 0) return near;
  }
  if (zone !== undefined && zone !== '' && ready.every((endpoint) => endpoint.zoneHints.length > 0)) {
    const near = ready.filter((endpoint) => endpoint.zoneHints.includes(zone));
    if (near.length > 0) return near;
  }
  return ready;
}

function toEndpoint(
  source: V1Endpoint,
  port: number,
  family: IpFamily,
  { nodeName }: NodeTopology,
): Endpoint | undefined {
  const address = canonicalIp(source.addresses[0]);
  if (address === undefined || address.family !== family) return undefined;
  const { ready, serving, terminating } = source.conditions ?? {};
  return {
    ip: address.text,
    port,
    local: source.nodeName === nodeName,
    ready: ready ?? true,
    servingTerminating: !(ready ?? true) && (serving ?? false) && (terminating ?? false),
    zoneHints: source.hints?.forZones?.map((zone) => zone.name) ?? [],
    nodeHints: source.hints?.forNodes?.map((node) => node.name) ?? [],
  };
}

function usefulness(endpoint: Endpoint): number {
  if (endpoint.ready) return 2;
  return endpoint.servingTerminating ? 1 : 0;
}

function isPort(port: number | undefined): port is number {
  return Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
}
