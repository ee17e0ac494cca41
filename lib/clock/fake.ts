import type { Clock } from './clock.js';
import { TimerHeap, type FakeTimer } from './timer-heap.js';

/**
 * A clock that stands still until it is told to advance. Timers fire in order of their due time, those of one
 * moment in the order they were set; between two timers the event loop drains, so that what one timer set in
 * motion has settled before the next fires.
 */
export class FakeClock implements Clock {
  #now: number;
  #sequence = 0;
  readonly #settleTurns: number;
  readonly #timers = new TimerHeap();

  /** `settleTurns`: turns of the event loop between two timers. One is enough where everything is promises. */
  constructor(nowMs = Date.UTC(2026, 0, 1), settleTurns = SETTLE_TURNS) {
    this.#now = nowMs;
    this.#settleTurns = settleTurns;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer: FakeTimer = { dueMs: this.#now + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#timers.push(timer);
    return () => this.#timers.cancel(timer);
  }

  /** How many timers are pending: a leak check for simulations. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Due time of the next timer, or undefined when there is none. */
  get nextTimerMs(): number | undefined {
    return this.#timers.first()?.dueMs;
  }

  /** Moves time forward by `ms`, firing what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle(this.#settleTurns);
    for (;;) {
      const dueMs = this.#timers.first()?.dueMs;
      if (dueMs === undefined || dueMs > end) break;
      this.#now = Math.max(this.#now, dueMs);
      this.#timers.take()?.();
      await settle(this.#settleTurns);
    }
    this.#now = Math.max(this.#now, end);
  }
}

/** Turns of the event loop given to promises between two timers; streams need a few hops. */
const SETTLE_TURNS = 4;

/** Lets everything that is runnable now run. */
export async function settle(turns = SETTLE_TURNS): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
