import type {
  CoreV1EndpointPort,
  V1EndpointAddress,
  V1EndpointSubset,
  V1Pod,
  V1Service,
  V1ServicePort,
} from '../../../lib/schema/generated/types.js';
import { addressesOf, hostnameIn, ipFamilies, isServing, portOnPod } from '../shared/service-pods.js';

/** Addresses in one Endpoints object. */
export const ADDRESSES_MAX = 1000;

interface Entry {
  readonly address: V1EndpointAddress;
  readonly sortKey: string;
  readonly isReady: boolean;
}

/** One port (none for a headless service without ports) and the addresses that have it. */
interface PortEntries {
  readonly port: CoreV1EndpointPort | undefined;
  readonly entries: Entry[];
}

/** The subsets of a service's pods: ports that the same addresses have are in one subset. */
export function subsetsOf(service: V1Service, selected: readonly V1Pod[]): V1EndpointSubset[] {
  const byPort = new Map<string, PortEntries>();
  const unready = service.spec?.publishNotReadyAddresses === true;
  for (const pod of selected) {
    // Endpoints know nothing of pods that end while they serve: only who wants all addresses gets theirs.
    if (pod.metadata?.deletionTimestamp !== undefined && !unready) continue;
    const address = addressOf(service, pod);
    if (address === undefined) continue;
    const isReady = unready || isServing(pod);
    const entry = { address, isReady, sortKey: `${address.ip} ${address.targetRef?.uid ?? ''}` };
    for (const port of portsOf(service, pod)) {
      const key = JSON.stringify(port ?? null);
      let entries = byPort.get(key);
      if (entries === undefined) byPort.set(key, (entries = { port, entries: [] }));
      entries.entries.push(entry);
    }
  }
  return repack([...byPort.values()]);
}

function portsOf(service: V1Service, pod: V1Pod): (CoreV1EndpointPort | undefined)[] {
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0) return service.spec?.clusterIP === 'None' ? [undefined] : [];
  return ports.flatMap((port) => endpointPort(port, pod));
}

function endpointPort(servicePort: V1ServicePort, pod: V1Pod): CoreV1EndpointPort[] {
  const port = portOnPod(pod, servicePort);
  if (port === undefined) return [];
  const { name = '', protocol = 'TCP', appProtocol } = servicePort;
  return [{ ...(name === '' ? {} : { name }), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
}

/** Endpoints have one address family: the service's first. */
function addressOf(service: V1Service, pod: V1Pod): V1EndpointAddress | undefined {
  const [ip] = addressesOf(pod, ipFamilies(service)[0] ?? 'IPv4');
  if (ip === undefined) return undefined;
  const { namespace, name, uid } = pod.metadata ?? {};
  const hostname = hostnameIn(service, pod);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

function repack(all: readonly PortEntries[]): V1EndpointSubset[] {
  const byAddresses = new Map<string, { ports: CoreV1EndpointPort[]; entries: Entry[] }>();
  for (const { port, entries } of all) {
    const sorted = entries.toSorted((one, other) => compare(one.sortKey, other.sortKey));
    const key = sorted.map((entry) => `${entry.sortKey} ${entry.isReady}`).join();
    let group = byAddresses.get(key);
    if (group === undefined) byAddresses.set(key, (group = { ports: [], entries: sorted }));
    if (port !== undefined) group.ports.push(port);
  }
  return [...byAddresses.values()].map(({ ports, entries }) => {
    const ready = entries.filter(({ isReady }) => isReady).map(({ address }) => address);
    const notReady = entries.filter(({ isReady }) => !isReady).map(({ address }) => address);
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports: ports.toSorted((one, other) => compare(portKey(one), portKey(other))) }),
    };
  });
}

function portKey({ name = '', port, protocol = '' }: CoreV1EndpointPort): string {
  return `${name} ${String(port).padStart(5, '0')} ${protocol}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * At most ADDRESSES_MAX addresses, ready ones first, each subset's share in proportion. `isTruncated`: some were left out.
 */
export function truncated(subsets: readonly V1EndpointSubset[]): { subsets: V1EndpointSubset[]; isTruncated: boolean } {
  const ready = count(subsets, 'addresses');
  const notReady = count(subsets, 'notReadyAddresses');
  if (ready + notReady <= ADDRESSES_MAX) return { subsets: [...subsets], isTruncated: false };
  const field = ready > ADDRESSES_MAX ? 'addresses' : 'notReadyAddresses';
  const total = field === 'addresses' ? ready : notReady;
  const room = field === 'addresses' ? ADDRESSES_MAX : ADDRESSES_MAX - ready;
  let left = room;
  const kept = subsets.map((subset) => {
    const all = subset[field] ?? [];
    const share = Math.min(left, Math.ceil((all.length / total) * room));
    left -= share;
    const { addresses, notReadyAddresses, ...rest } = subset;
    const shown = all.slice(0, share);
    return field === 'addresses'
      ? { addresses: shown, ...rest }
      : {
          ...(addresses === undefined ? {} : { addresses }),
          ...(notReadyAddresses === undefined || share === 0 ? {} : { notReadyAddresses: shown }),
          ...rest,
        };
  });
  const filled = kept.filter((subset) => count([subset], 'addresses') + count([subset], 'notReadyAddresses') > 0);
  return { subsets: filled, isTruncated: true };
}

function count(subsets: readonly V1EndpointSubset[], field: 'addresses' | 'notReadyAddresses'): number {
  return subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);
}
