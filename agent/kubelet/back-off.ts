import type { Clock } from '../../lib/clock/clock.js';

/** As the kubelet's container and image back-off: 10 s, doubled up to 5 minutes, forgotten after twice that without a failure. */
const INITIAL_MS = 10_000;
const MAXIMUM_MS = 300_000;

interface Entry {
  delayMs: number;
  updatedMs: number;
  failure: { atMs: number; message: string };
  /** The failure that is waited for, by its time as told, and when it was first heard of. */
  heard: { failedMs: number; atMs: number } | undefined;
}

/**
 * Waits that grow with each failure, by key. A failure is known by the time that somebody else's clock gave it; how long ago it was is counted
 * from when it was first heard of.
 */
export class BackOff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait still after a failure at `failedMs`; undefined: go ahead. */
  leftMs(key: string, failedMs: number): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#clock.now();
    if (entry.heard?.failedMs !== failedMs) entry.heard = { failedMs, atMs: nowMs };
    if (entry.heard.atMs - entry.updatedMs > 2 * MAXIMUM_MS) return undefined;
    const leftMs = entry.heard.atMs + entry.delayMs - nowMs;
    return leftMs > 0 ? leftMs : undefined;
  }

  /** The wait after the failure at `failedMs` is over, or the first: the next one is longer. */
  next(key: string, failedMs: number, message = ''): void {
    const entry = this.#entries.get(key);
    const nowMs = this.#clock.now();
    const heardMs = entry?.heard?.failedMs === failedMs ? entry.heard.atMs : nowMs;
    const isFresh = entry === undefined || heardMs - entry.updatedMs > 2 * MAXIMUM_MS;
    const delayMs = isFresh ? INITIAL_MS : Math.min(MAXIMUM_MS, entry.delayMs * 2);
    // One that is told of as it happens is heard of now; of one that was waited for, the wait is over.
    const heard = { failedMs, atMs: nowMs };
    this.#entries.set(key, { delayMs, updatedMs: nowMs, failure: { atMs: failedMs, message }, heard });
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
