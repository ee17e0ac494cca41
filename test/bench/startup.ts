import { rmSync } from 'node:fs';
import { ClusterProcess, type ClusterOptions } from '../support/cluster-process.js';
import type { BenchResult } from './result.js';
import { median } from './support/statistics.js';

const ROUNDS = 5;
const AIM = 'about 1 s';

/** From the start of the process to its line `ready in … ms`, with one simulated node. Medians, as the time of one start varies. */
export async function benchStartup(say: (text: string) => void): Promise<BenchResult[]> {
  const fresh: number[] = [];
  const again: number[] = [];
  const inMemory: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`round ${round} of ${ROUNDS}`);
    const first = await timed({});
    fresh.push(first.tookMs);
    again.push((await timed({ folder: first.folder })).tookMs);
    rmSync(first.folder, { recursive: true, force: true });
    const memory = await timed({ memory: true });
    inMemory.push(memory.tookMs);
    rmSync(memory.folder, { recursive: true, force: true });
  }
  return [
    { name: 'zeroplane up to ready, new folder', value: inMs(median(fresh)), aim: AIM },
    { name: 'zeroplane up to ready, restart', value: inMs(median(again)), aim: AIM },
    { name: 'zeroplane up to ready, --memory', value: inMs(median(inMemory)), aim: AIM },
  ];
}

async function timed(options: ClusterOptions): Promise<{ tookMs: number; folder: string }> {
  const startMs = performance.now();
  const cluster = ClusterProcess.spawn(options);
  await Promise.race([cluster.ready(), printed(cluster)]);
  const tookMs = performance.now() - startMs;
  await cluster.stop();
  return { tookMs, folder: cluster.folder };
}

/** `ready` itself looks every now and then only. */
async function printed(cluster: ClusterProcess): Promise<void> {
  while (!cluster.stdout.includes('ready in')) await new Promise((resolve) => setTimeout(resolve, 1));
}

function inMs(value: number): string {
  return `${Math.round(value)} ms`;
}
