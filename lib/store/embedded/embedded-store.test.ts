import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../clock/fake.js';
import type { WriteOperation } from '../store.js';
import { openEmbeddedStore } from './embedded-store.js';
import type { EmbeddedStore, EmbeddedStoreOptions } from './embedded-store.js';
import { DataFolderError } from './errors.js';
import { thisProcess } from './process-identity.js';

const PODS = 'core/pods';
const RETENTION_MS = 600_000;

let parent: string;
let directory: string;
let clock: FakeClock;
const opened: EmbeddedStore[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'zeroplane-embedded-'));
  directory = join(parent, 'data');
  clock = new FakeClock();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await rm(parent, { recursive: true, force: true });
});

async function openStore(options: Partial<EmbeddedStoreOptions> = {}): Promise<EmbeddedStore> {
  const store = await openEmbeddedStore({
    directory,
    clock,
    retentionMs: RETENTION_MS,
    ...options,
  });
  opened.push(store);
  return store;
}

function put(key: string, expected: number | 'absent', body = key): WriteOperation {
  return { key, expect: expected, body: (revision) => Buffer.from(`${body}@${revision}`) };
}

async function refusal(promise: Promise<unknown>): Promise<DataFolderError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DataFolderError) return error;
    throw error;
  }
  throw new Error('expected a DataFolderError');
}

describe('the data folder', () => {
  test('is found again with objects, log and counters', async () => {
    const first = await openStore();
    await first.write(PODS, [put('a/x', 'absent', 'one'), put('a/y', 'absent')]);
    await first.write(PODS, [put('a/x', 2, 'two')]);
    await first.write('apps/deployments', [put('a/d', 'absent')]);
    await first.write(PODS, [{ ...put('a/y', 3, 'last'), delete: true }]);
    const before = await first.changes(PODS, 1);
    await first.close();

    const second = await openStore();
    expect(await second.changes(PODS, 1)).toEqual(before);
    expect((await second.list(PODS)).items.map(({ key, revision }) => [key, revision])).toEqual([['a/x', 4]]);
    expect((await second.collections()).sort()).toEqual(['apps/deployments', PODS]);
    expect(await second.write(PODS, [put('a/z', 'absent')])).toEqual([6]);
    expect(await second.write('apps/deployments', [put('a/e', 'absent')])).toEqual([3]);
    expect(await second.write('batch/jobs', [put('a/j', 'absent')])).toEqual([2]);
    expect(await second.get('batch/jobs', 'a/d')).toBeUndefined();
  });

  test("is for its owner's eyes only", async () => {
    const store = await openStore();
    await store.write(PODS, [put('a/x', 'absent')]);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(directory))
      expect([name, (await stat(join(directory, name))).mode & 0o777]).toEqual([name, 0o600]);
  });

  test('of a newer format is refused and left alone', async () => {
    await (await openStore()).close();
    const root = open<Buffer, Buffer>({
      path: directory,
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'binary',
    });
    await root.put(Buffer.from('format'), Buffer.from('2'));
    await root.close();
    const error = await refusal(openStore());
    expect(error.code).toBe('format');
    expect(error.message).toBe(
      `data folder ${directory} was written by a newer zeroplane (format 2, this one reads 1): use that version, or choose another --data`,
    );
    expect((await refusal(openStore())).code).toBe('format');
  });

  test('that holds something else, or is a file, is refused', async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'data.mdb'), 'this is no data file'.repeat(1_000));
    expect((await refusal(openStore())).code).toBe('unreadable');
    await rm(directory, { recursive: true });
    await writeFile(directory, '');
    const error = await refusal(openStore());
    expect(error.code).toBe('unreadable');
    expect(error.message).toContain('or choose another --data');
  });
});

