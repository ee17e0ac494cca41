import { constants } from 'node:fs';
import { chown, mkdir, open, realpath, stat, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Mounter } from './mounts.js';

/** Linux: only names the file, whatever its permissions. Node has no constant for it. */
const O_PATH = 0o10000000;

const DIRECTORY_MODE = 0o755;

/**
 * Binds a path inside a volume to a place of our own and leaves no way out of the volume: links are followed once and must end inside, and
 * what is then bound was opened part by part without following any, so that a container that swaps a folder for a link meanwhile gains
 * nothing. Resolves with the place. What is not there is made as a folder.
 */
export async function bindSubPath(options: {
  mounter: Mounter;
  volume: string;
  subPath: string;
  /** Where to bind it: a path below which nothing else is. */
  target: string;
  group: number | undefined;
}): Promise<string> {
  const { mounter, volume, subPath, target } = options;
  const root = await realpath(volume);
  const inside = await resolveInside(root, subPath);
  const opened = await openInside(root, inside, options.group);
  try {
    // The link of /proc names what is open, whatever has become of its path. mount runs in another process, so not `self`.
    const source = `/proc/${process.pid}/fd/${opened.fd}`;
    if (await isSameFile(source, target)) return target;
    const isFolder = (await stat(source)).isDirectory();
    if ((await mounter.below(target)).length > 0) await mounter.unmount(target);
    await mkdir(isFolder ? target : path.dirname(target), { recursive: true, mode: 0o750 });
    if (!isFolder) await writeFile(target, '', { flag: 'a' });
    await mounter.bind(source, target);
    return target;
  } finally {
    await opened.close();
  }
}

/** The parts of the path with all links that are there now followed. Throws when it leads out of the volume. */
async function resolveInside(root: string, subPath: string): Promise<string[]> {
  const parts = subPath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Error(`must not contain '..'`);
  let present = root;
  for (const [index, part] of parts.entries()) {
    const next = await realpath(path.join(present, part)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (next === undefined) return [...relativeParts(root, present), ...parts.slice(index)];
    if (next !== root && !next.startsWith(`${root}/`)) {
      throw new Error(`subpath ${JSON.stringify(subPath)} not within volume path`);
    }
    present = next;
  }
  return relativeParts(root, present);
}

function relativeParts(root: string, inside: string): string[] {
  return path.relative(root, inside).split('/').filter(Boolean);
}

async function openInside(root: string, parts: readonly string[], group: number | undefined): Promise<FileHandle> {
  const flags = O_PATH | constants.O_NOFOLLOW;
  let handle = await open(root, flags);
  try {
    for (const part of parts) {
      const place = `/proc/self/fd/${handle.fd}/${part}`;
      let next = await open(place, flags).catch(() => undefined);
      if (next === undefined) {
        await mkdir(place, { mode: DIRECTORY_MODE });
        next = await open(place, flags);
        if (group !== undefined) await chown(place, 0, group);
      }
      await handle.close();
      handle = next;
      if ((await handle.stat()).isSymbolicLink()) throw new Error(`unexpected symlink: ${part}`);
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([stat(one), stat(other).catch(() => undefined)]);
  return right !== undefined && left.ino === right.ino && left.dev === right.dev;
}
