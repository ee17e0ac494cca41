import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { runSeed } from './run-seed.js';

/** SIMULATION_SEEDS=N runs the first N. */
const SEEDS_DEFAULT = 200;

/** Seeds of one test: enough to keep the report short, few enough to see it move. */
const SEEDS_PER_TEST = 10;

const TIMEOUT_MS = 600_000;

/** The files that share the seeds, so that they run on all cores. */
const PARTS = 4;

/**
 * The whole control plane with 50 nodes, lived through once for each seed of the calling file's part (the first is 0). SIMULATION_SEED=N runs
 * that one seed instead, in the first file, and writes down what happened.
 */
export function testSeeds(part: number): void {
  const one = process.env.SIMULATION_SEED;
  if (one === undefined) testPart(part);
  else if (part === 0) testOne(Number(one));
  else test.skip('one seed, in another file', () => undefined);
}

function testPart(part: number): void {
  const count = Number(process.env.SIMULATION_SEEDS ?? SEEDS_DEFAULT);
  const firsts = Array.from({ length: Math.ceil(count / SEEDS_PER_TEST) }, (_, index) => 1 + index * SEEDS_PER_TEST);
  const mine = firsts.filter((_, index) => index % PARTS === part);
  if (mine.length === 0) test.skip('fewer seeds than files', () => undefined);
  test.each(mine.map((first) => [first, Math.min(count, first + SEEDS_PER_TEST - 1)]))(
    'every workload converges and nothing leaks (seeds %i to %i)',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const { problems } = await runSeed(seed);
        if (problems.length > 0) expect.fail(report(seed, problems));
      }
    },
    TIMEOUT_MS,
  );
}

function testOne(seed: number): void {
  test(
    `seed ${seed}`,
    async () => {
      const { problems, trace } = await runSeed(seed, { isTraced: true });
      const file = path.join(tmpdir(), `zeroplane-seed-${seed}.log`);
      writeFileSync(file, `${trace.text()}\n`);
      console.log(`what happened is in ${file}`);
      if (problems.length > 0) expect.fail(report(seed, problems));
    },
    TIMEOUT_MS,
  );
}

function report(seed: number, problems: readonly string[]): string {
  return [
    `seed ${seed} failed:`,
    ...problems.map((problem) => `  ${problem}`),
    `replay it: SIMULATION_SEED=${seed} npx vitest run test/simulation/simulation-1.test.ts`,
  ].join('\n');
}
