import type { Clock } from '../../lib/clock/clock.js';
import { randomInt, type Random } from '../../lib/random.js';
import { isTableError, type Item, type Table } from '../../lib/store/dynamodb/table.js';

/** Attempts at a free place when others take the ones that were seen free: of many who come at once, two thirds get one each time. */
const ATTEMPTS_MAX = 12;

/**
 * Places for open watches, counted over all environments of a function: each open watch holds an environment, of which an account has a
 * limited number, and writes need some too. A place is given back, or falls free when its time is over.
 */
export class WatchBudget {
  readonly #options: {
    table: Table;
    clock: Clock;
    random: Random;
    cluster: string;
    watchesMax: number;
    lifeMs: number;
  };

  constructor(options: {
    table: Table;
    clock: Clock;
    random: Random;
    cluster: string;
    watchesMax: number;
    /** A watch ends within this. */
    lifeMs: number;
  }) {
    this.#options = options;
  }

  /** A function that gives the place back, or undefined when all are taken. */
  async take(): Promise<(() => Promise<void>) | undefined> {
    const { table, clock, random, watchesMax, lifeMs } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const now = clock.now();
      const taken = new Set((await this.#places()).filter((place) => endOf(place) > now).map(({ sk }) => sk));
      const free = Array.from({ length: watchesMax }, (_, index) => nameOf(index)).filter((name) => !taken.has(name));
      const sk = free[randomInt(random, Math.max(1, free.length))];
      if (sk === undefined) return undefined;
      const endMs = now + lifeMs;
      const key = { pk: this.#partition, sk };
      try {
        await table.updateItem(
          key,
          { set: { end: endMs, ttl: Math.ceil(endMs / 1_000) + 3_600 } },
          { kind: 'any', of: [{ kind: 'absent' }, { kind: 'below', name: 'end', value: now }] },
        );
      } catch (error) {
        if (isTableError(error, 'condition-failed')) continue;
        throw error;
      }
      return async () => {
        try {
          await table.updateItem(key, { set: { end: 0 } }, { kind: 'equals', name: 'end', value: endMs });
        } catch {
          // It falls free by itself.
        }
      };
    }
    return undefined;
  }

  get #partition(): string {
    return `${this.#options.cluster}/#watches`;
  }

  async #places(): Promise<Item[]> {
    const { table } = this.#options;
    const items: Item[] = [];
    let after: string | undefined;
    do {
      const page = await table.query({ partition: this.#partition, ...(after === undefined ? {} : { after }) });
      items.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return items;
  }
}

function endOf(place: Item): number {
  return typeof place['end'] === 'number' ? place['end'] : 0;
}

function nameOf(index: number): string {
  return String(index).padStart(5, '0');
}
