import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../lib/clock/clock.js';

/** Mounting is a system call or two: who takes longer hangs on a dead file system. */
const MOUNT_TIMEOUT_MS = 20_000;

/** What the kernel's mount table is changed by. */
export interface Mounter {
  tmpfs(target: string, options: { sizeBytes?: number; mode: string }): Promise<void>;
  /** Binds exactly what `source` names, which may be a link of /proc to an open file. */
  bind(source: string, target: string): Promise<void>;
  unmount(target: string): Promise<void>;
  /** All mount points at or below a folder, the innermost last. */
  below(folder: string): Promise<string[]>;
}

export class MountError extends Error {
  readonly code = 'mount';
}

/** util-linux' mount and umount. */
export function systemMounter(clock: Clock): Mounter {
  const run = (file: string, args: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1000)));
      const cancel = clock.setTimer(MOUNT_TIMEOUT_MS, () => child.kill('SIGKILL'));
      child.on('error', (cause) => {
        cancel();
        reject(new MountError(`${file} cannot be run: ${cause.message}`, { cause }));
      });
      child.on('close', (code) => {
        cancel();
        if (code === 0) resolve();
        else reject(new MountError(said.trim() || `${file} ended with ${code}`));
      });
    });
  return {
    tmpfs: (target, { sizeBytes, mode }) => {
      const options = [`mode=${mode}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(',');
      return run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', target]);
    },
    bind: (source, target) => run('mount', ['--no-canonicalize', '--bind', source, target]),
    unmount: (target) => run('umount', ['--lazy', '--no-canonicalize', target]),
    async below(folder) {
      const table = await readFile('/proc/self/mountinfo', 'utf8');
      return mountPoints(table).filter((target) => target === folder || target.startsWith(`${folder}/`));
    },
  };
}

/** The fifth field of each line, in which the kernel writes blanks and the like as octal numbers. */
function mountPoints(table: string): string[] {
  return table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target !== '')
    .map((target) => target.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
}
