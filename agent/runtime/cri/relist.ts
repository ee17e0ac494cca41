import type { Clock } from '../../../lib/clock/clock.js';
import { RELIST_INTERVAL_MS } from './limits.js';

export interface RelistOptions {
  clock: Clock;
  /** By pod uid, what is to be compared. */
  read(): Promise<Map<string, string>>;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/**
 * Looks at all containers again and again, as the kubelet's pod lifecycle event generator does, and tells whose have changed. Runs while
 * somebody listens. A runtime that does not answer is asked again, and is told of once.
 */
export class Relist {
  readonly #options: RelistOptions;
  #listeners: ((podUid: string) => void)[] = [];
  #known = new Map<string, string>();
  #cancelTimer: () => void = () => undefined;
  #isRunning = false;
  #isFailing = false;

  constructor(options: RelistOptions) {
    this.#options = options;
  }

  subscribe(listener: (podUid: string) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#wait();
    }
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
      if (this.#listeners.length > 0) return;
      this.#isRunning = false;
      this.#cancelTimer();
    };
  }

  #wait(): void {
    this.#cancelTimer = this.#options.clock.setTimer(RELIST_INTERVAL_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { read, log } = this.#options;
    try {
      const states = await read();
      if (this.#isFailing) log('info', 'the container runtime answers again', {});
      this.#isFailing = false;
      for (const uid of new Set([...states.keys(), ...this.#known.keys()])) {
        if (states.get(uid) === this.#known.get(uid)) continue;
        for (const listener of this.#listeners) listener(uid);
      }
      this.#known = states;
    } catch (error) {
      if (!this.#isFailing) log('warn', 'the container runtime does not answer', { error: String(error) });
      this.#isFailing = true;
    }
    if (this.#isRunning) this.#wait();
  }
}