describe("the folder's lock", () => {
  test('admits one store at a time, and the next when it is closed', async () => {
    const first = await openStore();
    const error = await refusal(openStore());
    expect(error.code).toBe('locked');
    expect(error.message).toBe(
      `data folder ${directory} is in use by another zeroplane (pid ${process.pid}): stop it or choose another --data`,
    );
    await first.close();
    await (await openStore()).write(PODS, [put('a/x', 'absent')]);
  });

  test("lets exactly one of many in, also over a dead owner's folder", async () => {
    for (let round = 0; round < 20; round++) {
      if (round % 2 === 1) await writeOwner({ ...thisProcess(), startTicks: '1' });
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => openStore()));
      expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await Promise.all(opened.splice(0).map((store) => store.close()));
    }
    const owners = (await readdir(directory)).filter((name) => name.includes('owner'));
    expect(owners).toHaveLength(1);
  });

  test.skipIf(process.platform !== 'linux')(
    'does not take another process with the same id for the owner',
    async () => {
      await (await openStore()).close();
      await writeOwner({ ...thisProcess(), startTicks: '1' });
      await (await openStore()).close();
      await writeOwner({ ...thisProcess(), bootId: 'an earlier boot' });
      await (await openStore()).close();
      await writeOwner(thisProcess());
      expect((await refusal(openStore())).code).toBe('locked');
    },
  );

  test('of a killed process does not block, of a living one does', async () => {
    await (await openStore()).close();
    const other = spawn('sleep', ['60']);
    await once(other, 'spawn');
    await writeOwner({ pid: other.pid as number });
    const error = await refusal(openStore());
    expect(error.message).toContain(`(pid ${other.pid})`);
    other.kill('SIGKILL');
    await once(other, 'exit');
    await openStore();
  });

  test('survives a half-written owner file', async () => {
    await (await openStore()).close();
    await writeFile(join(directory, 'owner-900'), '{"pi');
    await writeFile(join(directory, '.owner-999999999-1'), '');
    await openStore();
    expect((await readdir(directory)).filter((name) => name.includes('owner'))).toEqual(['owner-901']);
  });

  /** Writes an owner file with a number above all that are there. */
  async function writeOwner(owner: unknown): Promise<void> {
    await mkdir(directory, { recursive: true });
    const numbers = (await readdir(directory)).map((name) => Number(/^owner-(\d+)$/.exec(name)?.[1] ?? 0));
    const path = join(directory, `owner-${Math.max(0, ...numbers) + 1}`);
    await writeFile(path, JSON.stringify(owner));
  }
});

describe('writes', () => {
  test('are not seen by anyone before they are acknowledged', async () => {
    const store = await openStore();
    let acknowledged = 1;
    let running = true;
    const writeAll = async (): Promise<void> => {
      for (let round = 0; round < 200; round++)
        [acknowledged] = (await store.write(PODS, [put(`a/${round}`, 'absent')])) as [number];
    };
    const writer = writeAll().finally(() => {
      running = false;
    });
    let looks = 0;
    while (running) {
      await new Promise((resolve) => setImmediate(resolve));
      const [listed, revision, changes] = await Promise.all([
        store.list(PODS),
        store.revision(PODS),
        store.changes(PODS, 0),
      ]);
      expect([listed.revision, revision, changes.revision]).toEqual(
        [acknowledged, acknowledged, acknowledged].map((seen) => Math.max(seen, 1)),
      );
      expect(listed.items).toHaveLength(acknowledged - 1);
      looks++;
    }
    await writer;
    expect(looks).toBeGreaterThan(50);
  });

  test('beyond the number of events that a log keeps push out the oldest', async () => {
    const store = await openStore({ retentionEventsMax: 100 });
    let revision = 0;
    for (let round = 0; round < 500; round++)
      [revision] = (await store.write(PODS, [put('a/x', round === 0 ? 'absent' : revision)])) as [number];
    expect(revision).toBe(501);
    await expect(store.changes(PODS, 400)).rejects.toMatchObject({ code: 'compacted' });
    const kept = await store.changes(PODS, 401);
    expect(kept.events).toHaveLength(100);
    expect(Buffer.from(kept.events[0]?.previous ?? []).toString()).toBe('a/x@401');
    await store.close();
    const again = await openStore({ retentionEventsMax: 100 });
    expect((await again.changes(PODS, 401)).events).toEqual(kept.events);
  });

  test('leave one timer at most, and none when all is old or closed', async () => {
    const store = await openStore();
    await store.write(PODS, [put('a/x', 'absent')]);
    await store.write(PODS, [put('a/y', 'absent')]);
    expect(clock.pendingTimers).toBe(1);
    for (let minute = 0; minute < 15; minute++) {
      await clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await expect(store.changes(PODS, 1)).rejects.toMatchObject({ code: 'compacted' });
    expect(clock.pendingTimers).toBe(0);
    await store.write(PODS, [put('a/z', 'absent')]);
    await store.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
