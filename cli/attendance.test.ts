import { expect, test } from 'vitest';
import type { Clock } from '../lib/clock/clock.js';
import { FakeClock } from '../lib/clock/fake.js';
import { Attendance } from './attendance.js';

/** A clock that can be set while nobody's timer runs, as that of a machine that sleeps. */
class SleepingClock implements Clock {
  readonly awake = new FakeClock(1_000_000);
  offsetMs = 0;

  now(): number {
    return this.awake.now() + this.offsetMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return this.awake.setTimer(delayMs, callback);
  }
}

test.each([
  ['of a minute', 60_000, true],
  ['of some seconds', 8_000, false],
  ['back', -60_000, true],
])('a jump of the clock %s', async (_, jumpMs, isGap) => {
  const clock = new SleepingClock();
  const attendance = new Attendance(clock);
  const startMs = clock.now();
  await clock.awake.advance(300_000);
  expect(attendance.sinceMs()).toBe(startMs);
  clock.offsetMs = jumpMs;
  const awakeMs = clock.now();
  expect(attendance.sinceMs()).toBe(isGap ? awakeMs : startMs);
  await clock.awake.advance(300_000);
  expect(attendance.sinceMs()).toBe(isGap ? awakeMs : startMs);
  attendance.close();
  expect(clock.awake.pendingTimers).toBe(0);
});
