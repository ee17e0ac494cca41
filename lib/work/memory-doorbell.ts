import type { Clock } from '../clock/clock.js';
import type { Doorbell, DoorbellListener } from './doorbell.js';
import { RingPace } from './ring-pace.js';

/** How long a listener waits, as a long poll does. */
const WAIT_MS = 20_000;

interface Bell {
  rung: Set<string> | 'any' | undefined;
  wake: () => void;
}

/** The doorbell within one process. */
export class MemoryDoorbell implements Doorbell {
  readonly #clock: Clock;
  readonly #pace: RingPace;
  readonly #bells = new Map<string, Bell>();
  readonly #timers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#pace = new RingPace(clock);
  }

  add(node: string): Promise<void> {
    if (!this.#bells.has(node)) this.#bells.set(node, { rung: undefined, wake: () => undefined });
    return Promise.resolve();
  }

  remove(node: string): Promise<void> {
    this.#bells.get(node)?.wake();
    this.#bells.delete(node);
    this.#pace.forget(node);
    return Promise.resolve();
  }

  ring(node: string, collections: readonly string[]): Promise<void> {
    const ring = this.#bells.has(node) ? this.#pace.next(node, collections) : undefined;
    if (ring === undefined) return Promise.resolve();
    const cancel = this.#clock.setTimer(ring.delayMs, () => {
      this.#timers.delete(cancel);
      const bell = this.#bells.get(node);
      if (bell === undefined) return;
      bell.rung = merge(bell.rung, ring.collections);
      bell.wake();
    });
    this.#timers.add(cancel);
    return Promise.resolve();
  }

  listener(node: string): DoorbellListener {
    return { wait: (signal) => this.#wait(node, signal) };
  }

  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  async #wait(node: string, signal: AbortSignal): Promise<readonly string[] | 'any' | undefined> {
    const bell = this.#bells.get(node);
    if (bell?.rung === undefined) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const cancel = this.#clock.setTimer(WAIT_MS, wake);
        if (bell !== undefined) bell.wake = wake;
        signal.addEventListener('abort', wake, { once: true });
        if (signal.aborted) wake();
      });
    }
    const rung = bell?.rung;
    if (bell === undefined || rung === undefined) return undefined;
    bell.rung = undefined;
    return rung === 'any' ? rung : [...rung];
  }
}

function merge(rung: Bell['rung'], collections: readonly string[]): Set<string> | 'any' {
  return rung === 'any' || collections.length === 0 ? 'any' : new Set([...(rung ?? []), ...collections]);
}
