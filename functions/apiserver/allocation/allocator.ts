import { randomInt, type Random } from '../../../lib/random.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { Store } from '../../../lib/store/store.js';
import { withRevision } from '../registry/encode.js';
import { AllocationError } from './errors.js';
import { drawFrom, type Band } from './ip-range.js';
import { LISTED_TRIES_MAX, RANDOM_TRIES_MAX } from './limits.js';

/** The service a value is reserved for. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

/** How values become reservations: objects of one collection, one for each value that is taken. */
export interface ReservationKind {
  readonly collection: string;
  keyOf(value: bigint): string;
  /** The value a key stands for, or undefined when it is none of these. */
  valueOf(key: string): bigint | undefined;
  /** The bytes of a new reservation. */
  bodyOf(value: bigint, owner: Owner): (revision: number) => Uint8Array;
  ownerOf(body: Uint8Array): Owner | undefined;
}

/**
 * Reserves values that are unique in the cluster. A reservation is a key that the store creates only when it is absent, so two
 * writers can never hold the same value, on one machine or many.
 */
export class Allocator {
  readonly #store: Store;
  readonly #random: Random;
  readonly #kind: ReservationKind;

  constructor(store: Store, random: Random, kind: ReservationKind) {
    this.#store = store;
    this.#random = random;
    this.#kind = kind;
  }

  /** Reserves one value; false when it is taken. With `dryRun` it only looks. */
  async take(value: bigint, owner: Owner, dryRun: boolean): Promise<boolean> {
    const { collection } = this.#kind;
    const key = this.#kind.keyOf(value);
    if (dryRun) return (await this.#store.get(collection, key)) === undefined;
    try {
      await this.#store.write(collection, [{ key, expect: 'absent', body: this.#kind.bodyOf(value, owner) }]);
      return true;
    } catch (error) {
      if (isStoreError(error, 'conflict')) return false;
      throw error;
    }
  }

  /** Reserves a random free value of the first band that has one. Throws `full` when none has. */
  async takeAny(bands: readonly Band[], owner: Owner, dryRun: boolean): Promise<bigint> {
    for (const band of bands) {
      const value = await this.#takeFrom(band, owner, dryRun);
      if (value !== undefined) return value;
    }
    throw new AllocationError('full', 'range is full');
  }

  /** Gives a value back if it is still this owner's. */
  async release(value: bigint, owner: Owner): Promise<void> {
    const { collection } = this.#kind;
    const key = this.#kind.keyOf(value);
    const stored = await this.#store.get(collection, key);
    if (stored === undefined) return;
    const holder = this.#kind.ownerOf(stored.body);
    if (holder?.namespace !== owner.namespace || holder.name !== owner.name) return;
    try {
      await this.#store.write(collection, [
        { key, expect: stored.revision, body: (revision) => withRevision(stored.body, revision), delete: true },
      ]);
    } catch (error) {
      // Somebody else changed or deleted it meanwhile: what is left is for the repair.
      if (!isStoreError(error, 'conflict')) throw error;
    }
  }

  async #takeFrom(band: Band, owner: Owner, dryRun: boolean): Promise<bigint | undefined> {
    for (let attempt = 0; attempt < RANDOM_TRIES_MAX; attempt++) {
      const value = drawFrom(band, this.#random);
      if (await this.take(value, owner, dryRun)) return value;
    }
    for (let attempt = 0; attempt < LISTED_TRIES_MAX; attempt++) {
      const value = await this.#freeValue(band);
      if (value === undefined) return undefined;
      if (await this.take(value, owner, dryRun)) return value;
    }
    return undefined;
  }

  /** A random free value: the n-th one, where n is drawn and the taken ones are skipped. */
  async #freeValue({ first, count }: Band): Promise<bigint | undefined> {
    const { items } = await this.#store.list(this.#kind.collection);
    const taken = items
      .map(({ key }) => this.#kind.valueOf(key))
      .filter((value) => value !== undefined && value >= first && value < first + count)
      .toSorted((a, b) => ((a as bigint) < (b as bigint) ? -1 : 1)) as bigint[];
    const free = count - BigInt(taken.length);
    if (free <= 0n) return undefined;
    const drawable = free < 2n ** 32n ? Number(free) : 2 ** 32;
    let value = first + BigInt(randomInt(this.#random, drawable));
    for (const one of taken) {
      if (one > value) break;
      value++;
    }
    return value;
  }
}
