import { randomInt, type Random } from '../../../lib/random.js';
import { ADDRESS_BITS, formatIp, parseIp, type Ip, type IpFamily } from '../../../lib/net/ip.js';

/** Bands of the range for addresses that are asked for by number: `min(max(16, size / 16), 256)`, none in tiny ranges. */
const STATIC_BAND_MIN = 16n;
const STATIC_BAND_MAX = 256n;
const STATIC_BAND_DIVISOR = 16n;

/** `count` values from `first` on. */
export interface Band {
  readonly first: bigint;
  readonly count: bigint;
}

/** A CIDR to give addresses from: without the network's own, and for IPv4 without the broadcast address. */
export class IpRange {
  readonly cidr: string;
  readonly family: IpFamily;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #staticCount: bigint;

  /** Throws a plain Error for what is no CIDR: ranges are configuration. */
  constructor(cidr: string) {
    const [address = '', bits = ''] = cidr.split('/');
    const ip = parseIp(address);
    const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (ip === undefined || prefix < 0 || prefix > ADDRESS_BITS[ip.family])
      throw new Error(`${cidr} is not a CIDR such as 10.96.0.0/16`);
    const size = 1n << BigInt(ADDRESS_BITS[ip.family] - prefix);
    const network = ip.value - (ip.value % size);
    this.family = ip.family;
    this.cidr = `${formatIp({ family: ip.family, value: network })}/${prefix}`;
    this.#first = network + 1n;
    this.#last = network + size - (ip.family === 'IPv4' ? 2n : 1n);
    this.#staticCount = staticBand(size);
  }

  contains(ip: Ip): boolean {
    return ip.family === this.family && ip.value >= this.#first && ip.value <= this.#last;
  }

  /** The address that many places from the start: `at(1)` is the first one given, as for the service `kubernetes`. */
  at(offset: number): string {
    return formatIp({ family: this.family, value: this.#first + BigInt(offset) - 1n });
  }

  /** Where to look for a free address: behind the static band first, then inside it. */
  bands(): Band[] {
    const usable = this.#last >= this.#first ? this.#last - this.#first + 1n : 0n;
    const reserved = this.#staticCount < usable ? this.#staticCount : 0n;
    return [
      { first: this.#first + reserved, count: usable - reserved },
      { first: this.#first, count: reserved },
    ].filter(({ count }) => count > 0n);
  }
}

function staticBand(size: bigint): bigint {
  if (size <= STATIC_BAND_MIN) return 0n;
  const part = size / STATIC_BAND_DIVISOR;
  return part < STATIC_BAND_MIN ? STATIC_BAND_MIN : part > STATIC_BAND_MAX ? STATIC_BAND_MAX : part;
}

/** Larger bands are drawn from by their first 2^52 values only; more than any cluster has services. */
const DRAW_MAX = 2n ** 52n;

/** A uniformly distributed value of a band. */
export function drawFrom(band: Band, random: Random): bigint {
  const count = band.count < DRAW_MAX ? band.count : DRAW_MAX;
  if (count <= 2n ** 32n) return band.first + BigInt(randomInt(random, Number(count)));
  return band.first + (((BigInt(random.uint32()) << 20n) | BigInt(random.uint32() >>> 12)) % count);
}
