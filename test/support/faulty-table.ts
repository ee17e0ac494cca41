import { sleep, type Clock } from '../../lib/clock/clock.js';
import { randomFraction, randomInt, randomUuid, type Random } from '../../lib/random.js';
import { TableError } from '../../lib/store/dynamodb/table.js';
import type { Item, ItemKey, QueryPage, Table } from '../../lib/store/dynamodb/table.js';
import type { Faults } from './table-connection.js';

export interface FaultyTableOptions {
  /** The real thing: an emulator's. */
  table: Table;
  clock: Clock;
  random: Random;
  faults: Faults;
  /** A late request arrives so much later at most. */
  lateMaxMs: number;
  /** After so long a caller is told that its request timed out. */
  timeoutMs: number;
}

const never = new Promise<never>(() => undefined);

/** How one process reaches a table that works too well, as emulators do: with all that DynamoDB and networks do to requests, until it dies. */
export class FaultyTable implements Table {
  readonly #options: FaultyTableOptions;
  #isDead = false;

  constructor(options: FaultyTableOptions) {
    this.#options = options;
  }

  /** The process is gone: none of its calls returns any more. What it has sent may arrive. */
  kill(): void {
    this.#isDead = true;
  }

  getItem(key: ItemKey): Promise<Item | undefined> {
    return this.#call((table) => table.getItem(key));
  }

  query(query: Parameters<Table['query']>[0]): Promise<QueryPage> {
    const limit = 1 + randomInt(this.#options.random, 3);
    const isShort = this.#happens('partial') && limit < (query.limit ?? Infinity);
    return this.#call((table) => table.query(isShort ? { ...query, limit } : query));
  }

  transactGet(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    return this.#call((table) => {
      if (this.#happens('conflict')) throw new TableError('conflict', 'TransactionConflict');
      return table.transactGet(keys);
    });
  }

  batchGet(keys: readonly ItemKey[]): Promise<{ items: Item[]; left: ItemKey[] }> {
    const fits = this.#happens('partial') ? 1 + randomInt(this.#options.random, keys.length) : keys.length;
    return this.#call(async (table) => {
      const { items, left } = await table.batchGet(keys.slice(0, fits));
      return { items, left: [...left, ...keys.slice(fits)] };
    });
  }

  putItem(...args: Parameters<Table['putItem']>): Promise<void> {
    return this.#call((table) => table.putItem(...args));
  }

  updateItem(...args: Parameters<Table['updateItem']>): Promise<Item> {
    return this.#call((table) => table.updateItem(...args));
  }

  transactWrite(...[writes, token]: Parameters<Table['transactWrite']>): Promise<void> {
    return this.#call((table, isRepeated) => {
      if (this.#happens('conflict')) {
        const reasons = writes.map((_, index) => (index === 0 ? 'conflict' : 'none'));
        throw new TableError('cancelled', 'TransactionCanceled', { reasons });
      }
      return table.transactWrite(writes, isRepeated ? randomUuid(this.#options.random) : token);
    });
  }

  async #call<T>(act: (table: Table, isRepeated: boolean) => Promise<T>): Promise<T> {
    if (this.#isDead) return never;
    try {
      const answer = await this.#send(act);
      return this.#isDead ? await never : answer;
    } catch (error) {
      if (this.#isDead) return never;
      throw error;
    }
  }

  async #send<T>(act: (table: Table, isRepeated: boolean) => Promise<T>): Promise<T> {
    const { table, clock, random, lateMaxMs } = this.#options;
    // Some turns for others to come first, and perhaps to kill this process.
    await sleep(clock, randomInt(random, 4));
    if (this.#isDead && randomInt(random, 2) === 0) return never;
    if (this.#happens('throttled')) throw new TableError('throttled', 'ProvisionedThroughputExceededException');
    if (this.#happens('lost')) return this.#timeOut();
    if (this.#happens('late')) {
      // Its answer, whatever it is, reaches nobody.
      void sleep(clock, randomFraction(random) * lateMaxMs)
        .then(() => act(table, false))
        .catch(() => undefined);
      return this.#timeOut();
    }
    if (this.#happens('doubled')) {
      try {
        await act(table, false);
      } catch {
        // Nobody hears the first answer.
      }
      return act(table, true);
    }
    if (this.#happens('answerLost')) {
      await act(table, false);
      return this.#timeOut();
    }
    return act(table, false);
  }

  async #timeOut(): Promise<never> {
    const { clock, timeoutMs } = this.#options;
    await sleep(clock, timeoutMs);
    throw new TableError('timed-out', 'no answer in time');
  }

  #happens(fault: keyof Faults): boolean {
    const { random, faults } = this.#options;
    return randomFraction(random) < faults[fault];
  }
}
