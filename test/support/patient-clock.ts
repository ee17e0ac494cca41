import type { Clock } from '../../lib/clock/clock.js';
import { systemClock } from '../../lib/clock/system.js';

/** Real seconds for each of this clock. */
const SLOWNESS = 15;
/** What is waited for longer than this is a time-out or a grace period; shorter waits are polls. */
const POLL_MAX_MS = 900;

/**
 * A clock for stores over an emulator: on a busy machine it takes seconds to answer, and no writer is to be given up for that. Its seconds are
 * long, so that deadlines are too; polls are as quick as ever. `move` lets time pass.
 */
export class PatientClock implements Clock {
  readonly #startMs = systemClock.now();
  #movedMs = 0;

  now(): number {
    return this.#startMs + Math.floor((systemClock.now() - this.#startMs) / SLOWNESS) + this.#movedMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return systemClock.setTimer(delayMs > POLL_MAX_MS ? delayMs * SLOWNESS : delayMs, callback);
  }

  move(byMs: number): void {
    this.#movedMs += byMs;
  }
}

/** The longest that a watch of a store on this clock may rest between two looks. */
export const PATIENT_WATCH_POLL_MS = POLL_MAX_MS;
