import { FakeClock } from '../../lib/clock/fake.js';
import { seededRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { readSlot, slotKey } from '../../lib/store/dynamodb/items.js';
import type { Slot } from '../../lib/store/dynamodb/items.js';
import type { Table } from '../../lib/store/dynamodb/table.js';
import type { Changes, ListResult, WriteOperation } from '../../lib/store/store.js';
import { drive } from '../support/drive.js';
import { TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';

export const PODS = 'core/pods';
export const PARTITION = `one/${PODS}`;
export const RETENTION_MS = 600_000;

/** What a test puts between a store and the table. */
export type Plant = (table: Table) => Partial<Table>;

/** A table, and processes whose calls a test can stop, double and delay one by one. Requests take no time. */
export class Bench {
  readonly clock = new FakeClock(undefined, 1);
  readonly double: TableDouble;
  #seed = 1;

  constructor(pageSizeBytes = 500) {
    this.double = new TableDouble({ clock: this.clock, pageSizeBytes });
  }

  /** Another process. */
  store(plant: Plant = () => ({})): DynamoDbStore {
    const table = new TableConnection({ double: this.double });
    const whole: Table = {
      getItem: (...args) => table.getItem(...args),
      query: (...args) => table.query(...args),
      transactGet: (...args) => table.transactGet(...args),
      batchGet: (...args) => table.batchGet(...args),
      putItem: (...args) => table.putItem(...args),
      updateItem: (...args) => table.updateItem(...args),
      transactWrite: (...args) => table.transactWrite(...args),
    };
    return new DynamoDbStore({
      table: { ...whole, ...plant(whole) },
      clock: this.clock,
      random: seededRandom(this.#seed++),
      cluster: 'one',
      retentionMs: RETENTION_MS,
    });
  }

  /** Lets time pass as far as this needs. */
  run<T>(work: Promise<T>): Promise<T> {
    return drive(this.clock, work);
  }

  slot(revision: number): Slot | undefined {
    const item = this.double.peek(slotKey(PARTITION, revision));
    return item === undefined ? undefined : readSlot(item);
  }

  /** Kinds of the slots from the first revision to `to`. */
  kinds(to: number): (string | undefined)[] {
    return Array.from({ length: to - 1 }, (_, index) => this.slot(index + 2)?.kind);
  }
}

export function put(key: string, expect: number | 'absent', body = key): WriteOperation {
  return { key, expect, body: (revision) => Buffer.from(`${body}@${revision}`) };
}

export function del(key: string, expect: number): WriteOperation {
  return { ...put(key, expect, 'last'), delete: true };
}

/** `key@revision body`, in order. */
export function shownList({ items }: ListResult): string[] {
  return items.map(({ key, body }) => `${key} ${Buffer.from(body).toString()}`);
}

export function shownChanges({ events, revision }: Changes): unknown[] {
  return [...events.map((event) => `${event.revision} ${event.type} ${event.key}`), revision];
}

/** A promise and what resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

export const never = new Promise<never>(() => undefined);
