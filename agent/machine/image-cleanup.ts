import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../lib/clock/clock.js';
import type { CriImages } from '../runtime/cri/images.js';
import { IMAGE_AGE_MIN_MS, IMAGES_HIGH_PART, IMAGES_LOW_PART } from './thresholds.js';

export interface ImageCleanupOptions {
  images: Pick<CriImages, 'filesystem' | 'list' | 'remove'>;
  clock: Clock;
  /** Where it is kept which images are ours. */
  file: string;
  /** Ids of the images of all containers that are there. */
  inUse(): Promise<ReadonlySet<string>>;
  /** The size of the file system at this path, and what is free of it. Default: as the kernel says. */
  storage?(mountpoint: string): Promise<{ totalBytes: number; freeBytes: number }>;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** Removes images that this agent pulled and nobody uses any more, the longest unused first, when their file system fills up. */
export class ImageCleanup {
  readonly #options: ImageCleanupOptions;
  /** By id, when an image of ours was last used. */
  #usedMs: Map<string, number> | undefined;

  constructor(options: ImageCleanupOptions) {
    this.#options = options;
  }

  async pulled(id: string): Promise<void> {
    const used = await this.#load();
    used.set(id, this.#options.clock.now());
    await this.#save(used);
  }

  /** One look; removes nothing while there is room. Under pressure (`all`) everything goes that nobody uses. */
  async run({ all = false }: { all?: boolean } = {}): Promise<void> {
    const { images, clock, inUse, log } = this.#options;
    const used = await this.#load();
    if (used.size === 0) return;
    const nowMs = clock.now();
    const busy = await inUse();
    for (const id of used.keys()) if (busy.has(id)) used.set(id, nowMs);
    const mountpoint = (await images.filesystem())?.fs_id?.mountpoint;
    if (mountpoint === undefined) return;
    const { totalBytes, freeBytes } = await (this.#options.storage ?? storageOf)(mountpoint);
    let taken = totalBytes - freeBytes;
    if (!all && taken < totalBytes * IMAGES_HIGH_PART) return;
    const present = new Map((await images.list()).map((image) => [image.id, image]));
    for (const [id, lastMs] of [...used].sort(([, one], [, other]) => one - other)) {
      const image = present.get(id);
      if (image === undefined) used.delete(id);
      else if (!busy.has(id) && !image.pinned && nowMs - lastMs > IMAGE_AGE_MIN_MS) {
        await images.remove(id);
        used.delete(id);
        taken -= image.size;
        log('info', 'an unused image was removed', { image: image.repo_tags[0] ?? id });
      }
      if (!all && taken < totalBytes * IMAGES_LOW_PART) break;
    }
    await this.#save(used);
  }

  async #load(): Promise<Map<string, number>> {
    if (this.#usedMs !== undefined) return this.#usedMs;
    const text = await readFile(this.#options.file, 'utf8').catch(() => '{}');
    let known: Record<string, number> = {};
    try {
      known = JSON.parse(text) as Record<string, number>;
    } catch {
      // A file that a crash left half written: those images are nobody's now, and stay.
    }
    return (this.#usedMs ??= new Map(Object.entries(known)));
  }

  async #save(used: ReadonlyMap<string, number>): Promise<void> {
    const { file } = this.#options;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(`${file}.tmp`, JSON.stringify(Object.fromEntries(used)));
    await rename(`${file}.tmp`, file);
  }
}

async function storageOf(mountpoint: string): Promise<{ totalBytes: number; freeBytes: number }> {
  const { blocks, bavail, bsize } = await statfs(mountpoint);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}
