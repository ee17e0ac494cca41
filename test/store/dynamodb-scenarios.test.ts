import { beforeEach, expect, test } from 'vitest';
import { settle } from '../../lib/clock/fake.js';
import { emptySlot, headKey, objectKey, readHead, slotKey, takeRevisions } from '../../lib/store/dynamodb/items.js';
import { CLOSED_HINT_LAG_SLOTS, GRACE_MS } from '../../lib/store/dynamodb/limits.js';
import { TableError } from '../../lib/store/dynamodb/table.js';
import type { Item, TransactionWrite } from '../../lib/store/dynamodb/table.js';
import type { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import {
  Bench,
  PARTITION,
  PODS,
  RETENTION_MS,
  del,
  gate,
  never,
  put,
  shownChanges,
  shownList,
} from './dynamodb-bench.js';
import type { Plant } from './dynamodb-bench.js';

/** The scenarios of the store protocol, under their names. */

let bench: Bench;
let other: DynamoDbStore;
beforeEach(() => {
  bench = new Bench();
  other = bench.store();
});

/** A process that dies with its transaction on the way; `sent` is what may still arrive. */
function dying(sent: TransactionWrite[][]): Plant {
  return () => ({
    transactWrite: (writes) => {
      sent.push([...writes]);
      return never;
    },
  });
}

/** Lets a process take revisions and die. */
async function crash(...operations: ReturnType<typeof put>[]): Promise<TransactionWrite[]> {
  const sent: TransactionWrite[][] = [];
  void bench.store(dying(sent)).write(PODS, operations);
  await settle(20);
  expect(sent).toHaveLength(1);
  return sent[0] as TransactionWrite[];
}

function arrive(writes: readonly TransactionWrite[]): void {
  const transaction = bench.double.transactWrite(writes);
  while (transaction.reveal(() => 0));
}

async function code(promise: Promise<unknown>): Promise<unknown> {
  return bench.run(
    promise.then(
      () => 'no error',
      (error: unknown) => (error as { code: unknown }).code,
    ),
  );
}

async function firstOf(store: DynamoDbStore, after: number): Promise<unknown[]> {
  const abort = new AbortController();
  const step = await store.watch(PODS, after, abort.signal)[Symbol.asyncIterator]().next();
  abort.abort();
  return step.done === true ? [] : shownChanges(step.value);
}

test('counter-before-read', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  let taken: Item | undefined;
  const store = bench.store((table) => ({
    transactGet: async (keys) => {
      if (taken === undefined) {
        taken = bench.double.updateItem(headKey(PARTITION), takeRevisions({ count: 1, atMs: 0, listed: true }));
        expect(await other.write(PODS, [put('a', 2)])).toEqual([4]);
      }
      return table.transactGet(keys);
    },
    updateItem: async (...args) => {
      const early = taken;
      taken = {} as Item;
      return early?.pk === undefined ? table.updateItem(...args) : early;
    },
  }));
  expect(await bench.run(store.write(PODS, [put('a', 4)]))).toEqual([5]);
  expect(bench.kinds(5)).toEqual(['event', 'void', 'event', 'event']);
});

test('create-over-tombstone', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  await other.write(PODS, [del('a', 2)]);
  let rounds = 0;
  const store = bench.store((table) => ({
    transactWrite: async (...args) => {
      if (rounds++ === 0) {
        const [created] = await other.write(PODS, [put('a', 'absent')]);
        await other.write(PODS, [del('a', created as number)]);
      }
      return table.transactWrite(...args);
    },
  }));
  // The tombstone that it read has been replaced by another: absent both times, and not the same.
  expect(await bench.run(store.write(PODS, [put('a', 'absent', 'again')]))).toEqual([7]);
  expect(bench.kinds(7)).toEqual(['event', 'event', 'void', 'event', 'event', 'event']);
  expect(shownList(await bench.run(other.list(PODS)))).toEqual(['a again@7']);
});

