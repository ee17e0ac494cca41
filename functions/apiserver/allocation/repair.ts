import type { V1IPAddress, V1Service } from '../../../lib/schema/generated/types.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { Store, StoredObject, WriteOperation } from '../../../lib/store/store.js';
import { withRevision } from '../registry/encode.js';
import type { Owner, ReservationKind } from './allocator.js';
import type { ClusterIps } from './cluster-ips.js';
import { parseIp } from '../../../lib/net/ip.js';
import { LEAK_GRACE_MS } from './limits.js';
import type { NodePorts } from './node-ports.js';
import {
  clusterIpReservations,
  IP_ADDRESSES_COLLECTION,
  IP_ALLOCATOR,
  MANAGED_BY_LABEL,
  NODE_PORTS_COLLECTION,
  nodePortOwner,
  nodePortReservations,
  serviceOwner,
  type NodePortReservation,
  type ReservationContext,
} from './reservation-kinds.js';
import { hasClusterIp, isHeadless, needsHealthCheck } from '../resources/core/service/predicates.js';
import { nodePortsOf } from './service-fields.js';

const SERVICES_COLLECTION = 'core/services';

export interface RepairOptions extends ReservationContext {
  store: Store;
  clusterIps: ClusterIps;
  nodePorts: NodePorts;
  /** Default: LEAK_GRACE_MS. */
  graceMs?: number;
}

export interface Repaired {
  /** Reservations made for services that had none. */
  made: number;
  /** Reservations given back because no service uses them. */
  released: number;
}

/**
 * Brings IPAddress objects and node port reservations in line with the services, after crashes between the writes of the two. May run
 * at any time, several times at once, and next to writes: what it makes exists only once, and it releases nothing that
 * is younger than the grace period, since its service may be on the way.
 */
export async function repairServiceAllocations(options: RepairOptions): Promise<Repaired> {
  const addresses = await repairClusterIps(options);
  const ports = await repairNodePorts(options);
  return { made: addresses.made + ports.made, released: addresses.released + ports.released };
}

export async function repairClusterIps(options: RepairOptions): Promise<Repaired> {
  // Reservations first: a service written after they were read has one that is not looked at.
  const reserved = await options.store.list(IP_ADDRESSES_COLLECTION);
  const wanted = await servicesBy(options.store, (service) => clusterIpsOf(service));
  const result = { made: 0, released: 0 };
  for (const stored of reserved.items) {
    const address = parse(stored) as V1IPAddress;
    if (address.metadata?.labels?.[MANAGED_BY_LABEL] !== IP_ALLOCATOR) continue;
    const users = wanted.get(stored.key) ?? [];
    const owner = serviceOwner(address);
    if (owner !== undefined && users.some((user) => isSame(user, owner))) continue;
    if (isYoung(address.metadata.creationTimestamp, options)) continue;
    if (await deleteIfUnchanged(options.store, IP_ADDRESSES_COLLECTION, stored)) result.released++;
  }
  for (const [address, users] of wanted) {
    const ip = parseIp(address);
    const [user] = users;
    if (ip === undefined || user === undefined || !(await options.clusterIps.contains(address))) continue;
    const kind = clusterIpReservations(ip.family, options);
    if (await make(options.store, kind, { value: ip.value, owner: user })) result.made++;
  }
  return result;
}

export async function repairNodePorts(options: RepairOptions): Promise<Repaired> {
  const reserved = await options.store.list(NODE_PORTS_COLLECTION);
  const wanted = await servicesBy(options.store, (service) => portsOf(service).map(String));
  const result = { made: 0, released: 0 };
  for (const stored of reserved.items) {
    const reservation = parse(stored) as NodePortReservation;
    const owner = nodePortOwner(reservation);
    if (owner !== undefined && (wanted.get(stored.key) ?? []).some((user) => isSame(user, owner))) continue;
    if (isYoung(reservation.metadata?.creationTimestamp, options)) continue;
    if (await deleteIfUnchanged(options.store, NODE_PORTS_COLLECTION, stored)) result.released++;
  }
  const kind = nodePortReservations(options);
  for (const [port, [user]] of wanted) {
    if (user === undefined || !options.nodePorts.contains(Number(port))) continue;
    if (await make(options.store, kind, { value: BigInt(port), owner: user })) result.made++;
  }
  return result;
}

/** By reservation key: the services that use it; more than one only if something went wrong long ago. */
async function servicesBy(store: Store, keysOf: (service: V1Service) => string[]): Promise<Map<string, Owner[]>> {
  const { items } = await store.list(SERVICES_COLLECTION);
  const users = new Map<string, Owner[]>();
  for (const stored of items) {
    const service = parse(stored) as V1Service;
    const owner = { namespace: service.metadata?.namespace ?? '', name: service.metadata?.name ?? '' };
    for (const key of keysOf(service)) users.set(key, [...(users.get(key) ?? []), owner]);
  }
  return users;
}

function clusterIpsOf({ spec = {} }: V1Service): string[] {
  return hasClusterIp(spec) && !isHeadless(spec) ? (spec.clusterIPs ?? []) : [];
}

function portsOf({ spec = {} }: V1Service): number[] {
  const healthCheck = needsHealthCheck(spec) ? (spec.healthCheckNodePort ?? 0) : 0;
  return healthCheck === 0 ? nodePortsOf(spec) : [...nodePortsOf(spec), healthCheck];
}

async function make(
  store: Store,
  kind: ReservationKind,
  { value, owner }: { value: bigint; owner: Owner },
): Promise<boolean> {
  const key = kind.keyOf(value);
  if ((await store.get(kind.collection, key)) !== undefined) return false;
  return attempt(store, kind.collection, { key, expect: 'absent', body: kind.bodyOf(value, owner) });
}

async function deleteIfUnchanged(store: Store, collection: string, stored: StoredObject): Promise<boolean> {
  return attempt(store, collection, {
    key: stored.key,
    expect: stored.revision,
    body: (revision) => withRevision(stored.body, revision),
    delete: true,
  });
}

/** False when another writer was faster: the next repair looks again. */
async function attempt(store: Store, collection: string, operation: WriteOperation): Promise<boolean> {
  try {
    await store.write(collection, [operation]);
    return true;
  } catch (error) {
    if (isStoreError(error, 'conflict')) return false;
    throw error;
  }
}

function isYoung(creationTimestamp: string | undefined, { clock, graceMs = LEAK_GRACE_MS }: RepairOptions): boolean {
  return creationTimestamp !== undefined && clock.now() - Date.parse(creationTimestamp) < graceMs;
}

function isSame(left: Owner, right: Owner): boolean {
  return left.namespace === right.namespace && left.name === right.name;
}

function parse({ body }: StoredObject): unknown {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
}
