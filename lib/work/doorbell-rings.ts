import type { Rings } from '../client/replica.js';
import { sleep, type Clock } from '../clock/clock.js';
import type { DoorbellListener } from './doorbell.js';

/** Without any ring a collection is looked at this often: rings may be lost. */
export const CATCH_UP_INTERVAL_MS = 180_000;

/** The rings of one node's doorbell for all that follows collections there. `listen` has to run. */
export class DoorbellRings implements Rings {
  readonly #listener: DoorbellListener;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #waiters = new Set<Waiter>();

  constructor(options: { listener: DoorbellListener; clock: Clock; intervalMs?: number }) {
    this.#listener = options.listener;
    this.#clock = options.clock;
    this.#intervalMs = options.intervalMs ?? CATCH_UP_INTERVAL_MS;
  }

  /** Listens until `signal` aborts. */
  async listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const heard = await this.#listener.wait(signal);
      if (heard === undefined) continue;
      for (const waiter of this.#waiters) if (heard === 'any' || heard.includes(waiter.collection)) waiter.ring();
    }
  }

  /** For one follower of a collection: a ring that comes while it is busy counts for its next look. */
  follow(collection: string): (signal: AbortSignal) => Promise<void> {
    const waiter = new Waiter(collection);
    this.#waiters.add(waiter);
    return (signal) => waiter.next(this.#clock, this.#intervalMs, signal);
  }
}

class Waiter {
  readonly collection: string;
  #isRung = false;
  #wake: () => void = () => undefined;

  constructor(collection: string) {
    this.collection = collection;
  }

  ring(): void {
    this.#isRung = true;
    this.#wake();
  }

  async next(clock: Clock, withinMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isRung) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      signal.addEventListener('abort', this.#wake, { once: true });
      if (signal.aborted) woken.abort();
      await sleep(clock, withinMs, woken.signal);
      signal.removeEventListener('abort', this.#wake);
      this.#wake = () => undefined;
    }
    this.#isRung = false;
  }
}
