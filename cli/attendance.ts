import type { Clock } from '../lib/clock/clock.js';

const PULSE_MS = 2_000;

/** A longer pause than a busy machine makes: the process was stopped, the laptop slept, or the clock was set. */
const GAP_MS = 10_000;

/**
 * Since when this process has been there without a gap. A laptop that wakes up, as a process that has just started, has not heard what others
 * said meanwhile.
 */
export class Attendance {
  readonly #clock: Clock;
  #sinceMs: number;
  #pulseMs: number;
  #cancelTimer: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = this.#pulseMs = clock.now();
    this.#beat();
  }

  /** Epoch milliseconds. */
  sinceMs(): number {
    const nowMs = this.#clock.now();
    // After a gap all timers are due at once, and whoever asks may come before ours.
    if (nowMs < this.#pulseMs || nowMs - this.#pulseMs > PULSE_MS + GAP_MS) this.#sinceMs = nowMs;
    this.#pulseMs = nowMs;
    return this.#sinceMs;
  }

  close(): void {
    this.#cancelTimer();
  }

  #beat(): void {
    this.sinceMs();
    this.#cancelTimer = this.#clock.setTimer(PULSE_MS, () => this.#beat());
  }
}
