import type { Store } from '../../../lib/store/store.js';
import { Allocator, type Owner } from './allocator.js';
import { AllocationError } from './errors.js';
import type { Band } from './ip-range.js';
import { NODE_PORT_MAX_DEFAULT, NODE_PORT_MIN_DEFAULT } from './limits.js';
import { nodePortReservations, type ReservationContext } from './reservation-kinds.js';

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

export const NODE_PORT_RANGE_DEFAULT: PortRange = { min: NODE_PORT_MIN_DEFAULT, max: NODE_PORT_MAX_DEFAULT };

/** The first ports of the range are given last, since people ask for them: `min(max(16, size / 32), 128)`. */
const STATIC_PORTS_MIN = 16;
const STATIC_PORTS_MAX = 128;
const STATIC_PORTS_DIVISOR = 32;

/** Node ports of services. A port is one reservation whatever its protocols. */
export class NodePorts {
  readonly range: PortRange;
  readonly #allocator: Allocator;
  readonly #bands: readonly Band[];

  constructor(options: { store: Store; range?: PortRange } & ReservationContext) {
    this.range = options.range ?? NODE_PORT_RANGE_DEFAULT;
    this.#allocator = new Allocator(options.store, options.random, nodePortReservations(options));
    this.#bands = bandsOf(this.range);
  }

  contains(port: number): boolean {
    return port >= this.range.min && port <= this.range.max;
  }

  /** Reserves a port that was asked for. Throws an AllocationError. */
  async take(port: number, owner: Owner, dryRun: boolean): Promise<void> {
    if (!this.contains(port))
      throw new AllocationError(
        'out-of-range',
        `provided port is not in the valid range. The range of valid ports is ${this.range.min}-${this.range.max}`,
      );
    if (!(await this.#allocator.take(BigInt(port), owner, dryRun)))
      throw new AllocationError('taken', 'provided port is already allocated');
  }

  /** Reserves a random free port. Throws an AllocationError `full`. */
  async takeAny(owner: Owner, dryRun: boolean): Promise<number> {
    return Number(await this.#allocator.takeAny(this.#bands, owner, dryRun));
  }

  /** Gives a port back if it is still this owner's. */
  async release(port: number, owner: Owner): Promise<void> {
    await this.#allocator.release(BigInt(port), owner);
  }
}

function bandsOf({ min, max }: PortRange): Band[] {
  const size = max - min + 1;
  const reserved =
    size <= STATIC_PORTS_MIN
      ? 0
      : Math.min(Math.max(STATIC_PORTS_MIN, Math.floor(size / STATIC_PORTS_DIVISOR)), STATIC_PORTS_MAX);
  return [
    { first: BigInt(min + reserved), count: BigInt(size - reserved) },
    { first: BigInt(min), count: BigInt(reserved) },
  ].filter(({ count }) => count > 0n);
}
