import { expect, test } from 'vitest';
import { randomInt, seededRandom } from '../random.js';
import { FakeClock } from './fake.js';

test.each([1, 2, 3])(
  'fires timers by due time, then in the order they were set, without the cancelled ones (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    const clock = new FakeClock(0, 1);
    const fired: number[] = [];
    const wanted: { dueMs: number; index: number }[] = [];
    for (let index = 0; index < 500; index++) {
      const dueMs = randomInt(random, 50);
      const cancel = clock.setTimer(dueMs, () => fired.push(index));
      if (randomInt(random, 3) === 0) cancel();
      else wanted.push({ dueMs, index });
    }
    expect(clock.pendingTimers).toBe(wanted.length);
    await clock.advance(100);
    expect(fired).toEqual(
      wanted.sort((one, other) => one.dueMs - other.dueMs || one.index - other.index).map(({ index }) => index),
    );
    expect(clock.pendingTimers).toBe(0);
    expect(clock.nextTimerMs).toBeUndefined();
  },
);

test('a timer that sets one within the same span has it fired there too', async () => {
  const clock = new FakeClock(0, 1);
  const fired: number[] = [];
  clock.setTimer(10, () => clock.setTimer(5, () => fired.push(clock.now())));
  await clock.advance(14);
  expect(fired).toEqual([]);
  await clock.advance(1);
  expect(fired).toEqual([15]);
});
