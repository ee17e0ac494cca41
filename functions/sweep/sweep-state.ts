import { isTableError, type Item, type ItemKey, type Table } from '../../lib/store/dynamodb/table.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Rules } from '../lambda/rules.js';

/** Changes are noted at most this often: a note is a write. */
const NOTE_INTERVAL_MS = 60_000;

/** After so long without nodes and changes there is nothing to sweep: two resyncs have come by, and repairs. */
export const QUIET_MS = 15 * 60 * 1_000;

/** What sweeps remember of each other, and of changes: one item in the table of heartbeats. */
export class SweepState {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #key: ItemKey;
  #notedMs = -Infinity;

  constructor(options: { table: Table; clock: Clock; cluster: string }) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#key = { pk: `${options.cluster}/#sweep`, sk: 'state' };
  }

  /** Something has changed: sweeps are switched on if they may be off. A read at most each minute, and a write when a minute has passed. */
  async noteChange(rules: Rules, rule: string | undefined): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#notedMs < NOTE_INTERVAL_MS) return;
    const changedMs = number(await this.#table.getItem(this.#key), 'changed');
    if (now - changedMs >= NOTE_INTERVAL_MS) {
      await this.#table.updateItem(this.#key, { set: { changed: now } });
      // Noted first: whoever switches off looks at the note afterwards.
      if (rule !== undefined && now - changedMs > QUIET_MS / 2) await rules.enable(rule);
    }
    this.#notedMs = now;
  }

  /** When each chore was last begun, and when something last changed, in milliseconds; 0: never. */
  async read(): Promise<{ changedMs: number; beganMs: (chore: string) => number }> {
    const item = await this.#table.getItem(this.#key);
    return { changedMs: number(item, 'changed'), beganMs: (chore) => number(item, `chore-${chore}`) };
  }

  /** Begins chores, unless another sweep has begun one of them since `beganMs` was read. */
  async begin(chore: string, beganMs: number): Promise<boolean> {
    const name = `chore-${chore}`;
    try {
      await this.#table.updateItem(
        this.#key,
        { set: { [name]: this.#clock.now() } },
        beganMs === 0 ? { kind: 'missing', name } : { kind: 'equals', name, value: beganMs },
      );
      return true;
    } catch (error) {
      if (isTableError(error, 'condition-failed')) return false;
      throw error;
    }
  }
}

function number(item: Item | undefined, name: string): number {
  const value = item?.[name];
  return typeof value === 'number' ? value : 0;
}
