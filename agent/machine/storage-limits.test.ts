import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { folderBytes } from './folder-size.js';
import { StorageLimits } from './storage-limits.js';

const KI = 1024;
let root = '';

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'zeroplane-storage-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (file: string, kibibytes: number): void => {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), Buffer.alloc(kibibytes * KI, 'x'));
};

/** Evictions of one look, by pod. */
async function look(pods: V1Pod[], written: Record<string, number> = {}): Promise<Record<string, string>> {
  const evicted: Record<string, string> = {};
  const limits = new StorageLimits({
    pods: () => pods,
    written: async () => Object.entries(written).map(([name, writtenBytes]) => ({ podUid: 'pod', name, writtenBytes })),
    volumeFolder: (uid, volume) => path.join(root, uid, 'volumes', volume.name),
    logFolder: () => path.join(root, 'logs'),
    evict: (uid, { reason, message }) => (evicted[uid] = `${reason}: ${message}`),
    log: () => undefined,
  });
  await limits.check();
  return evicted;
}

const pod = (
  limits: Record<string, string | undefined>,
  volumes: NonNullable<V1Pod['spec']>['volumes'] = [],
): V1Pod => ({
  metadata: { uid: 'pod', name: 'pod', namespace: 'default' },
  spec: {
    volumes,
    containers: Object.entries(limits).map(([name, limit]) => ({
      name,
      ...(limit === undefined ? {} : { resources: { limits: { 'ephemeral-storage': limit } } }),
    })),
  },
  status: { phase: 'Running' },
});

it('an empty directory that is fuller than its limit ends its pod', async () => {
  const full = pod({ main: undefined }, [
    { name: 'small', emptyDir: { sizeLimit: '1Mi' } },
    { name: 'any', emptyDir: {} },
    { name: 'tmpfs', emptyDir: { medium: 'Memory', sizeLimit: '1Ki' } },
  ]);
  write('pod/volumes/any/f', 4096);
  write('pod/volumes/tmpfs/f', 64);
  write('pod/volumes/small/deep/er/f', 512);
  expect(await look([full])).toEqual({});
  write('pod/volumes/small/g', 768);
  expect(await look([full])).toEqual({ pod: 'Evicted: Usage of EmptyDir volume "small" exceeds the limit "1Mi". ' });
  const over = { ...full, status: { phase: 'Succeeded' } };
  expect(await look([over])).toEqual({});
});

it('containers and their pod stay within what they may write: their own files, logs and empty directories', async () => {
  const one = pod({ main: '1Mi' }, [{ name: 'v', emptyDir: {} }]);
  write('pod/volumes/v/f', 600);
  write('logs/main/0.log', 200);
  expect(await look([one], { main: 100 * KI })).toEqual({});
  expect(await look([one], { main: 300 * KI })).toEqual({
    pod: 'Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ',
  });
  expect(await look([pod({ main: '300Ki', other: '8Mi' })], { main: 200 * KI })).toEqual({
    pod: 'Evicted: Container main exceeded its local ephemeral storage limit "300Ki". ',
  });
  expect(await look([pod({ main: undefined })], { main: 9000 * KI })).toEqual({});
});

it('the size of a folder: links lead nowhere, and one file counts once', async () => {
  write('a/f', 100);
  write('b/f', 3000);
  linkSync(path.join(root, 'a/f'), path.join(root, 'a/again'));
  symlinkSync(path.join(root, 'b'), path.join(root, 'a/out'));
  expect(await folderBytes(path.join(root, 'a'))).toBeGreaterThanOrEqual(100 * KI);
  expect(await folderBytes(path.join(root, 'a'))).toBeLessThan(150 * KI);
  expect(await folderBytes(path.join(root, 'b'), 10 * KI)).toBeGreaterThan(10 * KI);
  expect(await folderBytes(path.join(root, 'none'))).toBe(0);
});