test('delete-recreate-late-create', async () => {
  const late = await crash(put('a', 'absent', 'late'));
  await other.write(PODS, [put('a', 'absent')]);
  await other.write(PODS, [del('a', 3)]);
  expect(() => arrive(late)).toThrow(TableError);
  expect(await other.get(PODS, 'a')).toBeUndefined();
  await other.write(PODS, [put('a', 'absent', 'new')]);
  expect(() => arrive(late)).toThrow(TableError);
  expect(shownList(await bench.run(other.list(PODS)))).toEqual(['a new@5']);
});

test('timeout-then-late-commit', async () => {
  let late: readonly TransactionWrite[] | undefined;
  const store = bench.store((table) => ({
    transactWrite: (writes) => {
      late = writes;
      return Promise.reject(new TableError('timed-out', 'no answer'));
    },
    putItem: (item, condition) => {
      // It has found its slot empty and is about to void it.
      if (item['kind'] === 'void' && late !== undefined) arrive(late);
      late = undefined;
      return table.putItem(item, condition);
    },
  }));
  expect(await bench.run(store.write(PODS, [put('a', 'absent')]))).toEqual([2]);
  expect(bench.kinds(2)).toEqual(['event']);

  // And once more too late: the void is there, and it may try again.
  let attempts = 0;
  const slow = bench.store((table) => ({
    transactWrite: (writes, token) => {
      if (attempts++ > 0) return table.transactWrite(writes, token);
      late = writes;
      return Promise.reject(new TableError('timed-out', 'no answer'));
    },
  }));
  expect(await bench.run(slow.write(PODS, [put('a', 2)]))).toEqual([4]);
  expect(() => arrive(late ?? [])).toThrow(TableError);
  expect(bench.kinds(4)).toEqual(['event', 'void', 'event']);
});

test('a time-out that cannot be settled is unknown, and nothing else', async () => {
  const store = bench.store(() => ({
    transactWrite: () => Promise.reject(new TableError('timed-out', 'no answer')),
    putItem: (item, condition) => {
      if (item['kind'] !== undefined) return Promise.reject(new TableError('timed-out', 'no answer'));
      bench.double.putItem(item, condition);
      return Promise.resolve();
    },
  }));
  expect(await code(store.write(PODS, [put('a', 'absent')]))).toBe('unknown');
});

test('sdk-sends-twice', async () => {
  const twice: Plant = (table) => ({
    transactWrite: async (writes, token) => {
      await table.transactWrite(writes, token);
      // The second copy meets its own first: its conditions fail, and that is what the client hears.
      await table.transactWrite(writes, `${token.slice(1)}x`);
    },
  });
  expect(await bench.run(bench.store(twice).write(PODS, [put('a', 'absent')]))).toEqual([2]);
  expect(await bench.run(bench.store(twice).write(PODS, [put('a', 2), put('b', 'absent')]))).toEqual([3, 4]);
  expect(bench.kinds(4)).toEqual(['event', 'event', 'event']);
});

test('void-meets-late-commit', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  const late = await crash(put('b', 'absent'));
  const reader = bench.store((table) => ({
    putItem: (item, condition) => {
      arrive(late);
      return table.putItem(item, condition);
    },
  }));
  expect(shownList(await bench.run(reader.list(PODS)))).toEqual(['a a@2', 'b b@3']);
  expect(bench.kinds(3)).toEqual(['event', 'event']);

  const later = await crash(put('c', 'absent'));
  expect(shownList(await bench.run(other.list(PODS)))).toEqual(['a a@2', 'b b@3']);
  expect(() => arrive(later)).toThrow(TableError);
  expect(bench.kinds(4)).toEqual(['event', 'event', 'void']);
});

