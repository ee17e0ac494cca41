import { sleep } from '../../clock/clock.js';
import type { Clock } from '../../clock/clock.js';
import type { Random } from '../../random.js';
import { compactedError } from '../operations.js';
import { Attempts } from './attempts.js';
import { unpackBody, chunkCount } from './body.js';
import { chunkKeys, headKey, readHead } from './items.js';
import type { Head } from './items.js';
import { LOG_LIFE_RETENTIONS, READ_DEADLINE_MS } from './limits.js';
import type { Item, Table } from './table.js';

/** Positions of before a restore are compacted: other states may have had their revisions. */
export function assertAboveFloor(collection: string, after: number, head: Head): void {
  if (after < head.floor) throw compactedError(collection, { revision: after, compacted: head.floor });
}

/** What the parts of the adapter share: the table, the clock, and the reads that all of them make. */
export class StoreContext {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: Random;
  readonly cluster: string;
  readonly retentionMs: number;
  /** The last head that this process has seen, by collection: a guess, never a fact. */
  readonly #heads = new Map<string, Head>();

  constructor(options: { table: Table; clock: Clock; random: Random; cluster: string; retentionMs: number }) {
    this.table = options.table;
    this.clock = options.clock;
    this.random = options.random;
    this.cluster = options.cluster;
    this.retentionMs = options.retentionMs;
  }

  /** The partition of a collection's head and objects. */
  partition(collection: string): string {
    return `${this.cluster}/${collection}`;
  }

  attempts(withinMs: number = READ_DEADLINE_MS): Attempts {
    return new Attempts({ clock: this.clock, random: this.random, withinMs });
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleep(this.clock, delayMs, signal);
  }

  /** When a log slot of that time may be deleted. */
  logTtlMs(atMs: number): number {
    return atMs + this.retentionMs * LOG_LIFE_RETENTIONS;
  }

  async readHead(collection: string, attempts: Attempts): Promise<Head> {
    const item = await attempts.repeat(() => this.table.getItem(headKey(this.partition(collection))));
    return this.sawHead(collection, item);
  }

  sawHead(collection: string, item: Item | undefined): Head {
    const head = readHead(item);
    this.#heads.set(collection, head);
    return head;
  }

  lastSeenHead(collection: string): Head {
    return this.#heads.get(collection) ?? readHead(undefined);
  }

  /**
   * Everything up to here was handed out so long ago that it is settled: no writer holds it any more (deadline), its events are visible
   * in their objects, and expiry may have taken them. Found from the times that the head keeps.
   */
  settledRevision(head: Head): number {
    const beforeMs = this.clock.now() - this.retentionMs;
    if (head.atMs < beforeMs) return head.next;
    return Math.max(head.closed, head.mark.atMs < beforeMs ? head.mark.revision : 0);
  }

  /**
   * The body of an object or event. Chunks lie under the revision that wrote them and never change; they are read with TransactGetItems, which
   * waits for the transaction that writes them (txGet). Undefined when expiry has taken them.
   */
  async readBody(
    collection: string,
    item: Item,
    revision: number,
    attempts: Attempts,
  ): Promise<Uint8Array | undefined> {
    const count = chunkCount(item);
    if (count === 0) return unpackBody(item);
    const keys = chunkKeys(this.partition(collection), revision, count);
    const chunks = await attempts.repeat(() => this.table.transactGet(keys));
    const bytes = chunks.map((chunk) => chunk?.['bytes']);
    return bytes.every((value) => value instanceof Uint8Array) ? unpackBody(item, bytes) : undefined;
  }
}
