import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleProgram, run } from './child.js';

/** What every flush to disk takes longer under the test. */
const FLUSH_DELAY_MS = 300;
const FLUSH_CALLS = 'fdatasync,fsync,msync,sync_file_range,sync,syncfs';
const TIMEOUT_MS = 90_000;

/** Why the test cannot run here, or undefined. */
async function missing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'strace is there on Linux only';
  try {
    const { code, stderr } = await run('strace', ['-f', '-e', 'trace=none', 'true']);
    return code === 0 ? undefined : `strace may not trace here: ${stderr.trim()}`;
  } catch {
    return 'strace is missing: apt-get install -y strace';
  }
}

const reason = await missing();
if (reason !== undefined) console.log(`skipped: durability under delayed flushes (${reason})`);

interface Line {
  begin?: string;
  acknowledged?: string | number;
  afterMs?: number;
  tooEarly?: string;
  looks?: number;
  feed?: number;
}

describe.skipIf(reason !== undefined)(`with every flush delayed by ${FLUSH_DELAY_MS} ms`, () => {
  let program: { path: string; remove: () => Promise<void> };
  let folder: string;
  beforeAll(async () => {
    program = await bundleProgram('durability-writer');
    folder = await mkdtemp(join(tmpdir(), 'zeroplane-durability-'));
  });
  afterAll(async () => {
    await program.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function trace(mode: string): Promise<{ lines: Line[]; calls: string[] }> {
    const directory = join(folder, mode);
    const log = join(folder, `${mode}.strace`);
    const { code, stdout, stderr } = await run('strace', [
      '-f',
      '-o',
      log,
      '-e',
      `trace=openat,write,pwrite64,pwritev,${FLUSH_CALLS}`,
      '-e',
      `inject=${FLUSH_CALLS}:delay_exit=${FLUSH_DELAY_MS * 1_000}`,
      process.execPath,
      program.path,
      directory,
      mode,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    return { lines, calls: (await readFile(log, 'utf8')).split('\n') };
  }

  test(
    'no write is acknowledged sooner, none is seen before, and writes that come together share a flush',
    async () => {
      const { lines, calls } = await trace('store');
      const acknowledged = lines.filter(({ afterMs }) => afterMs !== undefined);
      expect(acknowledged.length).toBe(4 + 24 + 1);
      for (const { acknowledged: name, afterMs } of acknowledged)
        expect([name, (afterMs as number) >= FLUSH_DELAY_MS]).toEqual([name, true]);
      expect(lines.filter(({ tooEarly }) => tooEarly !== undefined)).toEqual([]);
      expect(lines.find(({ looks }) => looks !== undefined)?.looks).toBeGreaterThan(20);
      const burst = lines.find((line) => line.acknowledged === 'burst');
      expect(burst?.afterMs).toBeLessThan(FLUSH_DELAY_MS * 8);
      expectFlushBeforeEachFeed(calls);
    },
    TIMEOUT_MS,
  );

  test(
    'which is a real statement: without flushing writes are acknowledged at once',
    async () => {
      const { lines } = await trace('unsafe');
      const acknowledged = lines.filter(({ afterMs }) => afterMs !== undefined);
      expect(acknowledged).toHaveLength(4);
      for (const { afterMs } of acknowledged) expect(afterMs).toBeLessThan(FLUSH_DELAY_MS);
    },
    TIMEOUT_MS,
  );
});

/**
 * In the order of system calls: before each thing that the process says about a commit, the pages have been flushed and
 * then the root written through a descriptor that was opened with O_DSYNC.
 */
function expectFlushBeforeEachFeed(calls: readonly string[]): void {
  const rootDescriptors = new Set<string>();
  let flushed = false;
  let durable = false;
  let told = 0;
  for (const call of calls) {
    const opened = /openat\(.*data\.mdb".*O_DSYNC.*\) = (\d+)/.exec(call);
    if (opened?.[1] !== undefined) rootDescriptors.add(opened[1]);
    if (/(fdatasync|fsync)(\(| resumed).*= 0/.test(call)) flushed = true;
    const written = /pwrite64\((\d+),/.exec(call);
    if (written?.[1] !== undefined && rootDescriptors.has(written[1]) && flushed) durable = true;
    if (!/write\(1, "\{\\"feed\\":/.test(call)) continue;
    expect([call, durable]).toEqual([call, true]);
    told++;
    [flushed, durable] = [false, false];
  }
  expect(rootDescriptors.size).toBeGreaterThan(0);
  expect(told).toBeGreaterThan(4);
}
