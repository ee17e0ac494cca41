import { fork } from 'node:child_process';
import { cpSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { ensureBuilt } from '../support/built.js';
import { benches } from './benches.js';
import type { BenchResult } from './result.js';

/**
 * `npm run bench` runs all benches one after the other and prints one table; `npm run bench -- NAME…` runs some. Each runs in a process of its
 * own, built like the product, so that none finds the heap or the compiled code of another.
 *
 * What is measured over HTTPS is measured with the load generator on the same machine: with two cores the server has one and the clients
 * have the other, so that what they cost counts too.
 */
const OUT = path.resolve('.cache/bench');

/** A bench that takes longer hangs. */
const BENCH_TIMEOUT_MS = 240_000;

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`there is no bench named ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
await ensureBuilt();
await bundle();
const startMs = performance.now();
const rows: BenchResult[] = [];
for (const [index, name] of names.entries()) {
  console.error(`[${index + 1}/${names.length}] ${name}`);
  try {
    rows.push(...(await run(name)));
  } catch (error) {
    rows.push({ name, value: 'failed' });
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
print(rows);
console.log(`${cpus().length} cores, Node ${process.versions.node}, ${seconds(performance.now() - startMs)}`);

async function bundle(): Promise<void> {
  await build({
    entryPoints: ['child.ts', 'load-generator.ts'].map((file) => path.join(import.meta.dirname, file)),
    outdir: OUT,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  cpSync('lib/schema/generated', path.join(OUT, 'generated'), { recursive: true });
}

function run(name: string): Promise<BenchResult[]> {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(OUT, 'child.mjs'), [name], {
      execArgv: ['--enable-source-maps'],
      timeout: BENCH_TIMEOUT_MS,
    });
    let results: BenchResult[] | undefined;
    child.on('message', (message) => (results = message as BenchResult[]));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (results === undefined) reject(new Error(`bench ${name} ended with ${signal ?? code}`));
      else resolve(results);
    });
  });
}

function print(results: readonly BenchResult[]): void {
  const table = [{ name: 'name', value: 'value', aim: 'aim' }, ...results];
  const width = (pick: (row: BenchResult) => string): number => Math.max(...table.map((row) => pick(row).length));
  const nameWidth = width((row) => row.name);
  const valueWidth = width((row) => row.value);
  for (const { name, value, aim = '' } of table) {
    console.log(`${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}  ${aim}`.trimEnd());
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
