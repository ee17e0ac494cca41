import { expect, test } from 'vitest';
import { runSeed } from './run-seed.js';

/** The same life over the DynamoDB adapter, on a double of its tables with faults of their own. */
const SEEDS = [1];

const TIMEOUT_MS = 600_000;

test.each(SEEDS)(
  'over the DynamoDB adapter every workload converges, and a seed goes the same way twice (seed %i)',
  async (seed) => {
    const first = await runSeed(seed, { storage: 'dynamodb', isDigested: true });
    expect(first.problems).toEqual([]);
    const second = await runSeed(seed, { storage: 'dynamodb', isDigested: true });
    expect(second.digest).toBe(first.digest);
  },
  TIMEOUT_MS,
);
