import { sleep } from '../../lib/clock/clock.js';
import type { Clock } from '../../lib/clock/clock.js';
import { TableError } from '../../lib/store/dynamodb/table.js';
import type { Item, ItemKey, QueryPage, Table } from '../../lib/store/dynamodb/table.js';
import { randomFraction, randomInt } from '../../lib/random.js';
import type { Random } from '../../lib/random.js';
import type { TableDouble } from './table-double.js';

/** How often, from 0 to 1, a request meets what. */
export interface Faults {
  throttled: number;
  /** A transaction is refused although nothing runs on its items. */
  conflict: number;
  /** The request never arrives; the caller is told that it timed out. */
  lost: number;
  /** The request arrives long after the caller was told that it timed out. */
  late: number;
  /** The request is carried out, the answer lost. */
  answerLost: number;
  /** The request is carried out twice, the second time as if it had no token; the caller hears the second answer. */
  doubled: number;
  /** A page or a batch is shorter than it could be. */
  partial: number;
}

export const NO_FAULTS: Faults = {
  throttled: 0,
  conflict: 0,
  lost: 0,
  late: 0,
  answerLost: 0,
  doubled: 0,
  partial: 0,
};

export interface ConnectionOptions {
  double: TableDouble;
  /** With a clock requests take time, and transactions become visible bit by bit; without, everything is at once. */
  network?: { clock: Clock; random: Random; latencyMaxMs: number; lateMaxMs: number; timeoutMs: number };
  faults?: Faults;
}

/** The parts of a transaction become visible up to so many times as far apart as a request takes. */
const TORN_TRAVELS = 4;

const never = new Promise<never>(() => undefined);

/** How one process reaches the double: with latency and faults, until it dies. */
export class TableConnection implements Table {
  readonly #double: TableDouble;
  readonly #network: ConnectionOptions['network'];
  readonly #faults: Faults;
  #isDead = false;

  constructor(options: ConnectionOptions) {
    this.#double = options.double;
    this.#network = options.network;
    this.#faults = options.faults ?? NO_FAULTS;
  }

  /** The process is gone: none of its calls returns any more. What it has sent may arrive. */
  kill(): void {
    this.#isDead = true;
  }

  getItem(key: ItemKey): Promise<Item | undefined> {
    return this.#call(() => this.#double.getItem(key));
  }

  query(query: Parameters<Table['query']>[0]): Promise<QueryPage> {
    const limit = this.#happens('partial') ? { limit: 1 + this.#pick(3) } : {};
    const isSmaller = limit.limit !== undefined && (query.limit === undefined || limit.limit < query.limit);
    return this.#call(() => this.#double.query(isSmaller ? { ...query, ...limit } : query));
  }

  transactGet(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    return this.#call(() => {
      if (this.#happens('conflict')) throw new TableError('conflict', 'TransactionConflict');
      return this.#double.transactGet(keys);
    });
  }

  batchGet(keys: readonly ItemKey[]): Promise<{ items: Item[]; left: ItemKey[] }> {
    const fits = this.#happens('partial') ? this.#pick(keys.length) : keys.length;
    return this.#call(() => this.#double.batchGet(keys, fits));
  }

  putItem(...args: Parameters<Table['putItem']>): Promise<void> {
    return this.#call(() => this.#double.putItem(...args));
  }

  updateItem(...args: Parameters<Table['updateItem']>): Promise<Item> {
    return this.#call(() => this.#double.updateItem(...args));
  }

  transactWrite(...[writes, token]: Parameters<Table['transactWrite']>): Promise<void> {
    return this.#call(async (isRepeated) => {
      if (this.#happens('conflict')) {
        const reasons = writes.map((_, index) => (index === 0 ? 'conflict' : 'none'));
        throw new TableError('cancelled', 'TransactionCanceled', { reasons });
      }
      const transaction = this.#double.transactWrite(writes, isRepeated ? undefined : token);
      let left = transaction.keys.length > 0;
      while (left) {
        if (this.#happens('torn')) await this.#travel(TORN_TRAVELS);
        left = transaction.reveal((count) => this.#pick(count));
      }
    });
  }

  /** One request: the way there, what it does, the way back. */
  async #call<T>(act: (isRepeated: boolean) => T | Promise<T>): Promise<T> {
    if (this.#isDead) return never;
    try {
      const answer = await this.#send(act);
      return this.#isDead ? await never : answer;
    } catch (error) {
      if (this.#isDead) return never;
      throw error;
    }
  }

  async #send<T>(act: (isRepeated: boolean) => T | Promise<T>): Promise<T> {
    await this.#travel();
    if (this.#isDead && this.#pick(2) === 0) return never;
    if (this.#happens('throttled')) throw new TableError('throttled', 'ProvisionedThroughputExceededException');
    if (this.#happens('lost')) return this.#timeOut();
    if (this.#happens('late')) {
      const { clock, random, lateMaxMs } = this.#network as NonNullable<ConnectionOptions['network']>;
      // Its answer, whatever it is, reaches nobody.
      void sleep(clock, randomFraction(random) * lateMaxMs)
        .then(() => act(false))
        .catch(() => undefined);
      return this.#timeOut();
    }
    if (this.#happens('doubled')) {
      try {
        await act(false);
      } catch {
        // Nobody hears the first answer.
      }
      await this.#travel();
      return act(true);
    }
    if (this.#happens('answerLost')) {
      await act(false);
      return this.#timeOut();
    }
    const answer = await act(false);
    await this.#travel();
    return answer;
  }

  async #timeOut(): Promise<never> {
    const network = this.#network;
    if (network !== undefined) await sleep(network.clock, network.timeoutMs);
    throw new TableError('timed-out', 'no answer in time');
  }

  async #travel(times = 1): Promise<void> {
    const network = this.#network;
    if (network === undefined) return;
    await sleep(network.clock, 1 + randomInt(network.random, network.latencyMaxMs * times));
  }

  #happens(fault: keyof Faults | 'torn'): boolean {
    const network = this.#network;
    if (network === undefined) return false;
    return randomFraction(network.random) < (fault === 'torn' ? 0.5 : this.#faults[fault]);
  }

  #pick(count: number): number {
    return this.#network === undefined ? 0 : randomInt(this.#network.random, count);
  }
}
