/** A counter of CPU time, and when it was read. */
export interface CpuReading {
  timeMs: number;
  nanoSeconds: number;
}

export interface CpuRate {
  /** Billionths of a core. */
  nanoCores: number;
  /** The time that this is the average of. */
  windowMs: number;
}

/** An older reading says nothing of the present. */
const RATE_MAX_MS = 60_000;

/** Over less time a rate is noise: the one before stands. */
const RATE_MIN_MS = 500;

interface Known {
  reading: CpuReading;
  rate: CpuRate | undefined;
}

/** Rates of CPU use from counters that are read now and then. */
export class CpuRates {
  #known = new Map<string, Known>();

  /** What each of these counters grew by since it was read last. Counters that are no longer given are forgotten. */
  update(readings: ReadonlyMap<string, CpuReading>): Map<string, CpuRate> {
    const next = new Map<string, Known>();
    const rates = new Map<string, CpuRate>();
    for (const [key, reading] of readings) {
      const known = this.#known.get(key);
      const state = known === undefined ? { reading, rate: undefined } : advance(known, reading);
      next.set(key, state);
      if (state.rate !== undefined) rates.set(key, state.rate);
    }
    this.#known = next;
    return rates;
  }
}

function advance(known: Known, reading: CpuReading): Known {
  const windowMs = reading.timeMs - known.reading.timeMs;
  const grown = reading.nanoSeconds - known.reading.nanoSeconds;
  if (windowMs > RATE_MAX_MS || windowMs < 0 || grown < 0) return { reading, rate: undefined };
  if (windowMs < RATE_MIN_MS) return known;
  return { reading, rate: { nanoCores: Math.round((grown * 1000) / windowMs), windowMs } };
}
