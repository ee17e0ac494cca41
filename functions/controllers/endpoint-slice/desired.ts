import type {
  DiscoveryV1EndpointPort,
  V1Endpoint,
  V1EndpointHints,
  V1Node,
  V1Pod,
  V1Service,
} from '../../../lib/schema/generated/types.js';
import { portsKey, type EndpointGroup } from '../shared/endpoint-slice-plan.js';
import { addressesOf, hostnameIn, isServing, portOnPod } from '../shared/service-pods.js';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
const CLOSE = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode']);

/** The service's endpoints of one address family, grouped by the ports that they have. */
export function endpointGroups(
  service: V1Service,
  selected: readonly V1Pod[],
  family: 'IPv4' | 'IPv6',
  nodeOf: (name: string) => V1Node | undefined,
): EndpointGroup[] {
  const groups = new Map<string, { ports: DiscoveryV1EndpointPort[]; endpoints: V1Endpoint[] }>();
  for (const pod of selected) {
    const node = nodeOf(pod.spec?.nodeName ?? '');
    // A pod of a node that is gone is as good as gone, unless all addresses are wanted; the node's coming brings another look.
    if (node === undefined && service.spec?.publishNotReadyAddresses !== true) continue;
    const addresses = addressesOf(pod, family);
    if (addresses.length === 0) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports, endpoints: [] }));
    group.endpoints.push(endpointOf(service, pod, addresses, node));
  }
  return [...groups.values()];
}

function portsOf(service: V1Service, pod: V1Pod): DiscoveryV1EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = portOnPod(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function endpointOf(service: V1Service, pod: V1Pod, addresses: string[], node: V1Node | undefined): V1Endpoint {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata ?? {};
  const serving = isServing(pod);
  const terminating = deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const nodeName = pod.spec?.nodeName;
  const zone = node?.metadata?.labels?.[ZONE_LABEL];
  const hostname = hostnameIn(service, pod);
  const hints = ready ? hintsFor(service.spec?.trafficDistribution, zone, nodeName) : undefined;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints === undefined ? {} : { hints }),
  };
}

/** Where the endpoint should be used from, when the service prefers what is close. */
function hintsFor(
  distribution: string | undefined,
  zone: string | undefined,
  nodeName: string | undefined,
): V1EndpointHints | undefined {
  if (distribution === undefined || !CLOSE.has(distribution)) return undefined;
  const hints: V1EndpointHints = {};
  if (zone) hints.forZones = [{ name: zone }];
  if (nodeName && distribution === 'PreferSameNode') hints.forNodes = [{ name: nodeName }];
  return Object.keys(hints).length === 0 ? undefined : hints;
}
