import type { Clock } from '../../clock/clock.js';
import type { Random } from '../../random.js';
import { isStoreError } from '../errors.js';
import type { ChangeEvent } from '../store.js';
import { unpackBody, chunkCount } from './body.js';
import { StoreContext } from './context.js';
import { readSlot, type Slot } from './items.js';
import { RETENTION_DEFAULT_MS } from './limits.js';
import { LogReader } from './log-reader.js';
import type { Item, Table } from './table.js';

export interface StreamChange {
  collection: string;
  event: ChangeEvent;
}

/**
 * Makes changes of what the table's stream tells: the items of the log, in whatever order they come. A change whose previous state cannot be
 * read any more is told without it; one whose own body is gone, not at all: nobody can be interested in it any more.
 */
export class StreamReader {
  readonly #context: StoreContext;
  readonly #prefix: string;

  constructor(options: { table: Table; clock: Clock; random: Random; cluster: string; retentionMs?: number }) {
    this.#context = new StoreContext({ ...options, retentionMs: options.retentionMs ?? RETENTION_DEFAULT_MS });
    this.#prefix = `${options.cluster}/`;
  }

  /** The collection that a log item belongs to; undefined for items of other clusters and of other kinds. */
  collectionOf(item: Item): string | undefined {
    if (!item.pk.startsWith(this.#prefix) || item['kind'] !== 'event') return undefined;
    const at = item.pk.lastIndexOf('/log/');
    return at < this.#prefix.length ? undefined : item.pk.slice(this.#prefix.length, at);
  }

  /** The change that an item tells of. Throws what the store throws when it does not answer. */
  async read(item: Item): Promise<StreamChange | undefined> {
    const collection = this.collectionOf(item);
    if (collection === undefined) return undefined;
    const slot = readSlot(item);
    if (slot.kind !== 'event' || !Number.isSafeInteger(slot.revision)) return undefined;
    const event = await this.#event(collection, slot);
    return event === undefined ? undefined : { collection, event };
  }

  async #event(collection: string, slot: Slot & { kind: 'event' }): Promise<ChangeEvent | undefined> {
    const attempts = this.#context.attempts();
    try {
      const [event] = await new LogReader(this.#context, collection).toEvents([slot], attempts);
      return event;
    } catch (error) {
      if (!isStoreError(error, 'compacted')) throw error;
    }
    const { key, revision, isDelete, wasLive, item } = slot.event;
    if (chunkCount(item) > 0) return undefined;
    return { key, revision, type: isDelete ? 'deleted' : wasLive ? 'updated' : 'created', body: unpackBody(item) };
  }
}
