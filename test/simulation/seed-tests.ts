import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { Plan } from './plan.js';
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
  else if (part === 0) testOne(MEMORY, Number(one));
  else test.skip('one seed, in another file', () => undefined);
}

/** The same lives over the DynamoDB adapter, on a double of its tables with faults of their own. */
export function testTableSeeds(countDefault: number): void {
  const one = process.env[TABLES.variable];
  if (one !== undefined) {
    testOne(TABLES, Number(one));
    return;
  }
  const count = Number(process.env.SIMULATION_TABLE_SEEDS ?? countDefault);
  test.each(Array.from({ length: count }, (_, index) => index + 1))(
    'over the DynamoDB adapter every workload converges and nothing leaks (seed %i)',
    async (seed) => {
      const { problems } = await runSeed(seed, { storage: TABLES.storage });
      if (problems.length > 0) expect.fail(report(TABLES, seed, problems));
    },
    TIMEOUT_MS,
  );
}

/** Where a world keeps its objects, and how one of its seeds is lived through again. */
interface Kind {
  readonly storage: Plan['storage'];
  readonly variable: string;
  readonly file: string;
}

const MEMORY: Kind = { storage: 'memory', variable: 'SIMULATION_SEED', file: 'simulation-1.test.ts' };
const TABLES: Kind = { storage: 'dynamodb', variable: 'SIMULATION_TABLE_SEED', file: 'tables.test.ts' };

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
        if (problems.length > 0) expect.fail(report(MEMORY, seed, problems));
      }
    },
    TIMEOUT_MS,
  );
}

function testOne(kind: Kind, seed: number): void {
  test(
    `seed ${seed}`,
    async () => {
      const { problems, trace } = await runSeed(seed, { storage: kind.storage, isTraced: true });
      const file = path.join(tmpdir(), `zeroplane-seed-${kind.storage}-${seed}.log`);
      writeFileSync(file, `${trace.text()}\n`);
      console.log(`what happened is in ${file}`);
      if (problems.length > 0) expect.fail(report(kind, seed, problems));
    },
    TIMEOUT_MS,
  );
}

function report({ variable, file }: Kind, seed: number, problems: readonly string[]): string {
  return [
    `seed ${seed} failed:`,
    ...problems.map((problem) => `  ${problem}`),
    `replay it: ${variable}=${seed} npx vitest run test/simulation/${file}`,
  ].join('\n');
}
