import type { Store } from '../../../lib/store/store.js';
import type { WriteReservation } from '../admission/plugin.js';
import type { Owner } from './allocator.js';
import { ClusterIps } from './cluster-ips.js';
import { IpRange } from './ip-range.js';
import { SERVICE_CIDR_DEFAULT } from './limits.js';
import { NodePorts, type PortRange } from './node-ports.js';
import { repairServiceAllocations, type Repaired } from './repair.js';
import type { ReservationContext } from './reservation-kinds.js';
import { ServiceReservation } from './service-reservation.js';

export { IpRange } from './ip-range.js';
export { REPAIR_INTERVAL_MS, SERVICE_CIDR_DEFAULT } from './limits.js';
export type { Repaired } from './repair.js';

export interface ServiceAllocationOptions extends ReservationContext {
  store: Store;
  /** One range, or one of each family with the primary one first. Default: SERVICE_CIDR_DEFAULT. */
  serviceCidrs?: readonly string[];
  /** Default: 30000 to 32767. */
  nodePortRange?: PortRange;
  onLeak?: (owner: Owner, error: unknown) => void;
}

export interface ServiceAllocation {
  /** For the registry, by collection. */
  reservations: Record<string, WriteReservation>;
  /** Finds leaked and missing reservations; to be run at start and every REPAIR_INTERVAL_MS. */
  repair(): Promise<Repaired>;
}

/** Cluster IPs and node ports of services, over the store. */
export function serviceAllocation(options: ServiceAllocationOptions): ServiceAllocation {
  const { store, clock, random } = options;
  const clusterIps = new ClusterIps({ store, clock, random, cidrs: options.serviceCidrs ?? [SERVICE_CIDR_DEFAULT] });
  const nodePorts = new NodePorts({ store, clock, random, range: options.nodePortRange });
  return {
    reservations: { 'core/services': new ServiceReservation({ clusterIps, nodePorts, onLeak: options.onLeak }) },
    repair: () => repairServiceAllocations({ store, clock, random, clusterIps, nodePorts }),
  };
}

/** The first address of a service range, which the service `kubernetes` gets; of several ranges, separated by commas, that of the first. */
export function firstAddress(serviceCidrs: string): string {
  return new IpRange(serviceCidrs.split(',')[0] ?? '').at(1);
}
