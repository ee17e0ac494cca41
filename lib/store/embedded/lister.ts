import { compareKeys } from '../keys.js';
import { rollBack } from '../snapshot.js';
import type { ListOptions, ListResult, StoredObject } from '../store.js';
import type { CollectionState } from './collection-state.js';
import type { Range, StoreDatabase } from './database.js';
import { decodeObject, decodeObjectKey, objectKey, objectKeyAfter, objectKeyPrefixEnd } from './encoding.js';
import type { KeyChange, LogReader } from './log-reader.js';

/** Counting what follows a page walks over all of it; in larger collections the count is left out. */
const REMAINING_OBJECTS_MAX = 50_000;

/** Answers lists: a range of the objects, rolled back to the first page's revision where it continues one. */
export class Lister {
  readonly #database: StoreDatabase;
  readonly #log: LogReader;

  constructor(database: StoreDatabase, log: LogReader) {
    this.#database = database;
    this.#log = log;
  }

  list(state: CollectionState, options: ListOptions): ListResult {
    const prefix = options.prefix ?? '';
    const limit = options.limit ?? 0;
    const from = options.continue;
    const revision = from?.revision ?? state.record.revision;
    const since = from === undefined ? [] : [...this.#log.changesSince(state, from, prefix)];

    const range = rangeOf(state.record.id, prefix, from?.afterKey);
    // One more than asked for tells whether there is more; what was written since may take the place of any of them.
    if (limit > 0 && since.length === 0) range.limit = limit + 1;
    const current = this.#objects(range);
    const objects =
      since.length === 0
        ? current
        : rollBack(current, undoOf(since), (key, previousRevision) => ({
            key,
            revision: previousRevision,
            body: this.#log.replacedBody(state, previousRevision),
          }));

    const items: StoredObject[] = [];
    for (const object of objects) {
      if (limit > 0 && items.length === limit) {
        const afterKey = (items[limit - 1] as StoredObject).key;
        const remaining = this.#remaining(state, { prefix, afterKey }, since);
        return { items, revision, continue: { revision, afterKey }, remaining };
      }
      items.push(object);
    }
    return { items, revision };
  }

  *#objects(range: Range): Generator<StoredObject> {
    for (const { key, value } of this.#database.range(this.#database.objects, range))
      yield decodeObject(decodeObjectKey(key), value);
  }

  #remaining(
    state: CollectionState,
    page: { prefix: string; afterKey: string },
    since: readonly KeyChange[],
  ): number | undefined {
    if (state.record.objects > REMAINING_OBJECTS_MAX) return undefined;
    let count = this.#database.count(this.#database.objects, rangeOf(state.record.id, page.prefix, page.afterKey));
    for (const { key, type } of since) {
      if (compareKeys(key, page.afterKey) <= 0) continue;
      if (type === 'created') count--;
      else if (type === 'deleted') count++;
    }
    return count;
  }
}

function rangeOf(id: number, prefix: string, afterKey: string | undefined): Range {
  const continues = afterKey !== undefined && compareKeys(afterKey, prefix) >= 0;
  return {
    start: continues ? objectKeyAfter(id, afterKey) : objectKey(id, prefix),
    end: objectKeyPrefixEnd(id, prefix),
  };
}

/** For each key its revision before the first of the changes, or undefined where it was absent. */
function undoOf(since: readonly KeyChange[]): Map<string, number | undefined> {
  const undone = new Map<string, number | undefined>();
  for (const { key, previousRevision } of since)
    if (!undone.has(key)) undone.set(key, previousRevision === 0 ? undefined : previousRevision);
  return undone;
}
