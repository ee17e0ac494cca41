import type { Clock } from './clock.js';

/**
 * A clock that stands still until it is told to advance. Timers fire in order of their due time, those of one
 * moment in the order they were set; between two timers the event loop drains, so that what one timer set in
 * motion has settled before the next fires.
 */
export class FakeClock implements Clock {
  #now: number;
  #sequence = 0;
  readonly #timers = new Map<number, { dueMs: number; callback: () => void }>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#now = nowMs;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const id = this.#sequence++;
    this.#timers.set(id, { dueMs: this.#now + Math.max(0, delayMs), callback });
    return () => this.#timers.delete(id);
  }

  /** How many timers are pending: a leak check for simulations. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Due time of the next timer, or undefined when there is none. */
  get nextTimerMs(): number | undefined {
    let next: number | undefined;
    for (const timer of this.#timers.values()) if (next === undefined || timer.dueMs < next) next = timer.dueMs;
    return next;
  }

  /** Moves time forward by `ms`, firing what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = this.#takeDue(end);
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.dueMs);
      due.callback();
      await settle();
    }
    this.#now = end;
  }

  #takeDue(end: number): { dueMs: number; callback: () => void } | undefined {
    let dueId: number | undefined;
    let due: { dueMs: number; callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      if (timer.dueMs > end) continue;
      if (due === undefined || timer.dueMs < due.dueMs) [dueId, due] = [id, timer];
    }
    if (dueId !== undefined) this.#timers.delete(dueId);
    return due;
  }
}

/** Turns of the event loop given to promises between two timers; streams need a few hops. */
const SETTLE_TURNS = 4;

/** Lets everything that is runnable now run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
