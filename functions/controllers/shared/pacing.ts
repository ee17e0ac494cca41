/** Smaller ones are looked at whenever something changes. */
const LARGE_SIZE = 100;

/** Time between two looks at a large one, for each thing in it; a look takes a few microseconds for each. */
const INTERVAL_PER_ITEM_MS = 0.3;

const INTERVAL_MAX_MS = 1000;

/**
 * Spaces out looks at what is large and changes often: a service of thousands of pods would be worked through again for each of them. It is a
 * mere hint, kept in memory: what forgets it looks once more than needed.
 */
export class Pacing {
  readonly #dueMs = new Map<string, number>();

  /** How long changes of the key are still to be gathered; 0: look now. */
  waitMs(key: string, nowMs: number): number {
    const dueMs = this.#dueMs.get(key);
    if (dueMs === undefined) return 0;
    if (dueMs > nowMs) return dueMs - nowMs;
    this.#dueMs.delete(key);
    return 0;
  }

  /** The key has been looked at, and had so many things in it. */
  looked(key: string, size: number, nowMs: number): void {
    if (size <= LARGE_SIZE) this.#dueMs.delete(key);
    else this.#dueMs.set(key, nowMs + Math.min(INTERVAL_MAX_MS, Math.ceil(size * INTERVAL_PER_ITEM_MS)));
  }
}
