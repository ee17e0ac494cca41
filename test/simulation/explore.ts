import { writeFileSync } from 'node:fs';
import { runSeed } from './run-seed.js';

/**
 * Many seeds outside of the test run: `npx tsx test/simulation/explore.ts FROM TO`. A seed that fails is run again with its trace on,
 * which goes to the folder SIMULATION_TRACES (default: the present one).
 */
const [from = 0, to = from] = process.argv.slice(2).map(Number);
const folder = process.env.SIMULATION_TRACES ?? '.';
let failed = 0;
let totalMs = 0;
for (let seed = from; seed <= to; seed++) {
  const start = process.cpuUsage();
  const { problems, quietAfterMs } = await runSeed(seed);
  const { user, system } = process.cpuUsage(start);
  const cpuMs = Math.round((user + system) / 1000);
  totalMs += cpuMs;
  console.log(`${seed} ${problems.length === 0 ? 'ok' : 'FAILED'} ${cpuMs} ms, quiet after ${quietAfterMs / 1000} s`);
  if (problems.length === 0) continue;
  failed++;
  for (const problem of problems) console.log(`    ${problem}`);
  const again = await runSeed(seed, { isTraced: true });
  writeFileSync(`${folder}/seed-${seed}.log`, [...again.problems, again.trace.text(), ''].join('\n'));
}
console.log(
  `${to - from + 1} seeds, ${failed} failed, ${Math.round(totalMs / (to - from + 1))} ms of processor time each`,
);
process.exitCode = failed > 0 ? 1 : 0;
