import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { runSeed } from './run-seed.js';

/**
 * The whole control plane with 50 nodes, lived through once for each seed. SIMULATION_SEED=N runs one seed and writes down what happened;
 * SIMULATION_SEEDS=N runs the first N.
 */
const SEEDS_DEFAULT = 200;

/** Seeds of one test: enough to keep the report short, few enough to see it move. */
const SEEDS_PER_TEST = 10;

const TIMEOUT_MS = 600_000;

const one = process.env.SIMULATION_SEED;
const count = Number(process.env.SIMULATION_SEEDS ?? SEEDS_DEFAULT);

if (one === undefined) {
  const firsts = Array.from({ length: Math.ceil(count / SEEDS_PER_TEST) }, (_, index) => 1 + index * SEEDS_PER_TEST);
  test.each(firsts.map((first) => [first, Math.min(count, first + SEEDS_PER_TEST - 1)]))(
    'every workload converges and nothing leaks (seeds %i to %i)',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const { problems } = await runSeed(seed);
        if (problems.length > 0) expect.fail(report(seed, problems));
      }
    },
    TIMEOUT_MS,
  );
} else {
  test(
    `seed ${one}`,
    async () => {
      const { problems, trace } = await runSeed(Number(one), { isTraced: true });
      const file = path.join(tmpdir(), `zeroplane-seed-${one}.log`);
      writeFileSync(file, `${trace.text()}\n`);
      console.log(`what happened is in ${file}`);
      if (problems.length > 0) expect.fail(report(Number(one), problems));
    },
    TIMEOUT_MS,
  );
}

function report(seed: number, problems: readonly string[]): string {
  return [
    `seed ${seed} failed:`,
    ...problems.map((problem) => `  ${problem}`),
    `replay it: SIMULATION_SEED=${seed} npx vitest run test/simulation/simulation.test.ts`,
  ].join('\n');
}
