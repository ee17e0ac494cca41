import { expect, test } from 'vitest';
import { humanDuration } from './human-duration.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [-2 * SECOND, '<invalid>'],
  [-1 * SECOND, '0s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [4 * MINUTE + 10 * SECOND, '4m10s'],
  [10 * MINUTE + 59 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR + 5 * MINUTE, '3h5m'],
  [8 * HOUR + 5 * MINUTE, '8h'],
  [47 * HOUR, '47h'],
  [2 * DAY + 3 * HOUR, '2d3h'],
  [8 * DAY + 3 * HOUR, '8d'],
  [729 * DAY, '729d'],
  [2 * 365 * DAY + 20 * DAY, '2y20d'],
  [9 * 365 * DAY, '9y'],
])('%d ms are %s', (durationMs, text) => {
  expect(humanDuration(durationMs)).toBe(text);
});
