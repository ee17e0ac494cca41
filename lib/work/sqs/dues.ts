import { createHash } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import { isTableError, type ItemKey, type Table } from '../../store/dynamodb/table.js';
import { DUE_KEPT_SECONDS, DUE_OVERDUE_MS } from './limits.js';

/** The one wake-up of each group that counts: SQS cannot take back a delayed message, and each reconcile may ask for another. */
export interface Dues {
  /** Whether a message has to be sent: none is on its way that is due as early. */
  claim(group: string, dueMs: number): Promise<boolean>;
  /** A message that was claimed could not be sent. */
  release(group: string, dueMs: number): Promise<void>;
  /** Whether a message that has arrived is to be handled: false when a later reconcile has asked for another time instead. */
  settle(group: string, dueMs: number): Promise<boolean>;
}

/** DynamoDB's own, with room for what is in front. */
const GROUP_MAX_BYTES = 900;

/**
 * Wake-ups in a table: an item for each group with the earliest time it waits for. Only a saving: when the table does not answer, messages are
 * sent and handled.
 */
export class TableDues implements Dues {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #partition: string;

  constructor(options: { table: Table; clock: Clock; cluster: string }) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#partition = `${options.cluster}/#dues`;
  }

  async claim(group: string, dueMs: number): Promise<boolean> {
    const ttl = Math.ceil(dueMs / 1_000) + DUE_KEPT_SECONDS;
    try {
      await this.#table.updateItem(
        this.#key(group),
        { set: { due: dueMs, ttl } },
        {
          kind: 'any',
          of: [
            { kind: 'absent' },
            { kind: 'below', name: 'due', value: this.#clock.now() - DUE_OVERDUE_MS },
            { kind: 'above', name: 'due', value: dueMs },
          ],
        },
      );
      return true;
    } catch (error) {
      return !isTableError(error, 'condition-failed');
    }
  }

  async release(group: string, dueMs: number): Promise<void> {
    await this.#end(group, dueMs).catch(() => undefined);
  }

  async settle(group: string, dueMs: number): Promise<boolean> {
    try {
      await this.#end(group, dueMs);
      return true;
    } catch (error) {
      if (!isTableError(error, 'condition-failed')) return true;
      const other = error.item?.['due'];
      return typeof other !== 'number' || other <= this.#clock.now();
    }
  }

  /** Nothing is waited for any more, if it was this. */
  async #end(group: string, dueMs: number): Promise<void> {
    await this.#table.updateItem(this.#key(group), { set: { due: 0 } }, { kind: 'equals', name: 'due', value: dueMs });
  }

  #key(group: string): ItemKey {
    const isLong = Buffer.byteLength(group) > GROUP_MAX_BYTES;
    const sk = isLong ? `sha256-${createHash('sha256').update(group).digest('hex')}` : group;
    return { pk: this.#partition, sk };
  }
}
