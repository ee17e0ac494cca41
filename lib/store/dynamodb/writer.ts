import { randomUuid } from '../../random.js';
import { StoreError } from '../errors.js';
import { conflictError, makeBody } from '../operations.js';
import { movesPolicy, POLICY_EPOCH } from '../policy-epoch.js';
import type { WriteOperation } from '../store.js';
import { isPassing, refusedError, unavailableError } from './attempts.js';
import type { Attempts } from './attempts.js';
import type { StoreContext } from './context.js';
import {
  emptySlot,
  headKey,
  namesPartition,
  objectKey,
  readObject,
  readSlot,
  slotKey,
  takeRevisions,
} from './items.js';
import { RESOLVE_DEADLINE_MS, REVISION_AGE_PART, WRITE_DEADLINE_MS } from './limits.js';
import { isTableError } from './table.js';
import { buildTransaction } from './transaction.js';
import type { Found, Reservation } from './transaction.js';

/** Bodies made for consecutive revisions. */
interface MadeBodies {
  first: number;
  bodies: Uint8Array[];
}

interface CommitAttempt {
  collection: string;
  operations: readonly WriteOperation[];
  found: readonly Found[];
  made: MadeBodies;
  reservation: Reservation;
  attempts: Attempts;
}

/** The protocol's 'write of k objects'. The names of rules in comments are those of the store protocol. */
export class Writer {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Resolves with the revisions once the transaction has committed; fails as the port says. */
  async write(collection: string, operations: readonly WriteOperation[]): Promise<number[]> {
    const attempts = this.#context.attempts(WRITE_DEADLINE_MS);
    for (;;) {
      const found = await this.#read(collection, operations, attempts);
      const failed = operations.filter((operation, index) => !meets(found[index], operation.expect));
      if (failed.length > 0)
        throw conflictError(
          collection,
          failed.map(({ key }) => key),
        );
      const made = this.#makeBodies(operations, this.#context.lastSeenHead(collection).next + 1);
      const reservation = await this.#reserve(collection, operations.length, attempts);
      if (movesPolicy(collection, operations)) await this.#moveEpoch(collection, reservation, attempts);
      // grow: revisions of one object only rise.
      const isAbove = found.every((object) => reservation.first > (object?.revision ?? 0));
      if (!isAbove) await this.#voidAll(collection, reservation);
      else if (await this.#commit({ collection, operations, found, made, reservation, attempts }))
        return operations.map((_, index) => reservation.first + index);
      if (!(await attempts.pause())) throw unavailableError(undefined);
    }
  }

  /** txGet: a consistent cut through all objects of the write, which waits for transactions that run on them. */
  async #read(collection: string, operations: readonly WriteOperation[], attempts: Attempts): Promise<Found[]> {
    const partition = this.#context.partition(collection);
    const keys = operations.map(({ key }) => objectKey(partition, key));
    const { table } = this.#context;
    const items = await attempts.repeat(async () => {
      try {
        return await table.transactGet(keys);
      } catch (error) {
        if (!isTableError(error, 'too-large')) throw error;
        // Too much for one answer. The transaction compares each object with what was read anyway.
        return (await Promise.all(keys.map((key) => table.transactGet([key])))).flat();
      }
    });
    return items.map((item) => (item === undefined ? undefined : readObject(item)));
  }

