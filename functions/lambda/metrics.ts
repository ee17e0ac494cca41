import type { Clock } from '../../lib/clock/clock.js';

export type MetricUnit = 'Count' | 'Milliseconds';

/** CloudWatch takes so many values of one metric in a line. */
const VALUES_MAX = 100;

/** A line at most this often from one environment: lines are billed by size, and CloudWatch keeps minutes. */
const FLUSH_INTERVAL_MS = 60_000;

const NAMESPACE = 'Zeroplane';

/**
 * Numbers for CloudWatch in its embedded metric format: kept in memory, and written as one line now and then. The names are few and have no
 * dimension but cluster and function, since each combination is billed by the month.
 */
export class Metrics {
  readonly #clock: Clock;
  readonly #dimensions: Readonly<Record<string, string>>;
  readonly #write: (line: string) => void;
  readonly #values = new Map<string, { unit: MetricUnit; values: number[] }>();
  #writtenMs = -Infinity;

  constructor(options: { clock: Clock; dimensions: Readonly<Record<string, string>>; write: (line: string) => void }) {
    this.#clock = options.clock;
    this.#dimensions = options.dimensions;
    this.#write = options.write;
  }

  /** Adds to a sum. */
  count(name: string, value = 1): void {
    const entry = this.#entry(name, 'Count');
    entry.values = [(entry.values[0] ?? 0) + value];
  }

  /** One of many values, of which CloudWatch makes percentiles. */
  duration(name: string, ms: number): void {
    const { values } = this.#entry(name, 'Milliseconds');
    if (values.length < VALUES_MAX) values.push(ms);
  }

  /** Writes what there is, if it is time, or must be, because the environment may end. */
  flush({ now = false } = {}): void {
    const nowMs = this.#clock.now();
    const isFull = [...this.#values.values()].some(({ values }) => values.length >= VALUES_MAX);
    if (this.#values.size === 0 || (!now && !isFull && nowMs - this.#writtenMs < FLUSH_INTERVAL_MS)) return;
    this.#writtenMs = nowMs;
    const metrics = [...this.#values].map(([Name, { unit }]) => ({ Name, Unit: unit }));
    const values = [...this.#values].map(([name, entry]) => [
      name,
      entry.values.length === 1 ? entry.values[0] : entry.values,
    ]);
    this.#values.clear();
    this.#write(
      JSON.stringify({
        _aws: {
          Timestamp: nowMs,
          CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: [Object.keys(this.#dimensions)], Metrics: metrics }],
        },
        ...this.#dimensions,
        ...(Object.fromEntries(values) as Record<string, number | number[]>),
      }),
    );
  }

  #entry(name: string, unit: MetricUnit): { unit: MetricUnit; values: number[] } {
    let entry = this.#values.get(name);
    if (entry === undefined) this.#values.set(name, (entry = { unit, values: [] }));
    return entry;
  }
}
