import { compareKeys } from '../keys.js';
import { compactedError } from '../operations.js';
import { FIRST_REVISION } from '../store.js';
import type { ChangeEvent, Changes, ListPosition } from '../store.js';
import type { CollectionState } from './collection-state.js';
import type { StoreDatabase } from './database.js';
import { decodeLog, decodeObject, decodeRevisionKey, objectKey, revisionKey } from './encoding.js';
import type { LogRecord } from './encoding.js';

/** How many events one call answers when the caller names no limit. */
const CHANGES_EVENTS_MAX = 1_000;

/** A call that reads the disk stops when it has so much. */
const CHANGES_BYTES_MAX = 4 * 1_024 * 1_024;

/** One step of the log, as far as keys go. */
export interface KeyChange {
  readonly key: string;
  readonly type: ChangeEvent['type'];
  readonly previousRevision: number;
}

/** Reads the log of a collection: its tail from memory, the rest from the data file. */
export class LogReader {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  changes(state: CollectionState, after: number, limit: number): Changes {
    const { revision } = state.record;
    if (after >= revision) return { events: [], revision };
    assertKept(state, after);
    const first = Math.max(after + 1, FIRST_REVISION);
    const count = limit > 0 ? limit : CHANGES_EVENTS_MAX;
    const events =
      first >= state.tail.firstRevision
        ? state.tail.slice(first, count).map(({ event }) => event)
        : this.#readEvents(state, first, count);
    return { events, revision: events.at(-1)?.revision ?? revision };
  }

  /** What happened since a page, to the keys above it that start with `prefix`. Throws `compacted`. */
  *changesSince(state: CollectionState, from: ListPosition, prefix: string): Generator<KeyChange> {
    if (from.revision > state.record.revision)
      throw compactedError(state.name, {
        revision: from.revision,
        compacted: state.record.compacted,
      });
    assertKept(state, from.revision);
    for (const change of this.#keyChanges(state, from.revision + 1))
      if (change.key.startsWith(prefix) && compareKeys(change.key, from.afterKey) > 0) yield change;
  }

  /** The log entries from a revision on, from the data file. */
  *records(state: CollectionState, first: number, count: number): Generator<LogRecord & { revision: number }> {
    const { id, revision: last } = state.record;
    const range = {
      start: revisionKey(id, first),
      end: revisionKey(id, last + 1),
      limit: Math.min(count, Math.max(0, last - first + 1)),
    };
    let expected = first;
    for (const { key, value } of this.#database.range(this.#database.log, range)) {
      const revision = decodeRevisionKey(key);
      if (revision !== expected++) throw new Error(`the log of ${state.name} lacks revision ${expected - 1}`);
      yield { ...decodeLog(value), revision };
    }
  }

  /** The bytes of a revision that an event replaced or deleted. */
  replacedBody(state: CollectionState, revision: number): Uint8Array {
    const body = this.#database.get(this.#database.bodies, revisionKey(state.record.id, revision));
    if (body === undefined) throw new Error(`the body of revision ${revision} of ${state.name} is missing`);
    return body;
  }

  *#keyChanges(state: CollectionState, first: number): Generator<KeyChange> {
    const count = state.record.revision - first + 1;
    if (first >= state.tail.firstRevision)
      for (const { event, previousRevision } of state.tail.slice(first, count))
        yield { key: event.key, type: event.type, previousRevision };
    else yield* this.records(state, first, count);
  }

  #readEvents(state: CollectionState, first: number, count: number): ChangeEvent[] {
    const events: ChangeEvent[] = [];
    let bytes = 0;
    for (const { revision, key, type, previousRevision } of this.records(state, first, count)) {
      const body = this.#bodyAt(state, key, revision);
      const event = { revision, key, type, body };
      if (previousRevision === 0) events.push(event);
      else events.push({ ...event, previous: this.replacedBody(state, previousRevision) });
      bytes += body.byteLength;
      if (bytes >= CHANGES_BYTES_MAX) break;
    }
    return events;
  }

  #bodyAt(state: CollectionState, key: string, revision: number): Uint8Array {
    const { id } = state.record;
    const current = this.#database.get(this.#database.objects, objectKey(id, key));
    const object = current === undefined ? undefined : decodeObject(key, current);
    return object?.revision === revision ? object.body : this.replacedBody(state, revision);
  }
}

function assertKept(state: CollectionState, after: number): void {
  if (after < state.record.compacted)
    throw compactedError(state.name, { revision: after, compacted: state.record.compacted });
}
