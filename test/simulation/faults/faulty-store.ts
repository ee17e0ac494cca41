import type { Clock } from '../../../lib/clock/clock.js';
import { StoreError } from '../../../lib/store/errors.js';
import type {
  ChangeEvent,
  ChangeFeed,
  Changes,
  ListOptions,
  ListResult,
  Store,
  StoredObject,
  WriteOperation,
} from '../../../lib/store/store.js';
import type { Dice } from '../dice.js';
import type { StoreFaults } from '../plan.js';
import { ENDED } from './link.js';
import type { Weather } from './weather.js';

const SLOW_MAX_MS = 1_000;

/**
 * The store as one control plane process sees it: slow, throttled, sometimes without an answer, and gone for good once the process
 * has died, so that no request it was in the middle of writes any more.
 */
export class FaultyStore implements Store, ChangeFeed {
  readonly #inner: Store & ChangeFeed;
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #weather: Weather;
  readonly #faults: StoreFaults;
  /** What ends when the process dies. */
  readonly #onDeath = new Set<() => void>();
  #isDead = false;
  readonly #unsubscribe = new Set<() => void>();

  constructor(inner: Store & ChangeFeed, options: { clock: Clock; dice: Dice; weather: Weather; faults: StoreFaults }) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#dice = options.dice;
    this.#weather = options.weather;
    this.#faults = options.faults;
  }

  /** The process dies. */
  cut(): void {
    this.#isDead = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const end of this.#onDeath) end();
  }

  async get(collection: string, key: string): Promise<StoredObject | undefined> {
    await this.#before();
    return this.#inner.get(collection, key);
  }

  async list(collection: string, options?: ListOptions): Promise<ListResult> {
    await this.#before();
    return this.#inner.list(collection, options);
  }

  async revision(collection: string): Promise<number> {
    await this.#before();
    return this.#inner.revision(collection);
  }

  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    await this.#before();
    if (this.#weather.isStormy && this.#dice.chance(this.#faults.unknown)) {
      if (this.#dice.chance(0.5)) await this.#inner.write(collection, operations);
      throw new StoreError('unknown', 'the simulation does not tell');
    }
    return this.#inner.write(collection, operations);
  }

  async changes(collection: string, after: number, limit?: number): Promise<Changes> {
    await this.#before();
    return this.#inner.changes(collection, after, limit);
  }

  async *watch(collection: string, after: number, signal: AbortSignal): AsyncGenerator<Changes> {
    const abort = new AbortController();
    const end = (): void => abort.abort(ENDED);
    signal.addEventListener('abort', end);
    this.#onDeath.add(end);
    if (signal.aborted || this.#isDead) end();
    try {
      yield* this.#inner.watch(collection, after, abort.signal);
    } finally {
      signal.removeEventListener('abort', end);
      this.#onDeath.delete(end);
    }
    if (!signal.aborted) throw dead();
  }

  async collections(): Promise<string[]> {
    await this.#before();
    return this.#inner.collections();
  }

  /** The store outlives its processes. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  subscribe(listener: (collection: string, events: readonly ChangeEvent[]) => void): () => void {
    const unsubscribe = this.#inner.subscribe(listener);
    this.#unsubscribe.add(unsubscribe);
    return () => {
      this.#unsubscribe.delete(unsubscribe);
      unsubscribe();
    };
  }

  async #before(): Promise<void> {
    this.#assertAlive();
    if (!this.#weather.isStormy) return;
    if (this.#dice.chance(this.#faults.unavailable)) throw new StoreError('unavailable', 'the simulation is throttled');
    if (!this.#dice.chance(this.#faults.slow)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        this.#onDeath.delete(done);
        resolve();
      };
      const cancel = this.#clock.setTimer(this.#dice.between(1, SLOW_MAX_MS), done);
      this.#onDeath.add(done);
    });
    this.#assertAlive();
  }

  #assertAlive(): void {
    if (this.#isDead) throw dead();
  }
}

function dead(): StoreError {
  return new StoreError('unavailable', 'this process has died');
}
