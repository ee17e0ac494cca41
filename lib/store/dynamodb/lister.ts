import { compactedError } from '../operations.js';
import { rollBack } from '../snapshot.js';
import type { ListOptions, ListPosition, ListResult, StoredObject } from '../store.js';
import { unavailableError } from './attempts.js';
import type { Attempts } from './attempts.js';
import { assertAboveFloor } from './context.js';
import type { StoreContext } from './context.js';
import { headKey, objectKey, readObject } from './items.js';
import type { EventRecord, Head, ObjectRecord, Slot } from './items.js';
import {
  BATCH_GET_ITEMS_MAX,
  CLOSED_HINT_LAG_SLOTS,
  LIST_AGE_PART,
  LIST_ATTEMPTS_MAX,
  LIST_DEADLINE_MS,
  YOUNG_AGE_PART,
} from './limits.js';
import { LogReader } from './log-reader.js';
import { ObjectScan } from './object-scan.js';

/** An object of the answer before its body is looked at. */
interface Listed {
  readonly key: string;
  readonly revision: number;
  /** The item that holds the body, or the body. */
  readonly source: ObjectRecord | EventRecord | Uint8Array;
}

interface Page {
  entries: Listed[];
  revision: number;
  isComplete: boolean;
}

/** Makes snapshots of pages that are none. The names of rules in comments are those of the store protocol. */
export class Lister {
  readonly #context: StoreContext;
  readonly #collection: string;
  readonly #log: LogReader;

  constructor(context: StoreContext, collection: string) {
    this.#context = context;
    this.#collection = collection;
    this.#log = new LogReader(context, collection);
  }

  async list(options: ListOptions): Promise<ListResult> {
    const { clock, retentionMs } = this.#context;
    for (let attempt = 0; attempt < LIST_ATTEMPTS_MAX; attempt++) {
      const startMs = clock.now();
      const attempts = this.#context.attempts(LIST_DEADLINE_MS);
      const result = await this.#listOnce(options, attempts);
      // deadline: what was read first may have been overtaken by expiry.
      if (result !== undefined && clock.now() - startMs <= retentionMs * LIST_AGE_PART) return result;
    }
    throw unavailableError(undefined);
  }

  /** Undefined when an object moved on while its body was read. */
  async #listOnce(options: ListOptions, attempts: Attempts): Promise<ListResult | undefined> {
    const limit = options.limit ?? 0;
    const from = options.continue;
    const scan = new ObjectScan(this.#context, this.#collection, {
      prefix: options.prefix ?? '',
      afterKey: from?.afterKey,
    });
    // closedFirst: the head is read before any page, so that what it says is closed is in them.
    const head = await this.#context.readHead(this.#collection, attempts);
    if (from !== undefined && from.revision > head.next)
      throw compactedError(this.#collection, { revision: from.revision, compacted: head.next });
    if (from !== undefined) assertAboveFloor(this.#collection, from.revision, head);

    const present = from === undefined ? new Present(this.#context, this.#collection, this.#log, head) : undefined;
    let page: Page;
    do {
      await scan.read(limit === 0 ? 0 : limit + 1, attempts);
      page =
        from === undefined
          ? await (present as Present).page(scan, attempts)
          : await this.#pageAt(from, scan, head, attempts);
    } while (!page.isComplete && page.entries.length <= limit);
    await present?.moveHint(scan, attempts);

    const isCut = limit > 0 && page.entries.length > limit;
    const items = await this.#bodies(isCut ? page.entries.slice(0, limit) : page.entries, attempts);
    const last = items?.at(-1);
    if (items === undefined || !isCut || last === undefined)
      return items === undefined ? undefined : { items, revision: page.revision };
    return { items, revision: page.revision, continue: { revision: page.revision, afterKey: last.key } };
  }

  /**
   * undo: a later page as it was at the position. What is newer is taken back by the first event after the position of each key, which tells
   * what it replaced. `compacted` when the log does not reach back to the position (deadline).
   */
  async #pageAt(from: ListPosition, scan: ObjectScan, head: Head, attempts: Attempts): Promise<Page> {
    // The first slot after the position is looked at in any case: it tells how old the position is.
    const to = Math.max(scan.revisionMax, Math.min(from.revision + 1, head.next));
    const settled = this.#context.settledRevision(head);
    const slots =
      to > from.revision
        ? await this.#log.close({ after: from.revision, to, settled, onLoss: 'refuse', attempts })
        : [];
    const first = new Map<string, Slot & { kind: 'event' }>();
    for (const slot of slots)
      if (slot.kind === 'event' && scan.covers(slot.event.key) && !first.has(slot.event.key))
        first.set(slot.event.key, slot);
    const undone = new Map<string, Listed | undefined>();
    for (const { key, revision, previous } of await this.#log.toEvents([...first.values()], attempts)) {
      const was = first.get(key)?.event.was ?? revision;
      undone.set(key, previous === undefined ? undefined : { key, revision: was, source: previous });
    }
    const entries = [...rollBack(live(scan.records), undone, (_key, undo) => undo)];
    return { entries, revision: from.revision, isComplete: scan.isComplete };
  }

  async #bodies(entries: readonly Listed[], attempts: Attempts): Promise<StoredObject[] | undefined> {
    const items: StoredObject[] = [];
    for (const { key, revision, source } of entries) {
      const body =
        source instanceof Uint8Array
          ? source
          : await this.#context.readBody(this.#collection, source.item, revision, attempts);
      if (body === undefined) return undefined;
      items.push({ key, revision, body });
    }
    return items;
  }
}