/** A list between whose first two pages something happens. */
function interrupted(between: () => Promise<void>): DynamoDbStore {
  let pages = 0;
  return bench.store((table) => ({
    query: async (query) => {
      if (query.prefix !== undefined && pages++ === 1) await between();
      return table.query(query);
    },
  }));
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r'];

test('list-while-page-two-changes', async () => {
  for (const name of NAMES) await other.write(PODS, [put(name, 'absent')]);
  const store = interrupted(async () => {
    await other.write(PODS, [put('a0', 'absent', 'new')]);
    await other.write(PODS, [put('a', 2, 'on page one'), put('r', 19, 'on the last page')]);
  });
  const listed = await bench.run(store.list(PODS));
  const exact = await bench.run(bench.store().list(PODS));
  expect(listed).toEqual(exact);
  expect(shownList(listed).slice(0, 2)).toEqual(['a on page one@21', 'a0 new@20']);
});

test('delete-between-pages', async () => {
  for (const name of NAMES) await other.write(PODS, [put(name, 'absent')]);
  const store = interrupted(async () => {
    await other.write(PODS, [del('a', 2)]);
    await other.write(PODS, [del('r', 19)]);
  });
  const listed = await bench.run(store.list(PODS));
  expect(listed.items.map(({ key }) => key)).toEqual(NAMES.slice(1, -1));
  expect(listed.revision).toBe(21);
});

test('gap-blocks-list-once', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  for (const name of ['x', 'y', 'z']) {
    await crash(put(name, 'absent'));
    await other.write(PODS, [put(`${name}-after`, 'absent')]);
  }
  const startMs = bench.clock.now();
  const listed = await bench.run(other.list(PODS));
  expect(bench.clock.now() - startMs).toBeLessThan(GRACE_MS * 1.1);
  expect([listed.items.length, listed.revision]).toEqual([4, 8]);
  expect(bench.kinds(8)).toEqual(['event', 'void', 'event', 'void', 'event', 'void', 'event']);
  const afterMs = bench.clock.now();
  await bench.run(bench.store().list(PODS));
  expect(bench.clock.now()).toBe(afterMs);
});

test('crashed-writer-gap-voided-by-watcher', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  const atMs = bench.clock.now();
  await bench.clock.advance(1_000);
  await crash(put('b', 'absent'));
  await other.write(PODS, [put('c', 'absent')]);
  const startMs = bench.clock.now();
  expect(await bench.run(firstOf(bench.store(), 1))).toEqual(['2 created a', 2]);
  expect(bench.clock.now() - startMs).toBeLessThan(GRACE_MS);
  expect(await bench.run(firstOf(bench.store(), 2))).toEqual(['4 created c', 4]);
  expect(bench.clock.now() - startMs).toBeGreaterThanOrEqual(GRACE_MS);
  // inheritAge: the void is as old as what proved it.
  expect(bench.slot(3)).toEqual({ kind: 'void', revision: 3, atMs });
});

test('ttl-took-the-event-not-a-gap', async () => {
  for (const name of ['a', 'b', 'c']) await other.write(PODS, [put(name, 'absent')]);
  await bench.clock.advance(RETENTION_MS * 0.6);
  await other.write(PODS, [put('d', 'absent')]);
  bench.double.remove(slotKey(PARTITION, 3));
  // What stands above, young as it is, proves nothing.
  expect(await code(other.changes(PODS, 2))).toBe('compacted');
  expect(await code(firstOf(bench.store(), 2))).toBe('compacted');
  expect(bench.kinds(5)).toEqual(['event', undefined, 'event', 'event']);
  // A list marks it, and shows the object all the same.
  const listed = await bench.run(other.list(PODS));
  expect(listed.items.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd']);
  expect(bench.slot(3)?.kind).toBe('lost');
  expect(await code(other.changes(PODS, 2))).toBe('compacted');
  expect(shownChanges(await bench.run(other.changes(PODS, 3)))).toEqual(['4 created c', '5 created d', 5]);
});

test('chain-of-voids-over-expired-event', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  await crash(put('b', 'absent'));
  await other.write(PODS, [put('c', 'absent')]);
  await bench.clock.advance(RETENTION_MS * 0.45);
  await bench.run(firstOf(bench.store(), 2));
  expect(bench.slot(3)?.kind).toBe('void');
  await bench.clock.advance(RETENTION_MS * 0.45);
  bench.double.remove(slotKey(PARTITION, 4));
  await other.write(PODS, [put('d', 'absent')]);
  expect(await code(other.changes(PODS, 2))).toBe('compacted');
  expect(bench.slot(4)).toBeUndefined();
});

