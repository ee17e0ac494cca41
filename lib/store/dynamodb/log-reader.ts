import { compactedError } from '../operations.js';
import { FIRST_REVISION } from '../store.js';
import type { ChangeEvent } from '../store.js';
import { isPassing, unavailableError } from './attempts.js';
import type { Attempts } from './attempts.js';
import { unpackPrevious } from './body.js';
import type { StoreContext } from './context.js';
import { emptySlot, logBucket, logPartition, readSlot, revisionDigits, slotKey } from './items.js';
import type { EventRecord, Slot } from './items.js';
import { BATCH_GET_ITEMS_MAX, GAP_POLL_MS, GRACE_MS, PROOF_AGE_PART } from './limits.js';
import { isTableError } from './table.js';
import type { Item, ItemKey } from './table.js';

/** What a reader does where the log cannot be told completely. */
export type LossPolicy =
  /** It must know every event: `compacted`. */
  | 'refuse'
  /** It knows the objects otherwise: slots without proof are marked as lost, for others who need them. */
  | 'mark';

export interface CloseOptions {
  /** The reader's position: it knows everything up to here. */
  after: number;
  /** Every slot up to here has to be resolved. */
  to: number;
  /** No writer holds a revision up to here any more, see StoreContext. */
  settled: number;
  onLoss: LossPolicy;
  attempts: Attempts;
  signal?: AbortSignal;
}

type Slots = Map<number, Slot>;

/** Reads the log of a collection, and closes its gaps. The names of rules in comments are those of the store protocol. */
export class LogReader {
  readonly #context: StoreContext;
  readonly #collection: string;
  readonly #partition: string;

  constructor(context: StoreContext, collection: string) {
    this.#context = context;
    this.#collection = collection;
    this.#partition = context.partition(collection);
  }

  /**
   * The slots after `after` as far as they follow each other, without waiting for any: perhaps none. `compacted` when the next one cannot
   * be told any more.
   */
  async readContiguous(options: CloseOptions): Promise<Slot[]> {
    const slots: Slots = new Map();
    await this.#fetch(slots, options.after, options.to, options.attempts);
    const found: Slot[] = [];
    for (let revision = options.after + 1; revision <= options.to; revision++) {
      const slot = slots.get(revision);
      if (slot === undefined) break;
      found.push(slot);
    }
    if (options.onLoss === 'refuse') this.#assertTold(options, found);
    return found;
  }

  /**
   * All slots after `after` up to `to`, each resolved. Gaps are waited for once, all together, for the grace period (allGaps); then they
   * are voided, where there is proof that no expired event was there.
   */
  async close(options: CloseOptions): Promise<Slot[]> {
    const { after, to, attempts, signal } = options;
    const { clock } = this.#context;
    const slots: Slots = new Map();
    await this.#fetch(slots, after, to, attempts);
    let waitUntilMs: number | undefined;
    for (;;) {
      const gaps = missing(slots, after, to);
      const first = gaps[0];
      if (first === undefined || signal?.aborted === true) break;
      if (options.onLoss === 'refuse' && first <= options.settled) this.#refuse(options);
      waitUntilMs ??= clock.now() + GRACE_MS;
      if (clock.now() >= waitUntilMs) await this.#resolve(slots, gaps, options);
      else await this.#context.sleep(Math.min(GAP_POLL_MS, waitUntilMs - clock.now()), signal);
      if (attempts.isOver) throw unavailableError(undefined);
      await this.#fetch(slots, first - 1, gaps.at(-1) as number, attempts);
    }
    const found: Slot[] = [];
    for (let revision = after + 1; revision <= to; revision++) {
      const slot = slots.get(revision);
      if (slot === undefined) break;
      found.push(slot);
    }
    if (options.onLoss === 'refuse') this.#assertTold(options, found);
    return found;
  }

  /** The events as the port tells them, with what they replaced. `compacted` when that is gone. */
  async toEvents(slots: readonly Slot[], attempts: Attempts): Promise<ChangeEvent[]> {
    const records = slots.flatMap((slot) => (slot.kind === 'event' ? [slot.event] : []));
    const known = new Map(records.map((record) => [record.revision, record]));
    await this.#fetchReplaced(records, known, attempts);
    const events: ChangeEvent[] = [];
    for (const record of records) {
      const body = await this.#body(record, attempts);
      const type = record.isDelete ? 'deleted' : record.wasLive ? 'updated' : 'created';
      const base = { revision: record.revision, key: record.key, type, body } as const;
      events.push(record.wasLive ? { ...base, previous: await this.#previous(record, body, known, attempts) } : base);
    }
    return events;
  }

  /** The body that an event wrote. */
  async #body(record: EventRecord, attempts: Attempts): Promise<Uint8Array> {
    const body = await this.#context.readBody(this.#collection, record.item, record.revision, attempts);
    return body ?? this.#gone(record.revision);
  }

  async #previous(
    record: EventRecord,
    body: Uint8Array,
    known: ReadonlyMap<number, EventRecord>,
    attempts: Attempts,
  ): Promise<Uint8Array> {
    const { pz, pn, pnz } = record.item;
    if (pz instanceof Uint8Array) return unpackPrevious(pz, body);
    if (typeof pn === 'number') {
      const holder = { ...record.item, b: undefined, z: undefined, n: pn, nz: pnz };
      const previous = await this.#context.readBody(this.#collection, holder, record.was, attempts);
      return previous ?? this.#gone(record.revision);
    }
    const former = known.get(record.was);
    return former === undefined ? this.#gone(record.revision) : this.#body(former, attempts);
  }

