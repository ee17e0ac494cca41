import type { Clock } from '../../clock/clock.js';
import { FIRST_REVISION } from '../store.js';
import type { CollectionState } from './collection-state.js';
import type { LogReader } from './log-reader.js';
import type { WriteBatch } from './write-batch.js';

/** How much a batch drops at most: enough to outpace what it can add, little enough to stay short. */
const DROPPED_PER_BATCH_MIN = 256;
const DROPPED_PER_WRITTEN = 2;

/** Logs are looked through so many times per retention time. */
const ROUNDS_PER_RETENTION = 20;

interface CompactorOptions {
  clock: Clock;
  log: LogReader;
  states: ReadonlyMap<string, CollectionState>;
  retentionMs: number;
  retentionEventsMax: number;
  /** Asks for a batch, because there is something to drop and nothing is being written. */
  wake: () => void;
}

/**
 * Keeps the logs within their bounds of age and number. It rides along with batches of writes, a bounded step each;
 * when nothing is written, a timer asks for batches of its own.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  #nextRoundMs: number;
  /** What is left of the round under way. */
  #round: CollectionState[] = [];
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#nextRoundMs = options.clock.now();
    this.published();
  }

  /** Whether a batch should be made even if nothing is to be written. */
  isDue(): boolean {
    return (
      !this.#stopped &&
      (this.#round.length > 0 || (this.#options.clock.now() >= this.#nextRoundMs && this.#hasEvents()))
    );
  }

  /** Adds a step to a batch. */
  addTo(batch: WriteBatch): void {
    const { clock, retentionMs, states } = this.#options;
    const nowMs = clock.now();
    let written = 0;
    const full: CollectionState[] = [];
    for (const { state, record, events } of batch.changes.values()) {
      written += events.length;
      if (record.revision - logStart(state) > this.#options.retentionEventsMax) full.push(state);
    }
    if (this.#round.length === 0 && nowMs >= this.#nextRoundMs) {
      this.#nextRoundMs = nowMs + retentionMs / ROUNDS_PER_RETENTION;
      this.#round = [...states.values()];
    }
    let budget = Math.max(DROPPED_PER_BATCH_MIN, written * DROPPED_PER_WRITTEN);
    for (const state of full) budget -= this.#dropFrom(state, batch, budget);
    while (budget > 0) {
      const state = this.#round.at(-1);
      if (state === undefined) return;
      const dropped = full.includes(state) ? 0 : this.#dropFrom(state, batch, budget);
      budget -= dropped;
      if (budget > 0) this.#round.pop();
    }
  }

  /** After a batch: sees to it that the next round comes. */
  published(): void {
    if (this.#stopped || this.#cancelTimer !== undefined || !this.#hasEvents()) return;
    const { clock, retentionMs, wake } = this.#options;
    this.#cancelTimer = clock.setTimer(retentionMs / ROUNDS_PER_RETENTION, () => {
      this.#cancelTimer = undefined;
      wake();
      this.published();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  #dropFrom(state: CollectionState, batch: WriteBatch, budget: number): number {
    const { clock, log, retentionMs, retentionEventsMax } = this.#options;
    const first = logStart(state) + 1;
    if (budget <= 0 || first > state.record.revision) return 0;
    const beforeMs = clock.now() - retentionMs;
    const newest = (batch.changes.get(state.name)?.record ?? state.record).revision;
    const isKept = (entry: { revision: number; timeMs: number }): boolean =>
      entry.timeMs >= beforeMs && entry.revision > newest - retentionEventsMax;
    if (state.oldestKept?.revision === first && isKept(state.oldestKept)) return 0;

    const entries = [];
    for (const entry of log.records(state, first, budget)) {
      if (isKept(entry)) {
        state.oldestKept = entry;
        break;
      }
      entries.push(entry);
    }
    batch.drop(state, entries);
    return entries.length;
  }

  #hasEvents(): boolean {
    for (const state of this.#options.states.values()) if (state.record.revision > logStart(state)) return true;
    return false;
  }
}

/** The log holds the events after this revision. */
function logStart(state: CollectionState): number {
  return Math.max(state.record.compacted, FIRST_REVISION - 1);
}
