import type { Changes } from './store.js';

/** Who waits for the next event of a collection. */
export class Wakeups {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Runs `callback` once at the next `wake` of the collection. Returns a function that forgets it. */
  wait(collection: string, callback: () => void): () => void {
    let waiting = this.#waiting.get(collection);
    if (waiting === undefined) this.#waiting.set(collection, (waiting = new Set()));
    waiting.add(callback);
    return () => {
      const current = this.#waiting.get(collection);
      if (current?.delete(callback) === true && current.size === 0) this.#waiting.delete(collection);
    };
  }

  wake(collection: string): void {
    const waiting = this.#waiting.get(collection);
    if (waiting === undefined) return;
    this.#waiting.delete(collection);
    for (const callback of waiting) callback();
  }

  wakeAll(): void {
    for (const collection of this.#waiting.keys()) this.wake(collection);
  }
}

/** A log that can be read without waiting. Throws StoreErrors. */
export interface ReadableLog {
  changes(collection: string, after: number): Changes;
  readonly wakeups: Wakeups;
}

/**
 * The port's `watch` over a log in this process. Reading and going to wait happen in one turn, so no wake-up is missed.
 * An abort ends it also while it waits; a batch that was read before the abort is still delivered or dropped as a whole.
 */
export async function* watchLog(
  log: ReadableLog,
  collection: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Changes, void, undefined> {
  let position = after;
  let wake: (() => void) | undefined;
  const onAbort = (): void => wake?.();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const changes = log.changes(collection, position);
      if (changes.revision > position) {
        position = changes.revision;
        yield changes;
        continue;
      }
      await new Promise<void>((resolve) => {
        const forget = log.wakeups.wait(collection, resolve);
        wake = () => {
          forget();
          resolve();
        };
      });
      wake = undefined;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
