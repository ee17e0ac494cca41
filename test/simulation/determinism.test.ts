import { expect, test } from 'vitest';
import { runSeed } from './run-seed.js';

/** Seeds with all kinds of faults among them. */
const SEEDS = [1, 2, 3];

/** Two runs of a full world. */
const TIMEOUT_MS = 120_000;

test.each(SEEDS)(
  'a seed goes the same way twice: every write, byte by byte, at the same moment (seed %i)',
  async (seed) => {
    const first = await runSeed(seed, { isDigested: true });
    const second = await runSeed(seed, { isDigested: true });
    expect(second.digest).toBe(first.digest);
  },
  TIMEOUT_MS,
);
