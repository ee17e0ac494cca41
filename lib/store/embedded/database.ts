import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Database, RootDatabase, Transaction } from 'lmdb';
import { checkDataFile } from './data-file.js';
import { DataFolderError } from './errors.js';

/** Raised when what is written can no longer be read by what came before. */
const FORMAT_VERSION = 1;
const FORMAT_KEY = Buffer.from('format');

/** There while a restore is under way, and after one that was cut short. */
const RESTORING_KEY = Buffer.from('restoring');

/** The names that LMDB gives its files. */
const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';

/** Address space set aside for the data file, which is only as long as what is in it; LMDB extends it by need. */
const MAP_SIZE_BYTES = 64 * 1_024 ** 3;

/** Enough for every reader of this process; each transaction takes one slot. */
const READERS_MAX = 16;

export type Table = Database<Buffer, Buffer>;

export interface Range {
  /** Inclusive. */
  start: Buffer;
  /** Exclusive. */
  end: Buffer;
  limit?: number;
}

/**
 * The data file: four tables and one snapshot.
 *
 * All reads go through the snapshot, which moves on only with `refresh`. So what is read is always the state that the store has
 * published: never ahead of what it knows to be on disk, of what watchers were told, or of its counters in memory.
 *
 * LMDB runs in its most conservative mode: a commit writes the pages, flushes, and then writes the root through a
 * descriptor opened with O_DSYNC. Only then does `commit` resolve. (The lmdb package's default, overlapping
 * sync, confirms earlier and flushes behind; it gains nothing here, since commits are grouped anyway.)
 */
export class StoreDatabase {
  readonly collections: Table;
  readonly objects: Table;
  readonly log: Table;
  readonly bodies: Table;
  readonly #root: RootDatabase<Buffer, Buffer>;
  #snapshot: { transaction: Transaction };

  private constructor(root: RootDatabase<Buffer, Buffer>) {
    this.#root = root;
    this.collections = openTable(root, 'collections');
    this.objects = openTable(root, 'objects');
    this.log = openTable(root, 'log');
    this.bodies = openTable(root, 'bodies');
    this.#snapshot = { transaction: root.useReadTransaction() };
  }

  /**
   * Opens or creates the data file. Throws DataFolderError `format` or `unfinished` (not with `isRestore`), or what is wrong with the files.
   * The caller holds the folder's lock.
   */
  static async open(directory: string, { isRestore = false } = {}): Promise<StoreDatabase> {
    await checkDataFile(join(directory, DATA_FILE));
    const root = openRoot(directory);
    try {
      await chmod(join(directory, DATA_FILE), 0o600);
      await chmod(join(directory, LOCK_FILE), 0o600);
      await checkFormat(root, directory);
      if (!isRestore) checkRestored(root, directory);
      const database = new StoreDatabase(root);
      database.dropDeadReaders();
      return database;
    } catch (error) {
      await root.close();
      throw error;
    }
  }

  /**
   * What a data file holds now, while another process may go on writing it: LMDB keeps the state that a reader began with. Undefined where
   * there is no data file. Needs no lock of the folder.
   */
  static async openSnapshot(directory: string): Promise<StoreDatabase | undefined> {
    const path = join(directory, DATA_FILE);
    if (!existsSync(path)) return undefined;
    await checkDataFile(path);
    const root = openRoot(directory, { readOnly: true });
    try {
      const version = root.get(FORMAT_KEY);
      // Made and not yet filled by a process that has just started.
      if (version === undefined) {
        await root.close();
        return undefined;
      }
      assertFormat(version, directory);
      checkRestored(root, directory);
      return new StoreDatabase(root);
    } catch (error) {
      await root.close();
      throw error;
    }
  }

  /** Frees what processes held that were killed while they read: it could not be used again, and the file would grow. */
  dropDeadReaders(): void {
    this.#root.readerCheck();
  }

  /** Marks the file as being restored, on disk, and then empties it. */
  async beginRestore(): Promise<void> {
    await this.#root.put(RESTORING_KEY, Buffer.from('1'));
    await Promise.all([this.collections, this.objects, this.log, this.bodies].map((table) => table.clearAsync()));
    this.refresh();
  }

