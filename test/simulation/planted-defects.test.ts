import { expect, test } from 'vitest';
import { plantedDefects } from './planted-defects.js';
import { runSeed } from './run-seed.js';

/** The simulation is sharp enough when it finds a mistake within so many seeds. */
const SEEDS = 50;

const TIMEOUT_MS = 600_000;

test.each(plantedDefects)(
  '$name is found within the first 50 seeds',
  async (defect) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { problems } = await runSeed(seed, { defect });
      if (problems.length > 0) return;
    }
    expect.fail(`${SEEDS} seeds passed with ${defect.name}`);
  },
  TIMEOUT_MS,
);
