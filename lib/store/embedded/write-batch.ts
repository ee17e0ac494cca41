import { StoreError } from '../errors.js';
import { conflictError, makeBody } from '../operations.js';
import { FIRST_REVISION } from '../store.js';
import type { WriteOperation } from '../store.js';
import { CollectionState } from './collection-state.js';
import type { StoreDatabase } from './database.js';
import { decodeObject, encodeCollection, encodeLog, encodeObject, objectKey, revisionKey } from './encoding.js';
import type { CollectionRecord, LogRecord } from './encoding.js';
import type { LoggedEvent } from './event-tail.js';

/** A batch takes no more once it has so much, so that a commit stays short. */
const BATCH_OPERATIONS_MAX = 1_024;
const BATCH_BYTES_MAX = 8 * 1_024 * 1_024;

/** An object as the batch leaves it. `bytes` is what `objects` will hold; undefined once deleted. */
interface PendingObject {
  revision: number;
  bytes: Buffer | undefined;
}

/** What a batch does to one collection. */
export interface CollectionChange {
  readonly state: CollectionState;
  /** The record after the batch. */
  readonly record: CollectionRecord;
  readonly events: LoggedEvent[];
  readonly touched: Map<string, PendingObject>;
  /** Log entries that the batch drops. */
  readonly dropped: (LogRecord & { revision: number })[];
}

/**
 * Writes that will be committed together. Each is checked against the snapshot and what the batch did before it.
 * That is exact: only one batch is under way at a time, and the snapshot holds all earlier ones.
 */
export class WriteBatch {
  readonly changes = new Map<string, CollectionChange>();
  readonly #database: StoreDatabase;
  readonly #states: ReadonlyMap<string, CollectionState>;
  readonly #nowMs: number;
  #nextCollectionId: number;
  #operations = 0;
  #bytes = 0;

  constructor(database: StoreDatabase, states: ReadonlyMap<string, CollectionState>, nowMs: number) {
    this.#database = database;
    this.#states = states;
    this.#nowMs = nowMs;
    this.#nextCollectionId = 1;
    for (const { record } of states.values()) this.#nextCollectionId = Math.max(this.#nextCollectionId, record.id + 1);
  }

  /** Adds one write, all or nothing; returns its revisions. Throws what `Store.write` throws, leaving no trace. */
  add(collection: string, operations: readonly WriteOperation[]): number[] {
    const known = this.changes.get(collection);
    const change = known ?? this.#begin(collection);
    const present = operations.map(({ key }) => this.#read(change, key));
    const failed = operations.filter(({ expect }, index) => (present[index]?.revision ?? 'absent') !== expect);
    if (failed.length > 0)
      throw conflictError(
        collection,
        failed.map(({ key }) => key),
      );

    const first = change.record.revision + 1;
    const bodies = operations.map((operation, index) => makeBody(operation, first + index));
    operations.forEach((operation, index) =>
      this.#apply(change, operation, {
        revision: first + index,
        body: bodies[index] as Uint8Array,
        previous: present[index],
      }),
    );
    if (known === undefined) this.changes.set(collection, change);
    return operations.map((_, index) => first + index);
  }

  /** Drops the oldest entries of a collection's log, which must be given in order and without gaps. */
  drop(state: CollectionState, entries: readonly (LogRecord & { revision: number })[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const change = this.changes.get(state.name) ?? this.#begin(state.name);
    this.changes.set(state.name, change);
    change.record.compacted = last.revision;
    change.dropped.push(...entries);
  }

  /** Whether enough is in it for one commit. */
  get isFull(): boolean {
    return this.#operations >= BATCH_OPERATIONS_MAX || this.#bytes >= BATCH_BYTES_MAX;
  }

  get isEmpty(): boolean {
    return this.changes.size === 0;
  }

  /** Puts and removes everything; called inside the commit. */
  fill(): void {
    const { collections, objects, log, bodies } = this.#database;
    for (const { state, record, events, touched, dropped } of this.changes.values()) {
      const { id } = record;
      for (const { event, previousRevision } of events) {
        const { revision, key, type, body, previous } = event;
        const entry = encodeLog({ type, previousRevision, timeMs: this.#nowMs, key });
        void log.put(revisionKey(id, revision), entry);
        if (previous !== undefined) void bodies.put(revisionKey(id, previousRevision), asBuffer(previous));
        if (type === 'deleted') void bodies.put(revisionKey(id, revision), asBuffer(body));
      }
      for (const [key, { bytes }] of touched)
        if (bytes === undefined) void objects.remove(objectKey(id, key));
        else void objects.put(objectKey(id, key), bytes);
      for (const { revision, type, previousRevision } of dropped) {
        void log.remove(revisionKey(id, revision));
        if (previousRevision !== 0) void bodies.remove(revisionKey(id, previousRevision));
        if (type === 'deleted') void bodies.remove(revisionKey(id, revision));
      }
      void collections.put(Buffer.from(state.name), encodeCollection(record));
    }
  }

  #begin(collection: string): CollectionChange {
    const state = this.#states.get(collection) ?? this.#newState(collection);
    return { state, record: { ...state.record }, events: [], touched: new Map(), dropped: [] };
  }

  #newState(name: string): CollectionState {
    if (name === '' || Buffer.byteLength(name) > COLLECTION_NAME_MAX_BYTES)
      throw new StoreError('too-large', `the collection name ${name.slice(0, 64)} is empty or too long`);
    return new CollectionState(name, {
      id: this.#nextCollectionId++,
      revision: FIRST_REVISION - 1,
      compacted: 0,
      objects: 0,
    });
  }

  #read(change: CollectionChange, key: string): PendingObject | undefined {
    const pending = change.touched.get(key);
    if (pending !== undefined) return pending.bytes === undefined ? undefined : pending;
    const { objects } = this.#database;
    const bytes = this.#database.get(objects, objectKey(change.record.id, key));
    return bytes === undefined ? undefined : { revision: decodeObject(key, bytes).revision, bytes };
  }

  #apply(
    change: CollectionChange,
    operation: WriteOperation,
    made: { revision: number; body: Uint8Array; previous: PendingObject | undefined },
  ): void {
    const { key } = operation;
    const { revision, previous } = made;
    const deletes = operation.delete === true;
    const bytes = encodeObject(revision, made.body);
    const { body } = decodeObject(key, bytes);
    const type = deletes ? 'deleted' : previous === undefined ? 'created' : 'updated';
    const event = { revision, key, type, body } as const;
    change.events.push(
      previous?.bytes === undefined
        ? { event, previousRevision: 0 }
        : {
            event: { ...event, previous: decodeObject(key, previous.bytes).body },
            previousRevision: previous.revision,
          },
    );
    change.touched.set(key, { revision, bytes: deletes ? undefined : bytes });
    change.record.revision = revision;
    this.#operations++;
    this.#bytes += bytes.byteLength;
    change.record.objects += type === 'created' ? 1 : type === 'deleted' ? -1 : 0;
  }
}

/** Names are ours (`<group>/<resource>`, perhaps with a cluster); LMDB's limit for keys is near. */
const COLLECTION_NAME_MAX_BYTES = 1_024;

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
