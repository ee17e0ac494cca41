import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import type { CriImage } from '../runtime/cri/messages.js';
import { ImageCleanup } from './image-cleanup.js';

const SIZE = 10;
const MINUTE_MS = 60_000;
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-images-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A runtime with images of which each takes a tenth of the disk. */
function machine(ids: string[]) {
  const clock = new FakeClock();
  const present = new Map(
    ids.map((id) => [id, { id, size: SIZE, pinned: id === 'pinned', repo_tags: [id] } as unknown as CriImage]),
  );
  const busy = new Set<string>();
  const disk = { otherBytes: 0 };
  const cleanup = new ImageCleanup({
    clock,
    images: {
      filesystem: async () => ({ fs_id: { mountpoint: '/images' } }) as never,
      list: async () => [...present.values()],
      remove: async (id) => void present.delete(id),
    },
    file: path.join(folder, 'images.json'),
    inUse: async () => busy,
    storage: async () => ({ totalBytes: 100, freeBytes: 100 - disk.otherBytes - present.size * SIZE }),
    log: () => undefined,
  });
  return { clock, busy, disk, cleanup, left: () => [...present.keys()] };
}

it('above the high mark images of ours go, the longest unused first, down to the low mark', async () => {
  const { clock, busy, disk, cleanup, left } = machine(['old', 'used', 'pinned', 'stranger', 'newer', 'young']);
  for (const id of ['old', 'used', 'pinned', 'newer']) {
    await cleanup.pulled(id);
    await clock.advance(MINUTE_MS);
  }
  busy.add('used');
  await clock.advance(10 * MINUTE_MS);
  await cleanup.pulled('young');
  disk.otherBytes = 24;
  await cleanup.run();
  expect(left()).toHaveLength(6);
  disk.otherBytes = 26;
  await cleanup.run();
  expect(left()).toEqual(['used', 'pinned', 'stranger', 'newer', 'young']);
  // Nothing but what is ours, unused and not young can go, whatever is needed.
  disk.otherBytes = 60;
  await cleanup.run();
  expect(left()).toEqual(['used', 'pinned', 'stranger', 'young']);
});

it('under pressure all goes that nobody uses', async () => {
  const { clock, busy, cleanup, left } = machine(['a', 'b', 'used', 'stranger']);
  for (const id of ['a', 'b', 'used']) await cleanup.pulled(id);
  busy.add('used');
  await clock.advance(3 * MINUTE_MS);
  await cleanup.run();
  expect(left()).toHaveLength(4);
  await cleanup.run({ all: true });
  expect(left()).toEqual(['used', 'stranger']);
});
