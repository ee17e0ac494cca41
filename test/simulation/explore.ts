import { runSeed } from './run-seed.js';
const [from = 0, to = from] = process.argv.slice(2).map(Number);
let total = 0;
for (let seed = from; seed <= to; seed++) {
  const t0 = process.cpuUsage();
  const w0 = performance.now();
  try {
    const o = await runSeed(seed, { isTraced: process.env.TRACE === '1' });
    const cpu = process.cpuUsage(t0);
    total += (cpu.user + cpu.system) / 1000;
    console.log(
      seed,
      o.problems.length === 0 ? 'ok' : 'FAIL',
      `cpu ${Math.round((cpu.user + cpu.system) / 1000)} wall ${Math.round(performance.now() - w0)} quiet ${o.quietAfterMs / 1000}`,
    );
    for (const p of o.problems.slice(0, 12)) console.log('   ', p);
    if (process.env.TRACE === '1') console.log(o.trace.text());
  } catch (e) {
    console.log(seed, 'ERROR', e);
  }
}
console.log('cpu total', Math.round(total));
process.exit(0);
