import { expect, test } from 'vitest';
import { runSeed } from './run-seed.js';
import { testTableSeeds } from './seed-tests.js';

/** SIMULATION_TABLE_SEEDS=N runs the first N. Each takes some seconds, since a request takes several to the tables. */
const SEEDS_DEFAULT = 1;

/** Of the quicker ones. */
const TWICE = 4;

const TIMEOUT_MS = 600_000;

testTableSeeds(SEEDS_DEFAULT);

test.skipIf(process.env.SIMULATION_TABLE_SEED !== undefined)(
  `over the DynamoDB adapter a seed goes the same way twice: every write, byte by byte, at the same moment (seed ${TWICE})`,
  async () => {
    const first = await runSeed(TWICE, { storage: 'dynamodb', isDigested: true });
    expect(first.problems).toEqual([]);
    const second = await runSeed(TWICE, { storage: 'dynamodb', isDigested: true });
    expect(second.digest).toBe(first.digest);
  },
  TIMEOUT_MS,
);
