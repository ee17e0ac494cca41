import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { manifestFolder } from './manifest-folder.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-manifests-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Names and contents, or what is wrong. */
const read = (location = folder): string[] =>
  manifestFolder(location)
    .read()
    .map((one) => `${path.basename(one.file)}: ${'bytes' in one ? Buffer.from(one.bytes).toString() : one.problem}`);

it('the files of a folder, in order, without hidden ones and folders', () => {
  for (const name of ['b.yaml', 'a.json', '.swap', 'no-extension']) writeFileSync(path.join(folder, name), name);
  mkdirSync(path.join(folder, 'deeper'));
  symlinkSync(path.join(folder, 'a.json'), path.join(folder, 'c'));
  expect(read()).toEqual(['a.json: a.json', 'b.yaml: b.yaml', 'c: a.json', 'no-extension: no-extension']);
});

it('one file is a folder of it, and what is not there is empty', () => {
  writeFileSync(path.join(folder, 'one'), 'text');
  expect(read(path.join(folder, 'one'))).toEqual(['one: text']);
  expect(read(path.join(folder, 'absent'))).toEqual([]);
});

it('what never ends, is too large or leads nowhere is told, and the others are read', () => {
  writeFileSync(path.join(folder, 'good'), 'text');
  writeFileSync(path.join(folder, 'large'), '');
  truncateSync(path.join(folder, 'large'), 10 * 1024 * 1024 + 1);
  spawnSync('mkfifo', [path.join(folder, 'pipe')]);
  symlinkSync('/nowhere/at/all', path.join(folder, 'stray'));
  expect(read()).toEqual([
    'good: text',
    'large: it is larger than 10485760 bytes',
    'pipe: it is not a regular file',
    expect.stringMatching(/^stray: ENOENT/),
  ]);
});

it('a change is told of, until that is ended', async () => {
  const source = manifestFolder(folder);
  let changes = 0;
  const changed = new Promise<() => void>((resolve) => {
    const end = source.watch(() => {
      changes++;
      resolve(end);
    });
  });
  writeFileSync(path.join(folder, 'new'), '');
  (await changed)();
  const before = changes;
  writeFileSync(path.join(folder, 'newer'), '');
  await sleep(50);
  expect(changes).toBe(before);
  // A folder that is not there is read, and not watched.
  manifestFolder(path.join(folder, 'absent')).watch(() => undefined)();
});
