import type { Random } from '../../../lib/random.js';
import type { V1ServiceCIDR } from '../../../lib/schema/generated/types.js';
import type { Store } from '../../../lib/store/store.js';
import { Allocator, type Owner } from './allocator.js';
import { AllocationError } from './errors.js';
import { formatIp, parseIp, type IpFamily } from '../../../lib/net/ip.js';
import { IpRange } from './ip-range.js';
import { clusterIpReservations, type ReservationContext } from './reservation-kinds.js';

const SERVICE_CIDRS_COLLECTION = 'networking.k8s.io/servicecidrs';

/** Cluster IPs of services: from the configured ranges, and from what ready ServiceCIDR objects add to them. */
export class ClusterIps {
  /** The family of the first configured range: services get it unless they ask for another. */
  readonly defaultFamily: IpFamily;
  readonly #store: Store;
  readonly #configured: readonly IpRange[];
  readonly #allocators: ReadonlyMap<IpFamily, Allocator>;

  /** @param cidrs one range, or one of each family; the first is the primary one. */
  constructor(options: { store: Store; cidrs: readonly string[] } & ReservationContext) {
    this.#store = options.store;
    this.#configured = options.cidrs.map((cidr) => new IpRange(cidr));
    const [primary] = this.#configured;
    if (primary === undefined) throw new Error('at least one service CIDR is needed');
    this.defaultFamily = primary.family;
    const random: Random = options.random;
    this.#allocators = new Map(
      this.#configured.map(({ family }) => [
        family,
        new Allocator(options.store, random, clusterIpReservations(family, options)),
      ]),
    );
  }

  isConfigured(family: IpFamily): boolean {
    return this.#allocators.has(family);
  }

  get isDualStack(): boolean {
    return this.#allocators.size > 1;
  }

  /** Reserves an address that was asked for. Throws an AllocationError. */
  async take(address: string, owner: Owner, dryRun: boolean): Promise<void> {
    const ip = parseIp(address);
    if (ip === undefined) throw new AllocationError('out-of-range', `${address} is not an IP address`);
    const ranges = await this.#ranges(ip.family);
    if (!ranges.some((range) => range.contains(ip)))
      throw new AllocationError(
        'out-of-range',
        `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${ranges.map(({ cidr }) => cidr).join(', ')}`,
      );
    if (!(await this.#allocator(ip.family).take(ip.value, owner, dryRun)))
      throw new AllocationError('taken', 'provided IP is already allocated');
  }

  /** Reserves a random free address. Throws an AllocationError `full`. */
  async takeAny(family: IpFamily, owner: Owner, dryRun: boolean): Promise<string> {
    const ranges = await this.#ranges(family);
    const bands = ranges.flatMap((range) => range.bands());
    return formatIp({ family, value: await this.#allocator(family).takeAny(bands, owner, dryRun) });
  }

  /** Gives an address back if it is still this owner's. Addresses of families that are no longer configured stay. */
  async release(address: string, owner: Owner): Promise<void> {
    const ip = parseIp(address);
    if (ip !== undefined) await this.#allocators.get(ip.family)?.release(ip.value, owner);
  }

  /** True when the address may belong to a service of this cluster. */
  async contains(address: string): Promise<boolean> {
    const ip = parseIp(address);
    if (ip === undefined || !this.#allocators.has(ip.family)) return false;
    return (await this.#ranges(ip.family)).some((range) => range.contains(ip));
  }

  #allocator(family: IpFamily): Allocator {
    const allocator = this.#allocators.get(family);
    if (allocator === undefined)
      throw new AllocationError('out-of-range', `${family} is not configured on this cluster`);
    return allocator;
  }

  async #ranges(family: IpFamily): Promise<IpRange[]> {
    const ranges = this.#configured.filter((range) => range.family === family);
    const { items } = await this.#store.list(SERVICE_CIDRS_COLLECTION);
    for (const { body } of items)
      for (const range of rangesOf(JSON.parse(Buffer.from(body).toString()) as V1ServiceCIDR))
        if (range.family === family && !ranges.some(({ cidr }) => cidr === range.cidr)) ranges.push(range);
    return ranges;
  }
}

/** The ranges of a ServiceCIDR that may be given from: none while it is deleted or not ready. Without the condition it counts as ready. */
function rangesOf(serviceCidr: V1ServiceCIDR): IpRange[] {
  if (serviceCidr.metadata?.deletionTimestamp !== undefined) return [];
  const ready = serviceCidr.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready !== undefined && ready.status !== 'True') return [];
  return (serviceCidr.spec?.cidrs ?? []).map((cidr) => new IpRange(cidr));
}