  /** Takes the mark away, together with what `fill` puts. */
  async finishRestore(fill: () => void): Promise<void> {
    await this.commit(() => {
      fill();
      void this.#root.remove(RESTORING_KEY);
    });
    this.refresh();
  }

  /** Whether a restore has begun and not ended. */
  get isRestoring(): boolean {
    return this.#root.get(RESTORING_KEY) !== undefined;
  }

  /** A copy of the value, at the snapshot. */
  get(table: Table, key: Buffer): Buffer | undefined {
    return table.get(key, this.#snapshot);
  }

  /** The entries at the snapshot, in order; to be consumed before the snapshot moves on, which is within the turn. */
  range(table: Table, range: Range): Iterable<{ key: Buffer; value: Buffer }> {
    return table.getRange({ ...range, ...this.#snapshot });
  }

  count(table: Table, range: Range): number {
    return table.getKeysCount({ ...range, ...this.#snapshot });
  }

  /**
   * Runs all puts and removes that `fill` makes in one transaction. Resolves when it is on disk; not yet visible
   * here before `refresh`. On rejection nothing, or (where the disk fails at the very last step) everything was applied.
   */
  async commit(fill: () => void): Promise<void> {
    try {
      await this.#root.batch(fill);
    } catch (error) {
      throw await commitCause(error);
    }
  }

  /** Moves the snapshot to the newest commit. */
  refresh(): void {
    const former = this.#snapshot.transaction;
    this.#root.resetReadTxn();
    this.#snapshot = { transaction: this.#root.useReadTransaction() };
    former.done();
  }

  async close(): Promise<void> {
    this.#snapshot.transaction.done();
    await this.#root.close();
  }
}

/** Values are plain bytes. Reading copies them out of LMDB's map once, into the pool of small buffers where they fit. */
const PLAIN_BYTES = {
  encode: (value: Buffer): Buffer => value,
  decode: (shared: Buffer): Buffer => {
    const { length } = shared;
    const value = Buffer.allocUnsafe(length);
    value.set(shared.subarray(0, length));
    return value;
  },
};

const TABLE_OPTIONS = { keyEncoding: 'binary', encoder: PLAIN_BYTES } as const;

function openTable(root: RootDatabase<Buffer, Buffer>, name: string): Table {
  return root.openDB<Buffer, Buffer>(name, TABLE_OPTIONS);
}

function openRoot(directory: string, options: { readOnly?: true } = {}): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    overlappingSync: false,
    // With it the package makes a promise of its own per turn that nobody can handle when a commit fails.
    eventTurnBatching: false,
    mapSize: MAP_SIZE_BYTES,
    maxReaders: READERS_MAX,
    keyEncoding: 'binary',
    encoding: 'binary',
    ...options,
  });
}

function checkRestored(root: RootDatabase<Buffer, Buffer>, directory: string): void {
  if (root.get(RESTORING_KEY) === undefined) return;
  throw new DataFolderError(
    'unfinished',
    `a restore into data folder ${directory} was cut short: run \`zeroplane restore\` again, or remove the folder`,
    { directory },
  );
}

async function checkFormat(root: RootDatabase<Buffer, Buffer>, directory: string): Promise<void> {
  const stored = root.get(FORMAT_KEY);
  if (stored === undefined) {
    await root.put(FORMAT_KEY, Buffer.from(String(FORMAT_VERSION)));
    return;
  }
  assertFormat(stored, directory);
}

function assertFormat(stored: Buffer, directory: string): void {
  const version = Number(stored.toString());
  if (version === FORMAT_VERSION) return;
  throw new DataFolderError(
    'format',
    `data folder ${directory} was written by a newer zeroplane (format ${stored.toString()}, this one reads ${FORMAT_VERSION}): use that version, or choose another --data`,
    { directory },
  );
}

/** The package rejects with a general error whose `commitError` promise rejects with the reason. */
async function commitCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
