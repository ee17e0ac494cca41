import { isStoreError } from '../errors.js';
import type { ListOptions, ListPosition, ListResult, StoredObject } from '../store.js';
import { BackupError } from './errors.js';
import type { BackupSource } from './ports.js';
import { encodeRecord, type BackupDescription, type BackupRecord } from './records.js';

/** A page is meant to be so large, whatever its objects are like. */
const PAGE_BYTES = 2 * 1_024 * 1_024;
const PAGE_OBJECTS_FIRST = 50;
const PAGE_OBJECTS_MAX = 2_000;

/** A store that does not answer is asked so often; it has its own deadline each time. */
const ATTEMPTS_MAX = 4;

export interface BackupContents {
  source: BackupSource;
  description: BackupDescription;
  /** Secrets of the cluster that are kept outside of its store, by name. */
  secrets?: ReadonlyMap<string, string>;
}

export interface BackupCounts {
  collections: number;
  objects: number;
}

/**
 * The records of a backup, in bytes; returns how much it was. Holds one page of objects at a time. Throws `overtaken` when a log no
 * longer reaches back to the cut, and what the store throws.
 */
export async function* backupRecords(contents: BackupContents): AsyncGenerator<Buffer, BackupCounts, undefined> {
  const { source, description, secrets = new Map<string, string>() } = contents;
  const cut = await persist(() => source.cut());
  let objects = 0;
  yield encodeRecord({ kind: 'description', ...description });
  for (const [name, text] of secrets) yield encodeRecord({ kind: 'secret', name, text });
  for (const [name, revision] of [...cut].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield encodeRecord({ kind: 'collection', name, revision });
    for await (const object of objectsAt(source, name, revision)) {
      objects++;
      yield encodeRecord({ kind: 'object', object } satisfies BackupRecord);
    }
  }
  const counts = { collections: cut.size, objects };
  yield encodeRecord({ kind: 'end', ...counts });
  return counts;
}

/** The objects of a collection as they were at a revision, in key order. */
async function* objectsAt(source: BackupSource, collection: string, revision: number): AsyncGenerator<StoredObject> {
  let limit = PAGE_OBJECTS_FIRST;
  let position: ListPosition | undefined = { revision, afterKey: '' };
  while (position !== undefined) {
    let page: ListResult;
    try {
      const asked: ListOptions = { limit, continue: position };
      page = await persist(() => source.list(collection, asked));
    } catch (error) {
      if (!isStoreError(error, 'compacted')) throw error;
      throw new BackupError(
        'overtaken',
        `${collection} changes faster than it can be read: try again at a quieter time`,
        {
          cause: error,
        },
      );
    }
    yield* page.items;
    position = page.continue;
    const bytes = page.items.reduce((sum, { body }) => sum + body.byteLength, 0);
    if (bytes > 0)
      limit = Math.max(1, Math.min(PAGE_OBJECTS_MAX, limit * 4, Math.floor((PAGE_BYTES * page.items.length) / bytes)));
  }
}

async function persist<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isStoreError(error, 'unavailable')) throw error;
    }
  }
}
