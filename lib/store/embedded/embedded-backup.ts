import { mkdir } from 'node:fs/promises';
import type { BackupSource, Restorer } from '../backup/ports.js';
import { compactedError } from '../operations.js';
import type { ListOptions, ListResult, StoredObject } from '../store.js';
import { readCollections, type CollectionState } from './collection-state.js';
import { StoreDatabase } from './database.js';
import { DirectoryLock } from './directory-lock.js';
import { encodeCollection, encodeObject, objectKey } from './encoding.js';
import { DataFolderError, unreadableError } from './errors.js';
import { Lister } from './lister.js';
import { LogReader } from './log-reader.js';

/**
 * A data folder as it is at one moment, all collections at the same commit, whether a cluster is using it or not. While it is open, the
 * file of a busy cluster grows, since nothing that it shows can be used again.
 */
export class EmbeddedSnapshot implements BackupSource {
  readonly #database: StoreDatabase;
  readonly #states: ReadonlyMap<string, CollectionState>;
  readonly #lister: Lister;

  private constructor(database: StoreDatabase) {
    this.#database = database;
    this.#states = new Map(readCollections(database).map((state) => [state.name, state]));
    this.#lister = new Lister(database, new LogReader(database));
  }

  /** Undefined where there is no data. Throws DataFolderError `format`, `unfinished` or `unreadable`. */
  static async open(directory: string): Promise<EmbeddedSnapshot | undefined> {
    try {
      const database = await StoreDatabase.openSnapshot(directory);
      return database === undefined ? undefined : new EmbeddedSnapshot(database);
    } catch (error) {
      throw unreadableError(directory, error);
    }
  }

  async cut(): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.#states].map(([name, { record }]) => [name, record.revision]));
  }

  async list(collection: string, options: ListOptions = {}): Promise<ListResult> {
    const state = this.#states.get(collection);
    if (state === undefined)
      throw compactedError(collection, { revision: options.continue?.revision ?? 0, compacted: 0 });
    return this.#lister.list(state, options);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

/** A restore into a data folder, which nobody may use meanwhile. */
export interface EmbeddedRestore extends Restorer {
  /** Whether an earlier restore was cut short: what is there is no cluster. */
  readonly isUnfinished: boolean;
  /** What is in the folder now; not after `begin`. */
  readonly present: Pick<BackupSource, 'list'> & { collections(): string[] };
  close(): Promise<void>;
}

/** Takes a data folder, or makes one. Throws DataFolderError `locked`, `format` or `unreadable`. */
export async function openEmbeddedRestore(directory: string): Promise<EmbeddedRestore> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const lock = await DirectoryLock.acquire(directory);
    try {
      return restoreInto(await StoreDatabase.open(directory, { isRestore: true }), directory, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw unreadableError(directory, error);
  }
}

function restoreInto(database: StoreDatabase, directory: string, lock: DirectoryLock): EmbeddedRestore {
  const records = new Map<string, { id: number; revision: number; objects: number }>();
  const lister = new Lister(database, new LogReader(database));
  const states = new Map(readCollections(database).map((state) => [state.name, state]));
  const guard = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DataFolderError(
        'unreadable',
        `writing to data folder ${directory} failed: ${reason}. Check the free space of its disk and restore again`,
        { directory, cause },
      );
    }
  };
  return {
    isUnfinished: database.isRestoring,
    present: {
      collections: () => [...states.keys()],
      async list(collection, options = {}) {
        const state = states.get(collection);
        return state === undefined ? { items: [], revision: 0 } : lister.list(state, options);
      },
    },
    begin: () => guard(() => database.beginRestore()),
    async collection(name, revision) {
      records.set(name, { id: records.size + 1, revision, objects: 0 });
    },
    async put(collection: string, objects: readonly StoredObject[]) {
      const record = records.get(collection);
      if (record === undefined) throw new Error(`the collection ${collection} was not announced`);
      record.objects += objects.length;
      await guard(() =>
        database.commit(() => {
          for (const { key, revision, body } of objects)
            void database.objects.put(objectKey(record.id, key), encodeObject(revision, body));
        }),
      );
    },
    finish: () =>
      guard(() =>
        database.finishRestore(() => {
          for (const [name, { id, revision, objects }] of records)
            void database.collections.put(
              Buffer.from(name),
              encodeCollection({ id, revision, compacted: revision, objects }),
            );
        }),
      ),
    async close() {
      await database.close();
      await lock.release();
    },
  };
}
