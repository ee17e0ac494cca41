import { expect } from 'vitest';
import type { Clock } from '../../lib/clock/clock.js';
import { isStoreError } from '../../lib/store/errors.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import type { Random } from '../../lib/random.js';
import type {
  ChangeEvent,
  ListOptions,
  ListPosition,
  ListResult,
  Store,
  StoredObject,
  WriteOperation,
} from '../../lib/store/store.js';
import { PlainModel } from './plain-model.js';
import type { ModelObject } from './plain-model.js';

export interface ModelRunOptions {
  store: Store;
  collection: string;
  seed: number;
  clock: Clock;
  retentionMs: number;
  retentionEventsMax: number;
  /** Whether lists tell how many objects follow a page. Default: they do. */
  remaining?: boolean;
  /** Runs after each step, to disturb: reopen, let time pass. Returns the store to go on with. */
  disturb?: (random: Random) => Promise<Store | undefined>;
}

const STEPS = 12;
/** Prefixes of each other, signs around the slash, and what UTF-16 orders otherwise than UTF-8. */
const KEYS = ['a/a', 'a/b', 'a/b-c', 'a/b/c', 'a0/x', 'a-/x', 'b/é', 'b/\uffff', 'b/😀', 'c', 'a/', 'b/zz'];
const PREFIXES = ['', 'a/', 'a', 'b/', 'a/b', 'none/'];

interface Attempt {
  operations: (WriteOperation & { text: string })[];
  outcome: PromiseSettledResult<number[]>;
}

/**
 * One seed: random writes, several at once, with reads among them; after each step everything that the port can answer is
 * compared with the model. Throws with the seed in the message.
 */
export async function runModel(options: ModelRunOptions): Promise<void> {
  try {
    await new ModelRun(options).run();
  } catch (error) {
    throw new Error(`seed ${options.seed} (STORE_SEED=${options.seed} replays it): ${String(error)}`, {
      cause: error,
    });
  }
}

class ModelRun {
  readonly #options: ModelRunOptions;
  readonly #random: Random;
  readonly #model = new PlainModel();
  readonly #positions: { position: ListPosition; prefix: string }[] = [];
  readonly #watched: ChangeEvent[] = [];
  #store: Store;

  constructor(options: ModelRunOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#store = options.store;
  }

