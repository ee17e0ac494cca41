import { link, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFolderError } from './errors.js';
import { isAlive, thisProcess } from './process-identity.js';
import type { ProcessIdentity } from './process-identity.js';

/**
 * One process at a time per data folder, over files only, so that a killed process never blocks the next.
 *
 * Owners are numbered: `owner-N` names the process that took the folder as the N-th. The highest number counts. Its
 * successor is made by linking a complete file to `owner-N+1`, which only one process can. Numbers never go back: who leaves
 * overwrites its file with "nobody" and leaves it, and only lower ones are removed. So a process that looked at the
 * folder long ago can at most take a number that is no longer the highest; it sees that afterwards and withdraws.
 */
export class DirectoryLock {
  readonly #directory: string;
  readonly #number: number;

  private constructor(directory: string, number: number) {
    this.#directory = directory;
    this.#number = number;
  }

  /** Throws DataFolderError `locked` while another process, or this one, holds it. */
  static async acquire(directory: string): Promise<DirectoryLock> {
    const scratch = scratchPath(directory);
    await writeFile(scratch, JSON.stringify(thisProcess()), { mode: 0o600, flush: true });
    try {
      for (;;) {
        const highest = Math.max(0, ...(await ownerNumbers(directory)));
        const holder = highest === 0 ? undefined : await readOwner(directory, highest);
        if (holder !== undefined && isAlive(holder)) throw lockedError(directory, holder);
        const number = highest + 1;
        if (!(await linked(scratch, ownerPath(directory, number)))) continue;

        const numbers = await ownerNumbers(directory);
        if (Math.max(...numbers) > number) {
          await rm(ownerPath(directory, number), { force: true });
          continue;
        }
        for (const lower of numbers) if (lower < number) await rm(ownerPath(directory, lower), { force: true });
        await removeLitter(directory);
        return new DirectoryLock(directory, number);
      }
    } finally {
      await rm(scratch, { force: true });
    }
  }

  async release(): Promise<void> {
    const scratch = scratchPath(this.#directory);
    await writeFile(scratch, NOBODY, { mode: 0o600 });
    await rename(scratch, ownerPath(this.#directory, this.#number));
  }
}

const OWNER_FILE = /^owner-([1-9]\d*)$/;
const NOBODY = '{}';
let nextScratch = 0;

const SCRATCH_FILE = /^\.owner-(\d+)-\d+$/;

function scratchPath(directory: string): string {
  return join(directory, `.owner-${process.pid}-${nextScratch++}`);
}

/** What processes left that were killed while they tried to take the folder. */
async function removeLitter(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = SCRATCH_FILE.exec(name)?.[1];
    if (pid !== undefined && !isAlive({ pid: Number(pid) })) await rm(join(directory, name), { force: true });
  }
}

function ownerPath(directory: string, number: number): string {
  return join(directory, `owner-${number}`);
}

async function ownerNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => {
    const match = OWNER_FILE.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

/** Undefined when nobody holds that number: left, never complete (a machine that lost power), or already overtaken. */
async function readOwner(directory: string, number: number): Promise<ProcessIdentity | undefined> {
  let owner: unknown;
  try {
    owner = JSON.parse(await readFile(ownerPath(directory, number), 'utf8'));
  } catch {
    return undefined;
  }
  if (typeof owner !== 'object' || owner === null || !('pid' in owner)) return undefined;
  if (typeof owner.pid !== 'number') return undefined;
  return {
    pid: owner.pid,
    startTicks: 'startTicks' in owner && typeof owner.startTicks === 'string' ? owner.startTicks : undefined,
    bootId: 'bootId' in owner && typeof owner.bootId === 'string' ? owner.bootId : undefined,
  };
}

/** Gives the file its second name; false when that name is taken. */
async function linked(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function lockedError(directory: string, holder: ProcessIdentity): DataFolderError {
  return new DataFolderError(
    'locked',
    `data folder ${directory} is in use by another zeroplane (pid ${holder.pid}): stop it or choose another --data`,
    { directory },
  );
}