  /**
   * A body that cannot be made, or is too large, must not cost revisions: bodies are made for those that probably come, and again
   * only where others did.
   */
  #makeBodies(operations: readonly WriteOperation[], first: number): MadeBodies {
    return { first, bodies: operations.map((operation, index) => makeBody(operation, first + index)) };
  }

  /** One unconditional add, outside any transaction. One that times out is repeated: readers void what it perhaps took. */
  async #reserve(collection: string, count: number, attempts: Attempts): Promise<Reservation> {
    const { table, clock, random, cluster, retentionMs } = this.#context;
    const partition = this.#context.partition(collection);
    const seen = this.#context.lastSeenHead(collection);
    const atMs = clock.now();
    const isMarkOld = seen.next > seen.mark.revision && seen.atMs > 0 && seen.mark.atMs < atMs - retentionMs;
    const update = takeRevisions({
      count,
      atMs,
      listed: seen.isListed,
      closed: isMarkOld ? Math.max(seen.closed, seen.mark.revision) : undefined,
    });
    const item = await attempts.repeat(() => table.updateItem(headKey(partition), update));
    const head = this.#context.sawHead(collection, item);
    if (!head.isListed) {
      // Said by the next add, so that every process asks for it once at most.
      await attempts.repeat(() => table.putItem({ pk: namesPartition(cluster), sk: collection }));
      head.isListed = true;
    }
    return { first: head.next - count + 1, count, atMs, operation: randomUuid(random) };
  }

  /**
   * Between the add and the transaction: whoever sees the new epoch reads a head that has the revisions, and so waits for what becomes of them;
   * and nobody sees the write before the epoch has moved. After the transaction a crash could leave the epoch behind for good, inside it
   * writers of policy would be in each other's way.
   */
  async #moveEpoch(collection: string, reservation: Reservation, attempts: Attempts): Promise<void> {
    const { table, clock } = this.#context;
    const key = headKey(this.#context.partition(POLICY_EPOCH));
    const update = takeRevisions({ count: 1, atMs: clock.now(), listed: false });
    try {
      await attempts.repeat(() => table.updateItem(key, update));
    } catch (error) {
      await this.#voidAll(collection, reservation);
      throw error;
    }
  }

  /** Whether the transaction committed. Otherwise it never will: its first slot is taken by a void. */
  async #commit(attempt: CommitAttempt): Promise<boolean> {
    const { collection, operations, found, reservation, attempts } = attempt;
    const { table, clock, retentionMs } = this.#context;
    let writes;
    try {
      const isAsGuessed = attempt.made.first === reservation.first;
      const { bodies } = isAsGuessed ? attempt.made : this.#makeBodies(operations, reservation.first);
      writes = buildTransaction(this.#context, { collection, operations, bodies, found, reservation });
    } catch (error) {
      await this.#voidAll(collection, reservation);
      throw error;
    }
    for (;;) {
      // deadline: a revision held too long is dropped, since a reader's proof of youth may be about to end.
      if (clock.now() - reservation.atMs > retentionMs * REVISION_AGE_PART)
        return this.#settle(collection, reservation, attempts);
      try {
        await table.transactWrite(writes, reservation.operation);
        return true;
      } catch (error) {
        if (!isTableError(error)) throw error;
        if (error.code === 'too-large' || error.code === 'refused') {
          await this.#voidAll(collection, reservation);
          throw error.code === 'refused' ? refusedError(error) : tooLargeError(operations);
        }
        // TransactionConflict and throttling: the same request again. Everything else is judged by the slot.
        const isSame = error.code !== 'timed-out' && isPassing(error);
        if (!isSame || !(await attempts.pause())) return this.#settle(collection, reservation, attempts);
      }
    }
  }

  /**
   * Finds out what became of an attempt (resolve), and makes sure that it stays so. It looks at its own slot first (slotFirst: the
   * request may have been sent twice), waiting for a transaction that runs on it; where that is empty, it puts a void there only if it
   * still is (condVoid), and looks again if not. `unknown` when this does not end before the deadline.
   */
  async #settle(collection: string, reservation: Reservation, attempts: Attempts): Promise<boolean> {
    const { table, clock } = this.#context;
    const withinMs = Math.max(0, attempts.deadlineMs - clock.now()) + RESOLVE_DEADLINE_MS;
    const settling = this.#context.attempts(withinMs);
    const key = slotKey(this.#context.partition(collection), reservation.first);
    for (;;) {
      try {
        const [item] = await table.transactGet([key]);
        if (item !== undefined) {
          const slot = readSlot(item);
          if (slot.kind === 'event' && slot.operation === reservation.operation) return true;
          await this.#voidRest(collection, reservation);
          return false;
        }
        await table.putItem(this.#voidOf(collection, reservation, reservation.first), { kind: 'absent' });
        await this.#voidRest(collection, reservation);
        return false;
      } catch (error) {
        if (!isPassing(error) && !isTableError(error, 'condition-failed')) throw unknownError(collection, error);
        if (!(await settling.pause())) throw unknownError(collection, error);
      }
    }
  }

  /** Gives up revisions that no request has used. What fails here, readers will do. */
  async #voidAll(collection: string, reservation: Reservation): Promise<void> {
    await this.#voidSlots(collection, reservation, reservation.first);
  }

  /** The slots beside the first, which decides. */
  async #voidRest(collection: string, reservation: Reservation): Promise<void> {
    await this.#voidSlots(collection, reservation, reservation.first + 1);
  }

  async #voidSlots(collection: string, reservation: Reservation, from: number): Promise<void> {
    const { table } = this.#context;
    const puts: Promise<void>[] = [];
    for (let revision = from; revision < reservation.first + reservation.count; revision++)
      puts.push(table.putItem(this.#voidOf(collection, reservation, revision), { kind: 'absent' }));
    await Promise.allSettled(puts);
  }

  #voidOf(collection: string, reservation: Reservation, revision: number): ReturnType<typeof emptySlot> {
    const { atMs } = reservation;
    const key = slotKey(this.#context.partition(collection), revision);
    return emptySlot(key, { kind: 'void', atMs, ttlMs: this.#context.logTtlMs(atMs) });
  }
}

/** A tombstone is absent to callers; its revision still counts in conditions (tombstone). */
function meets(found: Found, expected: number | 'absent'): boolean {
  return expected === 'absent' ? found?.isLive !== true : found?.isLive === true && found.revision === expected;
}

function tooLargeError(operations: readonly WriteOperation[]): StoreError {
  const keys = operations.map(({ key }) => key);
  return new StoreError('too-large', `${keys.join(', ')}: too large for one transaction; write fewer or smaller ones`, {
    keys,
  });
}

function unknownError(collection: string, cause: unknown): StoreError {
  return new StoreError(
    'unknown',
    `DynamoDB did not answer in time; whether the write to ${collection} was applied is not known: read the object to see`,
    { cause },
  );
}
