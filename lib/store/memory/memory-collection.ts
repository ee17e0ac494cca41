import { DenseLog } from '../dense-log.js';
import { compareKeys } from '../keys.js';
import { compactedError, conflictError, makeBody } from '../operations.js';
import { rollBack } from '../snapshot.js';
import { FIRST_REVISION } from '../store.js';
import type {
  ChangeEvent,
  Changes,
  ListOptions,
  ListPosition,
  ListResult,
  StoredObject,
  WriteOperation,
} from '../store.js';
import { SortedMap } from './sorted-map.js';

/** How many events one call of `changes` answers when the caller names no limit. */
const CHANGES_EVENTS_MAX = 1_000;

interface LogEntry {
  readonly event: ChangeEvent;
  /** What the event replaced. */
  readonly previous: StoredObject | undefined;
  readonly timeMs: number;
}

/** The objects of one collection and its log. Everything happens at once, in one turn. */
export class MemoryCollection {
  readonly name: string;
  readonly #objects = new SortedMap<StoredObject>();
  readonly #log: DenseLog<LogEntry>;
  #revision: number;
  #compacted: number;

  /** `restoredAt`: the revision that a restored collection goes on from, without a log of what was before. */
  constructor(name: string, restoredAt?: number) {
    this.name = name;
    this.#revision = restoredAt ?? FIRST_REVISION - 1;
    this.#compacted = restoredAt ?? 0;
    this.#log = new DenseLog(this.#revision + 1);
  }

  /** Puts objects there as they were, without an event. */
  restore(objects: readonly StoredObject[]): void {
    for (const object of objects) this.#objects.set(object.key, object);
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Returns the events, in the order of the operations. */
  write(operations: readonly WriteOperation[], timeMs: number): ChangeEvent[] {
    const failed = operations
      .filter(({ key, expect }) => (this.#objects.get(key)?.revision ?? 'absent') !== expect)
      .map(({ key }) => key);
    if (failed.length > 0) throw conflictError(this.name, failed);

    // All bodies are made before anything changes, so that one that fails leaves no trace.
    const entries = operations.map((operation, index): LogEntry => {
      const previous = this.#objects.get(operation.key);
      const revision = this.#revision + 1 + index;
      const type = operation.delete === true ? 'deleted' : previous === undefined ? 'created' : 'updated';
      const body = makeBody(operation, revision);
      const base = { revision, key: operation.key, type, body } as const;
      const event = previous === undefined ? base : { ...base, previous: previous.body };
      return { event, previous, timeMs };
    });
    for (const entry of entries) {
      const { key, revision, body, type } = entry.event;
      if (type === 'deleted') this.#objects.delete(key);
      else this.#objects.set(key, { key, revision, body });
      this.#log.push(entry);
      this.#revision = revision;
    }
    return entries.map(({ event }) => event);
  }

  changes(after: number, limit: number): Changes {
    if (after >= this.#revision) return { events: [], revision: this.#revision };
    this.#assertKept(after);
    const first = Math.max(after + 1, FIRST_REVISION);
    const count = Math.min(this.#revision - first + 1, limit > 0 ? limit : CHANGES_EVENTS_MAX);
    const events = this.#log.slice(first, count).map(({ event }) => event);
    return { events, revision: first + count - 1 };
  }

  list(options: ListOptions): ListResult {
    const prefix = options.prefix ?? '';
    const limit = options.limit ?? 0;
    const from = options.continue;
    const revision = from?.revision ?? this.#revision;
    const undone = from === undefined ? undefined : this.#undone(prefix, from);

    const current = this.#objects.range(prefix, from?.afterKey);
    const items: StoredObject[] = [];
    for (const object of undone === undefined || undone.size === 0
      ? current
      : rollBack(current, undone, (_key, undo) => undo)) {
      if (limit > 0 && items.length === limit) {
        const afterKey = (items[limit - 1] as StoredObject).key;
        const remaining = this.#countAt(prefix, afterKey, undone);
        return { items, revision, continue: { revision, afterKey }, remaining };
      }
      items.push(object);
    }
    return { items, revision };
  }

  /** Drops log entries older than `beforeMs` and those beyond the newest `eventsMax`. */
  compact(beforeMs: number, eventsMax: number): void {
    let compacted = Math.max(this.#compacted, FIRST_REVISION - 1);
    const atLeast = this.#revision - eventsMax;
    while (compacted < this.#revision && (compacted < atLeast || this.#entry(compacted + 1).timeMs < beforeMs)) {
      compacted++;
    }
    if (compacted < FIRST_REVISION) return;
    this.#compacted = compacted;
    this.#log.dropBefore(compacted + 1);
  }

  /** What has to be restored to come from the present to the position: for each key touched since, its state there. */
  #undone(prefix: string, from: ListPosition): Map<string, StoredObject | undefined> {
    if (from.revision > this.#revision)
      throw compactedError(this.name, { revision: from.revision, compacted: this.#compacted });
    this.#assertKept(from.revision);
    const undone = new Map<string, StoredObject | undefined>();
    for (let revision = from.revision + 1; revision <= this.#revision; revision++) {
      const { event, previous } = this.#entry(revision);
      if (undone.has(event.key) || !event.key.startsWith(prefix)) continue;
      if (compareKeys(event.key, from.afterKey) > 0) undone.set(event.key, previous);
    }
    return undone;
  }

  #countAt(
    prefix: string,
    afterKey: string,
    undone: ReadonlyMap<string, StoredObject | undefined> | undefined,
  ): number {
    let count = this.#objects.count(prefix, afterKey);
    for (const [key, undo] of undone ?? [])
      if (compareKeys(key, afterKey) > 0)
        count += (undo === undefined ? 0 : 1) - (this.#objects.get(key) === undefined ? 0 : 1);
    return count;
  }

  #assertKept(after: number): void {
    if (after < this.#compacted) throw compactedError(this.name, { revision: after, compacted: this.#compacted });
  }

  #entry(revision: number): LogEntry {
    const entry = this.#log.get(revision);
    if (entry === undefined) throw new Error(`the log of ${this.name} has no revision ${revision}`);
    return entry;
  }
}
