import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { FUNCTION_NAMES } from '../../lib/aws/function-environment.js';
import type { BenchResult } from './result.js';
import { median } from './support/statistics.js';

const IMPORTS = 7;
const FOLDER = path.resolve('dist/lambda');

const MEASURE = `
  const [beforeMs, before] = [performance.now(), process.cpuUsage()];
  await import(process.argv[1]);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ wallMs: performance.now() - beforeMs, cpuMs: (user + system) / 1000 }));
`;

const ENVIRONMENT = {
  ZEROPLANE_CLUSTER: 'one',
  ZEROPLANE_TABLE: 'objects',
  ZEROPLANE_HEARTBEAT_TABLE: 'heartbeats',
  ZEROPLANE_WORK_QUEUE_URL: 'https://sqs.test/1/work.fifo',
  ZEROPLANE_SCHEDULER_QUEUE_URL: 'https://sqs.test/1/scheduler.fifo',
  ZEROPLANE_DELAY_QUEUE_URL: 'https://sqs.test/1/delay',
  ZEROPLANE_SIGNING_KEYS_PARAMETER: '/keys',
  ZEROPLANE_AUTHORITY_PARAMETER: '/authority',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
};

/** How long each function's bundle takes to import in a process of its own, and how large it is. */
export async function benchCloudCold(): Promise<BenchResult[]> {
  return FUNCTION_NAMES.map((name) => {
    const folder = path.join(FOLDER, name);
    const times = Array.from({ length: IMPORTS }, () =>
      measured(
        execFileSync(
          process.execPath,
          ['--no-warnings', '--input-type=module', '-e', MEASURE, path.join(folder, 'index.mjs')],
          { encoding: 'utf8', cwd: '/', env: ENVIRONMENT },
        ),
      ),
    );
    const start = [...startOf(folder)].reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
    const whole = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.m?js$/.test(file))
      .reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
    return {
      name: `cloud import of ${name}, median / best / best of processor time`,
      value: `${Math.round(median(times.map(({ wallMs }) => wallMs)))} / ${least(times.map(({ wallMs }) => wallMs))} / ${least(times.map(({ cpuMs }) => cpuMs))} ms`,
      aim: `below 150 ms; ${kilobytes(start)} read at the start, ${kilobytes(whole)} of code in all`,
    };
  });
}

function measured(out: string): { wallMs: number; cpuMs: number } {
  return JSON.parse(out) as { wallMs: number; cpuMs: number };
}

function least(times: readonly number[]): number {
  return Math.round(Math.min(...times));
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000)} KB`;
}

/** The entry and all that it imports without being asked to, directly or not. */
function startOf(folder: string, file = 'index.mjs', found = new Set<string>()): Set<string> {
  found.add(file);
  const text = readFileSync(path.join(folder, file), 'utf8');
  for (const [, chunk = ''] of text.matchAll(/\b(?:from|import)"\.\/([\w.-]+\.mjs)"/g))
    if (!found.has(chunk)) startOf(folder, chunk, found);
  return found;
}
