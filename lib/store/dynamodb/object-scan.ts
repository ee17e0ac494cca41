import { compareKeys } from '../keys.js';
import type { Attempts } from './attempts.js';
import type { StoreContext } from './context.js';
import { objectKey, readObject } from './items.js';
import type { ObjectRecord } from './items.js';
import type { TableQuery } from './table.js';

/**
 * Reads the objects of a collection in key order, page by page. Each page is as of its own moment: together they are no snapshot,
 * which is what the lister makes of them.
 */
export class ObjectScan {
  readonly #context: StoreContext;
  readonly #query: TableQuery;
  readonly #prefix: string;
  readonly #afterKey: string | undefined;
  #position: string | undefined;

  /** In key order, tombstones too. */
  readonly records: ObjectRecord[] = [];
  /** By key. */
  readonly byKey = new Map<string, ObjectRecord>();
  isComplete = false;
  /** The highest revision seen, tombstones included (bound). */
  revisionMax = 0;

  constructor(context: StoreContext, collection: string, range: { prefix: string; afterKey?: string }) {
    this.#context = context;
    this.#prefix = range.prefix;
    this.#afterKey = range.afterKey;
    const { pk, sk } = objectKey(context.partition(collection), range.prefix);
    this.#query = { partition: pk, prefix: sk };
    if (range.afterKey === undefined) return;
    // DynamoDB refuses to start outside of what it is asked for.
    if (range.afterKey.startsWith(range.prefix)) this.#position = objectKey(pk, range.afterKey).sk;
    else if (compareKeys(range.afterKey, range.prefix) > 0) this.isComplete = true;
  }

  /** Reads until `count` more live objects are there, or all; 0 means all. */
  async read(count: number, attempts: Attempts): Promise<void> {
    let wanted = count;
    while (!this.isComplete && (count === 0 || wanted > 0)) {
      const position = this.#position === undefined ? {} : { after: this.#position };
      const query = { ...this.#query, ...position, ...(count === 0 ? {} : { limit: wanted }) };
      const page = await attempts.repeat(() => this.#context.table.query(query));
      for (const item of page.items) {
        const record = readObject(item);
        this.records.push(record);
        this.byKey.set(record.key, record);
        this.revisionMax = Math.max(this.revisionMax, record.revision);
        if (record.isLive) wanted--;
      }
      this.#position = page.next;
      this.isComplete = page.next === undefined;
    }
  }

  /** Whether the object of this key would have been seen. */
  covers(key: string): boolean {
    if (!key.startsWith(this.#prefix)) return false;
    if (this.#afterKey !== undefined && compareKeys(key, this.#afterKey) <= 0) return false;
    const last = this.#position === undefined ? undefined : this.#lastKey();
    return this.isComplete || (last !== undefined && compareKeys(key, last) <= 0);
  }

  #lastKey(): string | undefined {
    return this.records.at(-1)?.key;
  }
}