  async run(): Promise<void> {
    const { collection, disturb } = this.#options;
    const stopWatching = new AbortController();
    const watching = this.#watch(stopWatching.signal);
    for (let step = 0; step < STEPS; step++) {
      await this.#writeAndRead();
      await this.#checkObjects();
      await this.#checkPages();
      await this.#checkLog();
      const reopened = await disturb?.(this.#random);
      if (reopened !== undefined) this.#store = reopened;
    }
    same(await this.#store.revision(collection), this.#model.revision);
    while (this.#watched.length < this.#model.events.length && disturb === undefined)
      await new Promise((resolve) => setImmediate(resolve));
    stopWatching.abort();
    await watching;
    const expected = this.#model.events.slice(0, this.#watched.length);
    same(this.#watched.map(shownEvent), expected.map(withoutTime));
  }

  /** Ends early, as it may, when the store is closed or the log runs away. */
  async #watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const { events } of this.#store.watch(this.#options.collection, 1, signal))
        this.#watched.push(...events);
    } catch (error) {
      if (!isStoreError(error, 'unavailable') && !isStoreError(error, 'compacted')) throw error;
    }
  }

  async #writeAndRead(): Promise<void> {
    const { collection, clock } = this.#options;
    const before = this.#model.revision;
    const batch = Array.from({ length: 1 + randomInt(this.#random, 5) }, () => this.#randomWrite());
    const timeMs = clock.now();
    const writes = batch.map((operations) => this.#store.write(collection, operations));
    const reads = [this.#store.list(collection), this.#store.list(collection)];
    const outcomes = await Promise.allSettled(writes);
    const attempts = batch.map((operations, index) => ({
      operations,
      outcome: outcomes[index] as PromiseSettledResult<number[]>,
    }));
    this.#applyInOrder(attempts, timeMs);
    for (const attempt of attempts) if (attempt.outcome.status === 'rejected') this.#checkConflict(attempt, before);
    for (const { items, revision } of await Promise.all(reads)) {
      expect(revision).toBeGreaterThanOrEqual(before);
      same(items.map(shown), this.#model.listed(revision, ''));
    }
  }

  #randomWrite(): Attempt['operations'] {
    const count = randomInt(this.#random, 3) === 0 ? 1 + randomInt(this.#random, 4) : 1;
    const keys = new Set(Array.from({ length: count }, () => this.#pick(KEYS)));
    return [...keys].map((key) => {
      const revision = this.#model.present.get(key)?.revision;
      // Now and then an expectation that is wrong, or will be by the time it is looked at.
      const wrong = randomInt(this.#random, 8) === 0;
      const expected = wrong ? this.#wrongExpectation() : (revision ?? 'absent');
      const deletes = expected !== 'absent' && randomInt(this.#random, 3) === 0;
      const size = randomInt(this.#random, 60) === 0 ? randomInt(this.#random, 9_000) : randomInt(this.#random, 40);
      const text = `${randomInt(this.#random, 1_000_000)}${'x'.repeat(size)}`;
      const body = (given: number): Uint8Array => Buffer.from(`${text}@${given}`);
      return { key, expect: expected, body, delete: deletes, text };
    });
  }

  #wrongExpectation(): number | 'absent' {
    return randomInt(this.#random, 3) === 0 ? 'absent' : 1 + randomInt(this.#random, this.#model.revision + 3);
  }

  /** What was written goes into the model by revision, which must fill the numbers without gaps and find its expectations met. */
  #applyInOrder(attempts: readonly Attempt[], timeMs: number): void {
    const written = attempts.flatMap(({ operations, outcome }) =>
      outcome.status === 'fulfilled' ? [{ operations, revisions: outcome.value }] : [],
    );
    written.sort((a, b) => (a.revisions[0] as number) - (b.revisions[0] as number));
    for (const { operations, revisions } of written) {
      const first = this.#model.revision + 1;
      same(
        revisions,
        operations.map((_, index) => first + index),
      );
      for (const { key, expect: expected } of operations)
        same([key, this.#model.present.get(key)?.revision ?? 'absent'], [key, expected]);
      for (const { key, text, delete: deletes } of operations)
        this.#model.append({ key, body: `${text}@${this.#model.revision + 1}`, deletes: deletes === true, timeMs });
    }
  }

  /** A conflict must have been one in some state between the call and the answer. */
  #checkConflict({ operations, outcome }: Attempt, before: number): void {
    if (outcome.status === 'fulfilled') return;
    const error: unknown = outcome.reason;
    if (!isStoreError(error, 'conflict')) throw error;
    const named = String([...error.keys].sort());
    for (let revision = before; revision <= this.#model.revision; revision++) {
      const state = this.#model.at(revision);
      const failed = operations.filter(({ key, expect: wanted }) => (state.get(key)?.revision ?? 'absent') !== wanted);
      if (named === String(failed.map(({ key }) => key).sort())) return;
    }
    throw new Error(`a conflict names ${named}, which never was`);
  }

  async #checkObjects(): Promise<void> {
    const { collection } = this.#options;
    const key = this.#pick(KEYS);
    const prefix = this.#pick(PREFIXES);
    const [object, listed, revision] = await Promise.all([
      this.#store.get(collection, key),
      this.#store.list(collection, { prefix }),
      this.#store.revision(collection),
    ]);
    same(object === undefined ? undefined : shown(object), this.#model.present.get(key));
    same(listed.items.map(shown), this.#model.listed(this.#model.revision, prefix));
    same([listed.revision, revision], [this.#model.revision, this.#model.revision]);
  }

  /** Begins a paged list, and goes on with one begun at some earlier time. */
  async #checkPages(): Promise<void> {
    const prefix = this.#pick(PREFIXES);
    const limit = 1 + randomInt(this.#random, 4);
    await this.#checkPage({ prefix, limit }, this.#model.revision);
    const begun = this.#positions[randomInt(this.#random, Math.max(1, this.#positions.length))];
    if (begun === undefined) return;
    const { position } = begun;
    try {
      await this.#checkPage({ prefix: begun.prefix, limit, continue: position }, position.revision);
    } catch (error) {
      this.#checkCompacted(error, position.revision);
    }
  }

  async #checkPage(options: ListOptions & { prefix: string; limit: number }, revision: number): Promise<void> {
    const page: ListResult = await this.#store.list(this.#options.collection, options);
    const expected = this.#model.listed(revision, options.prefix, options.continue?.afterKey);
    same(page.revision, revision);
    same(page.items.map(shown), expected.slice(0, options.limit));
    if (expected.length <= options.limit) {
      same([page.continue, page.remaining], [undefined, undefined]);
      return;
    }
    same(page.continue, { revision, afterKey: expected[options.limit - 1]?.key });
    same(page.remaining, this.#options.remaining === false ? undefined : expected.length - options.limit);
    this.#positions.push({ position: page.continue as ListPosition, prefix: options.prefix });
  }

  async #checkLog(): Promise<void> {
    const { collection } = this.#options;
    const after = randomInt(this.#random, this.#model.revision + 2);
    const limit = randomInt(this.#random, 2) === 0 ? 0 : 1 + randomInt(this.#random, 20);
    try {
      const changes = await this.#store.changes(collection, after, limit);
      const expected = this.#model.events.filter(({ revision }) => revision > after);
      const events = limit > 0 ? expected.slice(0, limit) : expected;
      same(changes.events.map(shownEvent), events.map(withoutTime));
      same(changes.revision, events.at(-1)?.revision ?? this.#model.revision);
    } catch (error) {
      this.#checkCompacted(error, after);
    }
  }

  /** The log may have dropped an event after `after` only when it need not be kept. */
  #checkCompacted(error: unknown, after: number): void {
    if (!isStoreError(error, 'compacted')) throw error;
    const { clock, retentionMs, retentionEventsMax } = this.#options;
    const first = this.#model.events.find(({ revision }) => revision > after);
    const kept =
      first === undefined || this.#model.mustBeKept(first, clock.now(), { retentionMs, eventsMax: retentionEventsMax });
    if (kept) throw new Error(`compacted after ${after}, though the event after it must be kept`);
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[randomInt(this.#random, choices.length)] as T;
  }
}

function shown(object: StoredObject): ModelObject {
  return { key: object.key, revision: object.revision, body: Buffer.from(object.body).toString() };
}

function shownEvent(event: ChangeEvent): unknown[] {
  const previous = event.previous === undefined ? undefined : Buffer.from(event.previous).toString();
  return [event.revision, event.key, event.type, Buffer.from(event.body).toString(), previous];
}

function withoutTime(event: PlainModel['events'][number]): unknown[] {
  return [event.revision, event.key, event.type, event.body, event.previous];
}

/** Equality of plain data; the slow comparison with its message only where it is needed. */
function same(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}
