import type { Clock } from '../clock/clock.js';
import { RING_INTERVAL_MS } from './doorbell.js';

/** When to ring: at once, later (then for anything, since more may come until then), or not at all, for a later ring is on its way. */
export type Ring = { delayMs: number; collections: readonly string[] } | undefined;

/** Keeps the rings of one ringer apart. */
export class RingPace {
  readonly #clock: Clock;
  /** When each node is rung last, perhaps in the future. */
  readonly #last = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(node: string, collections: readonly string[]): Ring {
    const now = this.#clock.now();
    const last = this.#last.get(node) ?? -Infinity;
    if (last > now) return undefined;
    const delayMs = Math.max(0, last + RING_INTERVAL_MS - now);
    this.#last.set(node, now + delayMs);
    return delayMs === 0 ? { delayMs, collections } : { delayMs, collections: [] };
  }

  forget(node: string): void {
    this.#last.delete(node);
  }
}
