import { expect, test } from 'vitest';
import { Pacing } from './pacing.js';

test('what is large is looked at less often the larger it is, what is small at once', () => {
  const pacing = new Pacing();
  expect(pacing.waitMs('a', 0)).toBe(0);
  pacing.looked('a', 100, 0);
  expect(pacing.waitMs('a', 0)).toBe(0);
  pacing.looked('a', 1000, 0);
  expect(pacing.waitMs('a', 100)).toBe(200);
  expect(pacing.waitMs('b', 100)).toBe(0);
  expect(pacing.waitMs('a', 300)).toBe(0);
  pacing.looked('a', 1_000_000, 1000);
  expect(pacing.waitMs('a', 1000)).toBe(1000);
  pacing.looked('a', 0, 1000);
  expect(pacing.waitMs('a', 1000)).toBe(0);
});
