import type { KubernetesObject } from '../../../lib/api/meta.js';
import { formatTime, type Clock } from '../../../lib/clock/clock.js';
import { randomUuid, type Random } from '../../../lib/random.js';
import type { V1IPAddress } from '../../../lib/schema/generated/types.js';
import { encodeObject } from '../registry/encode.js';
import type { Owner, ReservationKind } from './allocator.js';
import { formatIp, parseIp, type IpFamily } from '../../../lib/net/ip.js';

export const IP_ADDRESSES_COLLECTION = 'networking.k8s.io/ipaddresses';
/** Reservations of node ports are no API objects, in Kubernetes neither. */
export const NODE_PORTS_COLLECTION = 'zeroplane/nodeports';

export const IP_FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
export const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
export const IP_ALLOCATOR = 'ipallocator.k8s.io';

export interface ReservationContext {
  clock: Clock;
  random: Random;
}

/** A reservation as it is stored. */
export interface NodePortReservation extends KubernetesObject {
  spec?: { parentRef?: { namespace?: string; name?: string } };
}

/** Cluster IPs of one family: IPAddress objects, named by the address. */
export function clusterIpReservations(family: IpFamily, context: ReservationContext): ReservationKind {
  return {
    collection: IP_ADDRESSES_COLLECTION,
    keyOf: (value) => formatIp({ family, value }),
    valueOf: (key) => {
      const ip = parseIp(key);
      return ip?.family === family ? ip.value : undefined;
    },
    bodyOf: (value, owner) => encodeObject(ipAddressObject(formatIp({ family, value }), owner, context)).body,
    ownerOf: (body) => serviceOwner(parse(body) as V1IPAddress),
  };
}

/** The IPAddress that reserves an address for a service. */
export function ipAddressObject(
  address: string,
  owner: Owner,
  { clock, random }: ReservationContext,
): V1IPAddress & KubernetesObject {
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: address,
      uid: randomUuid(random),
      creationTimestamp: formatTime(clock.now()),
      labels: { [IP_FAMILY_LABEL]: parseIp(address)?.family ?? 'IPv4', [MANAGED_BY_LABEL]: IP_ALLOCATOR },
    },
    spec: { parentRef: { resource: 'services', namespace: owner.namespace, name: owner.name } },
  };
}

/** The service that an IPAddress belongs to; undefined when it is another kind's. */
export function serviceOwner(address: V1IPAddress): Owner | undefined {
  const reference = address.spec?.parentRef;
  if (reference === undefined || (reference.group ?? '') !== '' || reference.resource !== 'services') return undefined;
  return { namespace: reference.namespace ?? '', name: reference.name };
}

export function nodePortReservations({ clock }: Pick<ReservationContext, 'clock'>): ReservationKind {
  return {
    collection: NODE_PORTS_COLLECTION,
    keyOf: (value) => value.toString(),
    valueOf: (key) => (/^\d+$/.test(key) ? BigInt(key) : undefined),
    bodyOf: (value, { namespace, name }) => {
      const reservation: NodePortReservation = {
        kind: 'NodePortReservation',
        apiVersion: 'zeroplane.dev/v1',
        metadata: { name: value.toString(), creationTimestamp: formatTime(clock.now()) },
        spec: { parentRef: { namespace, name } },
      };
      return encodeObject(reservation).body;
    },
    ownerOf: (body) => nodePortOwner(parse(body) as NodePortReservation),
  };
}

export function nodePortOwner(reservation: NodePortReservation): Owner | undefined {
  const { namespace, name } = reservation.spec?.parentRef ?? {};
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function parse(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
}