test('watcher-with-everything-above-expired', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await other.write(PODS, [put(name, 'absent')]);
  await bench.clock.advance(RETENTION_MS * 4);
  bench.double.expire();
  expect(bench.kinds(5)).toEqual([undefined, undefined, undefined, undefined]);
  expect(await code(firstOf(bench.store(), 3))).toBe('compacted');
  expect(await code(other.changes(PODS, 3))).toBe('compacted');
  const listed = await bench.run(other.list(PODS));
  expect([listed.items.length, listed.revision]).toEqual([4, 5]);
  expect(shownChanges(await other.changes(PODS, 5))).toEqual([5]);
});

test('replica-bounded-by-head', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  const replica = bench.store();
  expect(shownChanges(await replica.changes(PODS, 1))).toEqual(['2 created a', 2]);
  await crash(put('b', 'absent'));
  await other.write(PODS, [put('c', 'absent')]);
  // Acknowledged before the call, so it is in the answer, though a gap is below it.
  expect(shownChanges(await bench.run(replica.changes(PODS, 2)))).toEqual(['4 created c', 4]);
  // A revision handed out counts, although no slot shows it yet.
  const hold = gate();
  const slow = bench.store((table) => ({
    transactWrite: async (...args) => {
      await hold.opened;
      return table.transactWrite(...args);
    },
  }));
  const writing = slow.write(PODS, [put('d', 'absent')]);
  await settle(20);
  const asked = replica.changes(PODS, 4);
  await settle(20);
  hold.open();
  expect(shownChanges(await bench.run(asked))).toEqual(['5 created d', 5]);
  expect(await bench.run(writing)).toEqual([5]);
});

test('continue-token-after-delete-and-recreate', async () => {
  for (const name of ['a', 'b', 'c']) await other.write(PODS, [put(name, 'absent', 'first')]);
  const page = await bench.run(other.list(PODS, { limit: 1 }));
  await other.write(PODS, [put('b', 3, 'second')]);
  await other.write(PODS, [del('b', 5)]);
  await other.write(PODS, [put('b', 'absent', 'third')]);
  await other.write(PODS, [del('c', 4)]);
  await other.write(PODS, [put('d', 'absent')]);
  const rest = await bench.run(bench.store().list(PODS, { continue: page.continue }));
  expect([shownList(rest), rest.revision]).toEqual([['b first@3', 'c first@4'], page.revision]);

  await bench.clock.advance(RETENTION_MS * 1.1);
  expect(await code(other.list(PODS, { continue: page.continue }))).toBe('compacted');
});

/** A process whose transactions become visible item by item, in the order given, when the test says so. */
function torn(order: readonly number[], steps: { reveal: () => void }[]): DynamoDbStore {
  return bench.store(() => ({
    transactWrite: (writes) => {
      const transaction = bench.double.transactWrite(writes);
      const left = transaction.keys.map((_, index) => index);
      let finish = (): void => undefined;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      for (const next of order)
        steps.push({
          reveal: () => {
            const at = left.indexOf(next);
            left.splice(at, 1);
            if (!transaction.reveal(() => at)) finish();
          },
        });
      return finished;
    },
  }));
}

