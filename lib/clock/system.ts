import type { Clock } from './clock.js';

/** setTimeout fires at once for delays above this (2^31 - 1 ms, about 24.8 days). */
const NODE_TIMER_MAX_MS = 2_147_483_647;

/** The machine's own clock. The only file that reads it; chosen where adapters are chosen. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      timer =
        remainingMs > NODE_TIMER_MAX_MS
          ? setTimeout(() => arm(remainingMs - NODE_TIMER_MAX_MS), NODE_TIMER_MAX_MS)
          : setTimeout(callback, Math.max(0, remainingMs));
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * As `systemClock`, for measuring how long something takes or is good: it starts at the present time and then goes on evenly, whatever becomes of
 * the machine's clock.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs, callback),
};
