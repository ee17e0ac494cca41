import { mkdir, open, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import path from 'node:path';

const CHECKS: Readonly<Record<string, (stats: Stats) => boolean>> = {
  Directory: (stats) => stats.isDirectory(),
  File: (stats) => stats.isFile(),
  Socket: (stats) => stats.isSocket(),
  CharDevice: (stats) => stats.isCharacterDevice(),
  BlockDevice: (stats) => stats.isBlockDevice(),
};

const WORDS: Readonly<Record<string, string>> = {
  Directory: 'directory',
  File: 'file',
  Socket: 'socket file',
  CharDevice: 'character device',
  BlockDevice: 'block device',
};

/** Checks what a hostPath volume says of its path, and makes it where it asks for that. Throws with the kubelet's words. */
export async function checkHostPath(target: string, type: string): Promise<void> {
  if (target.split('/').includes('..')) throw new Error(`path must not contain '..': ${target}`);
  if (type === '') return;
  const stats = await stat(target).catch(() => undefined);
  if (stats === undefined && type === 'DirectoryOrCreate') {
    await mkdir(target, { recursive: true, mode: 0o755 });
    return;
  }
  if (stats === undefined && type === 'FileOrCreate') {
    await mkdir(path.dirname(target), { recursive: true, mode: 0o755 });
    await (await open(target, 'a', 0o644)).close();
    return;
  }
  const kind = type.replace('OrCreate', '');
  if (stats === undefined || CHECKS[kind]?.(stats) !== true) {
    throw new Error(`hostPath type check failed: ${target} is not a ${WORDS[kind] ?? kind}`);
  }
}