test.each([
  ['objects first', [0, 2, 1, 3]],
  ['events first', [1, 3, 0, 2]],
  ['the second first', [3, 2, 1, 0]],
])('torn-transaction-get-list-replica: %s', async (_what, order) => {
  await other.write(PODS, [put('a', 'absent', 'old'), put('b', 'absent', 'old')]);
  for (let visible = 0; visible < 4; visible++) {
    const base = (await bench.run(other.list(PODS))).items.map(({ revision }) => revision) as [number, number];
    const steps: { reveal: () => void }[] = [];
    const writing = torn(order, steps).write(PODS, [put('a', base[0], 'new'), put('b', base[1], 'new')]);
    await settle(20);
    for (const { reveal } of steps.slice(0, visible)) reveal();
    const reader = bench.store();
    const reads = Promise.all([reader.get(PODS, 'a'), reader.list(PODS), reader.changes(PODS, base[1])]);
    // One that has been answered while the transaction is torn binds all that are asked afterwards.
    const afterList = reader.list(PODS).then(() => reader.get(PODS, 'b'));
    await bench.clock.advance(200);
    for (const { reveal } of steps.slice(visible)) reveal();
    const [object, listed, changes] = await bench.run(reads);
    const [a, b] = [base[1] + 1, base[1] + 2];
    expect(object?.revision).toBe(a);
    expect(listed.items.map(({ revision }) => revision)).toEqual([a, b]);
    expect(shownChanges(changes)).toEqual([`${a} updated a`, `${b} updated b`, b]);
    expect((await bench.run(afterList))?.revision).toBe(b);
    expect(await bench.run(writing)).toEqual([a, b]);
  }
});

test('multi-object-write-half-voided-never-half-applied', async () => {
  await other.write(PODS, [put('a', 'absent')]);
  for (const voided of [0, 1]) {
    const base = (await bench.run(other.list(PODS))).revision;
    const held = gate();
    const isSent = gate();
    let isFirst = true;
    const store = bench.store((table) => ({
      transactWrite: async (...args) => {
        if (isFirst) {
          isFirst = false;
          isSent.open();
          await held.opened;
        }
        return table.transactWrite(...args);
      },
    }));
    const writing = store.write(PODS, [put(`x${voided}`, 'absent'), put(`y${voided}`, 'absent')]);
    await isSent.opened;
    const slot = slotKey(PARTITION, base + 1 + voided);
    bench.double.putItem(
      emptySlot(slot, { kind: 'void', atMs: bench.clock.now(), ttlMs: bench.clock.now() + RETENTION_MS }),
    );
    expect(await bench.run(other.get(PODS, `x${voided}`))).toBeUndefined();
    held.open();
    expect(await bench.run(writing)).toEqual([base + 3, base + 4]);
    const kinds = [1, 2, 3, 4].map((at) => bench.slot(base + at)?.kind);
    expect(kinds).toEqual(['void', 'void', 'event', 'event']);
  }
});

test('closed-hint-not-ahead-of-objects', async () => {
  const closed = (): number => readHead(bench.double.peek(headKey(PARTITION))).closed;
  for (let index = 0; index < CLOSED_HINT_LAG_SLOTS + 8; index++) await other.write(PODS, [put(`p${index}`, 'absent')]);
  const before = CLOSED_HINT_LAG_SLOTS + 8 + 1;
  const steps: { reveal: () => void }[] = [];
  const writing = torn([1, 0], steps).write(PODS, [put('p0', 2, 'new')]);
  await settle(20);
  // Its event can be seen, its object not yet.
  steps[0]?.reveal();
  expect((await other.list(PODS)).items[0]?.revision).toBe(before + 1);
  expect(closed()).toBe(before);
  // Another list starts at the hint, and still shows what is above it.
  expect((await bench.store().list(PODS)).items[0]?.revision).toBe(before + 1);
  steps[1]?.reveal();
  expect(await bench.run(writing)).toEqual([before + 1]);
  expect(bench.double.peek(objectKey(PARTITION, 'p0'))?.['rev']).toBe(before + 1);

  // Objects outside of what a list reads are looked at before the hint passes their events.
  for (let index = 0; index < CLOSED_HINT_LAG_SLOTS + 1; index++) await other.write(PODS, [put(`q${index}`, 'absent')]);
  await bench.run(other.list(PODS, { prefix: 'p' }));
  expect(closed()).toBe(before + 1 + CLOSED_HINT_LAG_SLOTS + 1);
});