/** The first page, or the only one: pages, and what the log says has happened since its closed part. */
class Present {
  readonly #context: StoreContext;
  readonly #collection: string;
  readonly #log: LogReader;
  readonly #head: Head;
  readonly #start: number;
  #slots: Slot[] = [];
  #end: number;

  constructor(context: StoreContext, collection: string, log: LogReader, head: Head) {
    this.#context = context;
    this.#collection = collection;
    this.#log = log;
    this.#head = head;
    this.#start = Math.min(head.next, context.settledRevision(head));
    this.#end = this.#start;
  }

  async page(scan: ObjectScan, attempts: Attempts): Promise<Page> {
    // bound: nothing that was acknowledged or seen before is left out.
    const to = Math.max(this.#head.next, scan.revisionMax);
    if (to > this.#end) {
      const options = { after: this.#end, to, settled: this.#start, onLoss: 'mark', attempts } as const;
      this.#slots = [...this.#slots, ...(await this.#log.close(options))];
      this.#end = to;
    }
    const entries = [...rollBack(live(scan.records), this.#young(scan), (_key, record) => record)];
    return { entries, revision: to, isComplete: scan.isComplete };
  }

  /**
   * foldYoung: the newest state of each key that the log has and the pages lack. Old events are in the pages already, and the
   * events that came after them may have expired.
   */
  #young(scan: ObjectScan): Map<string, Listed | undefined> {
    const { clock, retentionMs } = this.#context;
    const youngMs = clock.now() - retentionMs * YOUNG_AGE_PART;
    const folded = new Map<string, Listed | undefined>();
    for (const slot of this.#slots) {
      if (slot.kind !== 'event' || slot.atMs < youngMs || !scan.covers(slot.event.key)) continue;
      const { key, revision, isDelete } = slot.event;
      if (revision <= (scan.byKey.get(key)?.revision ?? 0)) continue;
      folded.set(key, isDelete ? undefined : { key, revision, source: slot.event });
    }
    return folded;
  }

  /**
   * hintSeen: moves the closed hint over events whose object has been read at that revision or later, by the pages or, outside of
   * them, now. A failure does not matter.
   */
  async moveHint(scan: ObjectScan, attempts: Attempts): Promise<void> {
    if (this.#end - this.#head.closed < CLOSED_HINT_LAG_SLOTS) return;
    const seen = await this.#seenRevisions(scan, attempts);
    let closed = this.#start;
    for (const slot of this.#slots) {
      if (slot.kind === 'event' && (seen.get(slot.event.key) ?? 0) < slot.revision) break;
      closed = slot.revision;
    }
    if (closed - this.#head.closed < CLOSED_HINT_LAG_SLOTS) return;
    try {
      const key = headKey(this.#context.partition(this.#collection));
      const condition = {
        kind: 'any',
        of: [
          { kind: 'missing', name: 'closed' },
          { kind: 'below', name: 'closed', value: closed },
        ],
      } as const;
      await this.#context.table.updateItem(key, { set: { closed } }, condition);
    } catch {
      // The next list will try again.
    }
  }

  async #seenRevisions(scan: ObjectScan, attempts: Attempts): Promise<Map<string, number>> {
    const seen = new Map<string, number>();
    const others = new Set<string>();
    for (const slot of this.#slots) {
      if (slot.kind !== 'event') continue;
      const { key } = slot.event;
      if (scan.covers(key)) seen.set(key, scan.byKey.get(key)?.revision ?? 0);
      else if (others.size < BATCH_GET_ITEMS_MAX) others.add(key);
    }
    if (others.size === 0) return seen;
    const partition = this.#context.partition(this.#collection);
    const keys = [...others].map((key) => objectKey(partition, key));
    const { items } = await attempts.repeat(() => this.#context.table.batchGet(keys));
    for (const item of items) {
      const { key, revision } = readObject(item);
      seen.set(key, revision);
    }
    return seen;
  }
}

function live(records: readonly ObjectRecord[]): Listed[] {
  return records.flatMap((record) =>
    record.isLive ? [{ key: record.key, revision: record.revision, source: record }] : [],
  );
}