  /** Reads the events that wrote what these ones replaced, where they do not say it themselves. */
  async #fetchReplaced(
    records: readonly EventRecord[],
    known: Map<number, EventRecord>,
    attempts: Attempts,
  ): Promise<void> {
    const wanted = new Set<number>();
    for (const { wasLive, was, item } of records)
      if (wasLive && item['pz'] === undefined && item['pn'] === undefined && !known.has(was)) wanted.add(was);
    const keys = [...wanted].map((revision) => slotKey(this.#partition, revision));
    for (const item of await this.#batchGet(keys, attempts)) {
      const slot = readSlot(item);
      if (slot.kind === 'event') known.set(slot.revision, slot.event);
    }
  }

  async #batchGet(keys: readonly ItemKey[], attempts: Attempts): Promise<Item[]> {
    const items: Item[] = [];
    let left = [...keys];
    while (left.length > 0) {
      const asked = left.slice(0, BATCH_GET_ITEMS_MAX);
      const answer = await attempts.repeat(() => this.#context.table.batchGet(asked));
      items.push(...answer.items);
      left = [...answer.left, ...left.slice(BATCH_GET_ITEMS_MAX)];
      // An answer without any item is throttling by another name.
      if (answer.items.length === 0 && answer.left.length === asked.length && !(await attempts.pause()))
        throw unavailableError(undefined);
    }
    return items;
  }

  /** Reads the slots from `after` itself, which may prove the youth of what follows, up to `to`. */
  async #fetch(slots: Slots, after: number, to: number, attempts: Attempts): Promise<void> {
    const from = Math.max(after, FIRST_REVISION);
    for (let bucket = logBucket(from); bucket <= logBucket(to); bucket++) {
      const query = {
        partition: logPartition(this.#partition, bucket),
        from: revisionDigits(from),
        to: revisionDigits(to),
      };
      let position: string | undefined;
      do {
        const asked = position === undefined ? query : { ...query, after: position };
        const page = await attempts.repeat(() => this.#context.table.query(asked));
        for (const item of page.items) {
          const slot = readSlot(item);
          slots.set(slot.revision, slot);
        }
        position = page.next;
      } while (position !== undefined);
    }
  }

  /** Puts a void into every gap, if it still is one; `lost`, or `compacted`, where there is no proof. */
  async #resolve(slots: Slots, gaps: readonly number[], options: CloseOptions): Promise<void> {
    for (const revision of gaps) {
      const proof = this.#proofOfYouth(slots, revision, options.after);
      if (proof === undefined && options.onLoss === 'refuse') this.#refuse(options);
      // inheritAge: with today's time, a chain of voids would prove the youth of gaps that an expired event has left.
      const atMs = proof?.atMs ?? this.#context.clock.now();
      const kind = proof === undefined ? 'lost' : 'void';
      const key = slotKey(this.#partition, revision);
      const item = emptySlot(key, { kind, atMs, ttlMs: this.#context.logTtlMs(atMs) });
      try {
        await this.#context.table.putItem(item, { kind: 'absent' });
        slots.set(revision, { kind, revision, atMs });
      } catch (error) {
        // Somebody else was there first, or a transaction is about to be; what is there now will be read.
        if (!isTableError(error, 'condition-failed') && !isPassing(error)) throw unavailableError(error);
        if (isTableError(error, 'throttled') && !(await options.attempts.pause())) throw unavailableError(error);
        return;
      }
    }
  }

  /**
   * proof: an event or void below the gap, from the reader's position on. The gap's revision was handed out after it, so an event that was
   * there would be younger still. margin: expiry is far from it.
   */
  #proofOfYouth(slots: Slots, gap: number, after: number): Slot | undefined {
    const youngMs = this.#context.clock.now() - this.#context.retentionMs * PROOF_AGE_PART;
    for (let revision = gap - 1; revision >= Math.max(after, FIRST_REVISION); revision--) {
      const slot = slots.get(revision);
      if (slot !== undefined && slot.kind !== 'lost' && slot.atMs >= youngMs) return slot;
    }
    return undefined;
  }

  /** What is older than the retention is not told, even if it has not been deleted yet: what it needs may have been. */
  #assertTold(options: CloseOptions, slots: readonly Slot[]): void {
    const beforeMs = this.#context.clock.now() - this.#context.retentionMs;
    for (const slot of slots)
      if (slot.kind === 'lost' || (slot.kind === 'event' && slot.atMs < beforeMs)) this.#refuse(options);
  }

  #refuse(options: CloseOptions): never {
    throw compactedError(this.#collection, { revision: options.after, compacted: options.to });
  }

  #gone(revision: number): never {
    throw compactedError(this.#collection, { revision: revision - 1, compacted: revision });
  }
}

function missing(slots: Slots, after: number, to: number): number[] {
  const gaps: number[] = [];
  for (let revision = Math.max(after + 1, FIRST_REVISION); revision <= to; revision++)
    if (!slots.has(revision)) gaps.push(revision);
  return gaps;
}
