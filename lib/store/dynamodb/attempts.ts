import { sleep } from '../../clock/clock.js';
import type { Clock } from '../../clock/clock.js';
import { randomFraction } from '../../random.js';
import type { Random } from '../../random.js';
import { StoreError } from '../errors.js';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, RETRY_AFTER_MS } from './limits.js';
import { isTableError } from './table.js';

/** Attempts within a deadline, with growing random pauses between them. */
export class Attempts {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly #random: Random;
  #backoffMs = BACKOFF_FIRST_MS;

  constructor(options: { clock: Clock; random: Random; withinMs: number }) {
    this.clock = options.clock;
    this.#random = options.random;
    this.deadlineMs = options.clock.now() + options.withinMs;
  }

  get isOver(): boolean {
    return this.clock.now() >= this.deadlineMs;
  }

  /** Waits before another attempt; false, at once, when there is no time for one. */
  async pause(): Promise<boolean> {
    const delayMs = 1 + randomFraction(this.#random) * this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MAX_MS);
    if (this.clock.now() + delayMs >= this.deadlineMs) return false;
    await sleep(this.clock, delayMs);
    return true;
  }

  /**
   * Repeats what may be repeated (a read, or a write that may happen twice) while it meets throttling, running transactions or time-outs;
   * `unavailable` when that does not end in time. Other errors of the table are the caller's, `refused` is `unavailable` too.
   */
  async repeat<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (isTableError(error, 'refused') || isTableError(error, 'too-large')) throw refusedError(error);
        if (!isPassing(error)) throw error;
        if (!(await this.pause())) throw unavailableError(error);
      }
    }
  }
}

/** Whether the same call may succeed a little later; of a write it may also have been applied. */
export function isPassing(error: unknown): boolean {
  if (!isTableError(error)) return false;
  if (error.code === 'cancelled')
    return error.reasons.every((reason) => reason === 'none' || reason === 'conflict' || reason === 'throttled');
  return error.code === 'throttled' || error.code === 'conflict' || error.code === 'timed-out';
}

export function unavailableError(cause: unknown): StoreError {
  const why = isTableError(cause) ? `: ${cause.message}` : '';
  return new StoreError('unavailable', `DynamoDB did not answer in time${why}; try again in a moment`, {
    retryAfterMs: RETRY_AFTER_MS,
    cause,
  });
}

export function refusedError(cause: unknown): StoreError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(
    'unavailable',
    `DynamoDB refused a request: ${why}; check the name of the table, its region and the permissions of this role`,
    { retryAfterMs: RETRY_AFTER_MS, cause },
  );
}
