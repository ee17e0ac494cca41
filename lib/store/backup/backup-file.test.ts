import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackupFile, writeBackupFile } from './backup-file.js';
import { BackupError } from './errors.js';
import { decodeRecords, encodeRecord, type BackupRecord } from './records.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zeroplane-backup-'));
  file = join(folder, 'a.backup');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SMALL: BackupRecord[] = [
  { kind: 'description', createdMs: 5, store: 'memory', version: '1' },
  { kind: 'secret', name: 'ca.key', text: 'secret' },
  { kind: 'collection', name: 'core/pods', revision: 7 },
  { kind: 'object', object: { key: 'default/web', revision: 6, body: Buffer.from('{"kind":"Pod"}') } },
  { kind: 'end', collections: 1, objects: 1 },
];

async function* encoded(records: readonly BackupRecord[]): AsyncGenerator<Buffer, number> {
  for (const record of records) yield encodeRecord(record);
  return records.length;
}

async function readAll(path: string): Promise<BackupRecord[]> {
  const opened = await BackupFile.open(path);
  try {
    const records: BackupRecord[] = [];
    for await (const record of opened.records()) records.push(record);
    return records;
  } finally {
    await opened.close();
  }
}

async function codeOf(path: string): Promise<string> {
  try {
    const opened = await BackupFile.open(path);
    await opened.close();
    return 'whole';
  } catch (error) {
    if (error instanceof BackupError) return error.code;
    throw error;
  }
}

const object = fc.record({
  key: fc.string({ unit: 'binary', maxLength: 60 }),
  revision: fc.maxSafeNat().map((n) => n % 2 ** 47),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

test('records come back however their bytes are cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(object, { maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 50 })),
      async (objects, cuts) => {
        const records = objects.map((one): BackupRecord => ({ kind: 'object', object: one }));
        const bytes = Buffer.concat(records.map(encodeRecord));
        const pieces = async function* (): AsyncGenerator<Buffer> {
          for (let at = 0; at < bytes.byteLength;) {
            const length = cuts.next().value as number;
            yield bytes.subarray(at, at + length);
            at += length;
          }
        };
        const decoded: BackupRecord[] = [];
        for await (const record of decodeRecords(pieces())) decoded.push(record);
        expect(decoded).toEqual(records);
      },
    ),
    { numRuns: 50 },
  );
});

test('a file is written in one step, for its owner alone, and read back', async () => {
  writeFileSync(file, 'an older one');
  const { result, sizeBytes } = await writeBackupFile(file, encoded(SMALL));
  expect(result).toBe(SMALL.length);
  expect(statSync(file).size).toBe(sizeBytes);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['a.backup']);
  expect(await readAll(file)).toEqual(SMALL);
});

test('what fails half-way leaves the older file', async () => {
  writeFileSync(file, 'an older one');
  const failing = async function* (): AsyncGenerator<Buffer, void> {
    yield* encoded(SMALL);
    throw new Error('the store is gone');
  };
  await expect(writeBackupFile(file, failing())).rejects.toThrow('the store is gone');
  expect(readFileSync(file, 'utf8')).toBe('an older one');
  expect(readdirSync(folder)).toEqual(['a.backup']);
});

test('every changed bit of every byte, every truncation and every addition is noticed', async () => {
  await writeBackupFile(file, encoded(SMALL));
  const whole = readFileSync(file);
  const altered = join(folder, 'b.backup');
  const noticed = async (bytes: Buffer): Promise<void> => {
    writeFileSync(altered, bytes);
    expect(['damaged', 'not-a-backup']).toContain(await codeOf(altered));
  };
  for (let at = 0; at < whole.byteLength; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
    await noticed(bytes);
    await noticed(whole.subarray(0, at));
  }
  await noticed(Buffer.concat([whole, Buffer.of(0)]));
  expect(await codeOf(file)).toBe('whole');
});

test('a file that is altered after it was found whole is noticed while it is read', async () => {
  await writeBackupFile(file, encoded(SMALL));
  const opened = await BackupFile.open(file);
  const bytes = readFileSync(file);
  // The time in gzip's header, which gunzip does not look at.
  bytes[18 + 4] = (bytes[18 + 4] as number) ^ 1;
  writeFileSync(file, bytes);
  const reading = async (): Promise<void> => {
    for await (const record of opened.records()) expect(record).toBeDefined();
  };
  await expect(reading()).rejects.toMatchObject({ code: 'damaged' });
  await opened.close();
});

test('a file of a newer version is told from a damaged one', async () => {
  await writeBackupFile(file, encoded(SMALL));
  const bytes = readFileSync(file).subarray(0, -32);
  bytes[17] = 2;
  writeFileSync(file, Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]));
  expect(await codeOf(file)).toBe('newer');
});

test('something else is no backup', async () => {
  for (const text of ['', '{}', 'ZERO', 'x'.repeat(1_000)]) {
    writeFileSync(file, text);
    expect(await codeOf(file)).toBe(text === 'ZERO' ? 'damaged' : 'not-a-backup');
  }
});
