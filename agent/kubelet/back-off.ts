import type { Clock } from '../../lib/clock/clock.js';

/** As the kubelet's container and image back-off: 10 s, doubled up to 5 minutes, forgotten after twice that without a failure. */
const INITIAL_MS = 10_000;
const MAXIMUM_MS = 300_000;

interface Entry {
  delayMs: number;
  updatedMs: number;
  failure: { atMs: number; message: string };
}

/** Waits that grow with each failure, by key. */
export class BackOff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until when to wait after a failure at `failedMs`; undefined: go ahead. */
  waitUntil(key: string, failedMs: number): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || failedMs - entry.updatedMs > 2 * MAXIMUM_MS) return undefined;
    const untilMs = failedMs + entry.delayMs;
    return this.#clock.now() < untilMs ? untilMs : undefined;
  }

  /** The wait after the failure at `failedMs` is over, or the first: the next one is longer. */
  next(key: string, failedMs: number, message = ''): void {
    const entry = this.#entries.get(key);
    const isFresh = entry === undefined || failedMs - entry.updatedMs > 2 * MAXIMUM_MS;
    const delayMs = isFresh ? INITIAL_MS : Math.min(MAXIMUM_MS, entry.delayMs * 2);
    this.#entries.set(key, { delayMs, updatedMs: this.#clock.now(), failure: { atMs: failedMs, message } });
  }

  lastFailure(key: string): Entry['failure'] | undefined {
    return this.#entries.get(key)?.failure;
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? INITIAL_MS;
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
