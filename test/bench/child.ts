import { benches } from './benches.js';
import type { BenchResult } from './result.js';

/** One bench in this process. Sends its lines to the parent. */
const load = benches[process.argv[2] ?? ''];
if (load === undefined) throw new Error(`there is no bench named ${process.argv[2]}`);
const bench = await load();
const results: BenchResult[] = await bench((text) => process.stderr.write(`  ${text} …\n`));
process.send?.(results, () => process.exit());
