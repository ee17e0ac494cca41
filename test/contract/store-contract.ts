import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isStoreError, StoreError } from '../../lib/store/errors.js';
import type { StoreErrorCode } from '../../lib/store/errors.js';
import { FIRST_REVISION, OBJECT_SIZE_MAX_BYTES, WRITE_OPERATIONS_MAX } from '../../lib/store/store.js';
import type {
  ChangeEvent,
  ChangeFeed,
  ListPosition,
  Store,
  StoredObject,
  WriteOperation,
} from '../../lib/store/store.js';

/** What a suite needs to know of an adapter. */
export interface StoreHarness {
  store: Store;
  /** Where the adapter has a feed of its own. */
  feed?: ChangeFeed;
  /** Lets so much time pass that everything logged so far is older than what the log keeps. Compaction may take writes or a moment to follow. */
  ageLog: () => Promise<void>;
  /** Releases what the store does not. */
  dispose?: () => Promise<void>;
}

export interface StoreCapabilities {
  /** `list` tells how many objects follow a page. */
  remaining: boolean;
  /** How long a watch may take to notice a write; 0 for wake-ups. */
  watchDelayMs: number;
  /** Keys and collections survive any byte of UTF-8. */
  unicodeKeys: boolean;
}

/** How long the suite waits for what should happen soon. */
const SOON_MS = 5_000;

/**
 * The behaviour every adapter of the `Store` port has. Call it in a test file of the adapter; `makeStore` gives an empty store
 * each time. The suite closes it.
 */
export function storeContract(
  name: string,
  makeStore: () => Promise<StoreHarness>,
  capabilities: StoreCapabilities = { remaining: true, watchDelayMs: 0, unicodeKeys: true },
): void {
  describe(`${name}: the store contract`, () => {
    let harness: StoreHarness;
    let store: Store;

    beforeEach(async () => {
      harness = await makeStore();
      store = harness.store;
    });
    afterEach(async () => {
      await store.close();
      await harness.dispose?.();
    });

    describe('writes and revisions', () => {
      test('an empty collection is at revision 1 and lists nothing', async () => {
        expect(await store.revision(PODS)).toBe(FIRST_REVISION - 1);
        expect(await store.list(PODS)).toEqual({ items: [], revision: FIRST_REVISION - 1 });
        expect(await store.get(PODS, 'default/a')).toBeUndefined();
        expect(await store.changes(PODS, FIRST_REVISION - 1)).toEqual({
          events: [],
          revision: FIRST_REVISION - 1,
        });
      });

      test('the first write has revision 2 and each later one exactly one more', async () => {
        expect(await store.write(PODS, [create('default/a')])).toEqual([2]);
        expect(await store.write(PODS, [create('default/b')])).toEqual([3]);
        expect(await store.write(PODS, [update('default/a', 2)])).toEqual([4]);
        expect(await store.write(PODS, [remove('default/b', 3)])).toEqual([5]);
        expect(await store.revision(PODS)).toBe(5);
      });

      test('each collection counts for itself', async () => {
        await store.write(PODS, [create('default/a')]);
        expect(await store.write('apps/deployments', [create('default/a')])).toEqual([2]);
        expect((await store.collections()).sort()).toEqual(['apps/deployments', PODS]);
        expect((await store.list('apps/deployments')).items).toHaveLength(1);
      });

      test('the stored bytes are the ones made for the revision', async () => {
        await store.write(PODS, [create('default/a', 'one')]);
        expect(shown(await store.get(PODS, 'default/a'))).toEqual(['default/a', 2, 'one@2']);
        await store.write(PODS, [update('default/a', 2, 'two')]);
        expect(shown(await store.get(PODS, 'default/a'))).toEqual(['default/a', 3, 'two@3']);
      });

      test('bytes read earlier do not change', async () => {
        await store.write(PODS, [create('default/a', 'one')]);
        const before = await store.get(PODS, 'default/a');
        const listed = (await store.list(PODS)).items[0];
        await store.write(PODS, [update('default/a', 2, 'two')]);
        await store.get(PODS, 'default/a');
        expect([text(before?.body), text(listed?.body)]).toEqual(['one@2', 'one@2']);
      });

      test('several objects take consecutive revisions in their order, together', async () => {
        await store.write(PODS, [create('default/old')]);
        const revisions = await store.write(PODS, [create('default/z'), update('default/old', 2), create('default/a')]);
        expect(revisions).toEqual([3, 4, 5]);
        expect((await store.list(PODS)).items.map(shown)).toEqual([
          ['default/a', 5, 'default/a@5'],
          ['default/old', 4, 'default/old@4'],
          ['default/z', 3, 'default/z@3'],
        ]);
      });

      test('no operations are no write', async () => {
        expect(await store.write(PODS, [])).toEqual([]);
        expect(await store.revision(PODS)).toBe(1);
      });

      test('as many operations as one write may hold', async () => {
        const operations = range(WRITE_OPERATIONS_MAX).map((index) => create(`default/p-${index}`));
        expect(await store.write(PODS, operations)).toHaveLength(WRITE_OPERATIONS_MAX);
        await expect(store.write(PODS, [...operations, create('default/more')])).rejects.toThrow();
        expect((await store.list(PODS)).items).toHaveLength(WRITE_OPERATIONS_MAX);
      });

      test('two operations on one key are a mistake of the caller', async () => {
        await expect(store.write(PODS, [create('a/b'), create('a/b')])).rejects.toThrow();
        expect(await store.revision(PODS)).toBe(1);
      });

      test('a body that cannot be made leaves no trace', async () => {
        const broken = {
          key: 'default/b',
          expect: 'absent',
          body: () => {
            throw new Error('cannot be made');
          },
        } as const;
        await expect(store.write(PODS, [create('default/a'), broken])).rejects.toThrow('cannot be made');
        expect(await store.get(PODS, 'default/a')).toBeUndefined();
        expect(await store.write(PODS, [create('default/c')])).toEqual([2]);
      });
    });

    describe('expectations', () => {
      test.each([
        ['creating what exists', create('default/a')],
        ['updating an older revision', update('default/a', 2)],
        ['updating a revision to come', update('default/a', 4)],
        ['updating what is absent', update('default/none', 3)],
        ['deleting an older revision', remove('default/a', 2)],
        ['deleting what is absent', remove('default/none', 3)],
      ])('%s is a conflict and writes nothing', async (_what, operation) => {
        await store.write(PODS, [create('default/a')]);
        await store.write(PODS, [update('default/a', 2, 'second')]);
        const error = await failure(store.write(PODS, [operation]));
        expect([error.code, error.keys]).toEqual(['conflict', [operation.key]]);
        expect(await store.revision(PODS)).toBe(3);
        expect(shown(await store.get(PODS, 'default/a'))).toEqual(['default/a', 3, 'second@3']);
      });

      test('one failed expectation stops the whole write, and all that failed are named', async () => {
        await store.write(PODS, [create('default/a'), create('default/b')]);
        const error = await failure(
          store.write(PODS, [
            create('default/new'),
            update('default/a', 99),
            update('default/b', 3),
            create('default/b2'),
            remove('default/none', 5),
          ]),
        );
        expect(error.code).toBe('conflict');
        expect([...error.keys].sort()).toEqual(['default/a', 'default/none']);
        expect((await store.list(PODS)).items.map(({ key }) => key)).toEqual(['default/a', 'default/b']);
        expect(await store.write(PODS, [create('default/next')])).toEqual([4]);
      });

      test('of many creates of one key exactly one wins', async () => {
        const outcomes = await Promise.allSettled(
          range(20).map((index) => store.write(PODS, [create('default/a', `v${index}`)])),
        );
        const won = outcomes.filter(({ status }) => status === 'fulfilled');
        expect(won).toHaveLength(1);
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') expect(isStoreError(outcome.reason, 'conflict')).toBe(true);
        expect(await store.revision(PODS)).toBe(2);
      });

      test('concurrent increments lose nothing', async () => {
        await store.write(PODS, [create('default/counter', '0')]);
        await Promise.all(range(8).map(() => incrementTimes(store, 'default/counter', 10)));
        const counter = await store.get(PODS, 'default/counter');
        expect(text(counter?.body).split('@')[0]).toBe('80');
        expect(counter?.revision).toBe(82);
      });

      test('a deleted object is gone and can be made again', async () => {
        await store.write(PODS, [create('default/a', 'first')]);
        await store.write(PODS, [remove('default/a', 2)]);
        expect(await store.get(PODS, 'default/a')).toBeUndefined();
        expect((await failure(store.write(PODS, [update('default/a', 2)]))).code).toBe('conflict');
        expect(await store.write(PODS, [create('default/a', 'second')])).toEqual([4]);
        expect((await failure(store.write(PODS, [update('default/a', 2)]))).code).toBe('conflict');
        expect(shown(await store.get(PODS, 'default/a'))).toEqual(['default/a', 4, 'second@4']);
      });
    });

    describe('sizes and keys', () => {
      test('a body of the largest size is stored, one byte more is refused', async () => {
        const largest = new Uint8Array(OBJECT_SIZE_MAX_BYTES).fill(97);
        await store.write(PODS, [{ key: 'default/big', expect: 'absent', body: () => largest }]);
        const read = await store.get(PODS, 'default/big');
        expect(Buffer.compare(read?.body ?? new Uint8Array(), largest)).toBe(0);
        const listed = (await store.list(PODS)).items[0];
        expect(Buffer.compare(listed?.body ?? new Uint8Array(), largest)).toBe(0);
        const tooLarge = new Uint8Array(OBJECT_SIZE_MAX_BYTES + 1);
        const error = await failure(
          store.write(PODS, [create('default/a'), { key: 'default/huge', expect: 'absent', body: () => tooLarge }]),
        );
        expect([error.code, error.keys]).toEqual(['too-large', ['default/huge']]);
        expect(await store.revision(PODS)).toBe(2);
      });

      test('bodies of many sizes come back as they were', async () => {
        const sizes = [0, 1, 100, 2_000, 2_040, 4_090, 4_096, 8_192, 32_767, 32_768, 70_000];
        for (const size of sizes)
          await store.write(PODS, [
            {
              key: `default/s-${size}`,
              expect: 'absent',
              body: () => Buffer.alloc(size, size % 251),
            },
          ]);
        const { items } = await store.list(PODS);
        for (const size of sizes) {
          const expected = Buffer.alloc(size, size % 251);
          const read = await store.get(PODS, `default/s-${size}`);
          const listed = items.find(({ key }) => key === `default/s-${size}`);
          expect(Buffer.compare(read?.body ?? Buffer.of(1, 2), expected)).toBe(0);
          expect(Buffer.compare(listed?.body ?? Buffer.of(1, 2), expected)).toBe(0);
        }
      });

      test('a key longer than any name is refused and not found', async () => {
        const key = `default/${'k'.repeat(5_000)}`;
        expect((await failure(store.write(PODS, [create(key)]))).code).toBe('too-large');
        expect(await store.get(PODS, key)).toBeUndefined();
        expect((await store.list(PODS, { prefix: key })).items).toEqual([]);
      });

      test('the longest Kubernetes names fit', async () => {
        const key = `${'n'.repeat(63)}/${'k'.repeat(253)}`;
        await store.write(PODS, [create(key)]);
        expect((await store.get(PODS, key))?.revision).toBe(2);
        expect((await store.list(PODS)).items[0]?.key).toBe(key);
      });

      test.runIf(capabilities.unicodeKeys)('keys sort by their UTF-8 bytes, also where UTF-16 differs', async () => {
        const keys = ['a', 'z', 'é', '日本', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'];
        for (const key of [...keys].reverse()) await store.write(PODS, [create(key)]);
        expect((await store.list(PODS)).items.map(({ key }) => key)).toEqual(keys);
        expect(await pagedKeys(store, 2)).toEqual(keys);
        expect((await store.list(PODS, { prefix: '日' })).items).toHaveLength(1);
        expect(shown(await store.get(PODS, '😀'))).toEqual(['😀', 3, '😀@3']);
      });
    });

    describe('lists', () => {
      test('are in key order whatever the order of writes', async () => {
        const names = range(300).map((index) => `default/p-${(index * 7919) % 300}`);
        for (const name of names) await store.write(PODS, [create(name)]);
        const listed = await store.list(PODS);
        expect(listed.items.map(({ key }) => key)).toEqual([...names].sort());
        expect(listed.revision).toBe(301);
        expect(listed.continue).toBeUndefined();
      });

      test('keep to the prefix, which ends where the caller ends it', async () => {
        for (const key of ['a', 'a/x', 'a/y', 'a-b/x', 'a0/x', 'ab/x', 'b/a/x']) await store.write(PODS, [create(key)]);
        const keysOf = async (prefix: string): Promise<string[]> =>
          (await store.list(PODS, { prefix })).items.map(({ key }) => key);
        expect(await keysOf('a/')).toEqual(['a/x', 'a/y']);
        expect(await keysOf('a')).toEqual(['a', 'a-b/x', 'a/x', 'a/y', 'a0/x', 'ab/x']);
        expect(await keysOf('')).toHaveLength(7);
        expect(await keysOf('a/x')).toEqual(['a/x']);
        expect(await keysOf('c/')).toEqual([]);
      });

      test('pages of any size make up the whole', async () => {
        for (const index of range(25)) await store.write(PODS, [create(key3(index))]);
        const whole = range(25).map(key3);
        for (const limit of [1, 2, 7, 24, 25, 26]) expect(await pagedKeys(store, limit)).toEqual(whole);
        expect((await store.list(PODS, { limit: 25 })).continue).toBeUndefined();
        expect((await store.list(PODS, { limit: 0 })).items).toHaveLength(25);
      });

      test.runIf(capabilities.remaining)('tell how many follow', async () => {
        for (const index of range(10)) await store.write(PODS, [create(key3(index))]);
        await store.write(PODS, [create('other/a')]);
        const first = await store.list(PODS, { limit: 4, prefix: 'default/' });
        expect(first.remaining).toBe(6);
        await store.write(PODS, [remove(key3(9), 11), remove(key3(0), 2)]);
        await store.write(PODS, [create('default/zz'), create('default/0')]);
        await store.write(PODS, [update(key3(8), 10)]);
        const second = await store.list(PODS, {
          limit: 4,
          prefix: 'default/',
          continue: first.continue,
        });
        expect(second.remaining).toBe(2);
        const third = await store.list(PODS, { prefix: 'default/', continue: second.continue });
        expect(third.remaining).toBeUndefined();
        expect(third.items.map(({ key }) => key)).toEqual([key3(8), key3(9)]);
      });

      test("later pages are of the first page's moment", async () => {
        for (const index of range(12)) await store.write(PODS, [create(key3(index), 'old')]);
        const expected = (await store.list(PODS)).items.map(shown);
        const first = await store.list(PODS, { limit: 3 });

        await store.write(PODS, [update(key3(4), 6, 'new')]);
        await store.write(PODS, [remove(key3(5), 7)]);
        await store.write(PODS, [create(`${key3(5)}-between`)]);
        await store.write(PODS, [remove(key3(6), 8)]);
        await store.write(PODS, [create(key3(6), 'again')]);
        await store.write(PODS, [update(key3(1), 3, 'answered already')]);
        await store.write(PODS, [create('default/zz-last'), remove(key3(11), 13)]);
        await store.write(PODS, [create('default/zz-gone')]);
        await store.write(PODS, [remove('default/zz-gone', await store.revision(PODS))]);

        const items = first.items.map(shown);
        let position = first.continue;
        while (position !== undefined) {
          const page = await store.list(PODS, { limit: 2, continue: position });
          expect(page.revision).toBe(first.revision);
          items.push(...page.items.map(shown));
          position = page.continue;
        }
        expect(items).toEqual(expected);
      });

      test('are exact snapshots while others write', async () => {
        for (const index of range(40)) await store.write(PODS, [create(key3(index))]);
        let stop = false;
        const writers = range(3).map(async (writer) => {
          for (let round = 0; !stop; round++) {
            await touchOne(store, key3((writer * 13 + round * 7) % 45));
            await pause();
          }
        });
        const snapshots: { revision: number; items: unknown[] }[] = [];
        for (let run = 0; run < 10; run++) {
          const items: unknown[] = [];
          let position: ListPosition | undefined;
          let revision: number;
          do {
            const page = await store.list(PODS, { limit: 7, continue: position });
            items.push(...page.items.map(shown));
            ({ revision, continue: position } = page);
            await pause();
          } while (position !== undefined);
          snapshots.push({ revision, items });
        }
        stop = true;
        await Promise.all(writers);
        const log = await store.changes(PODS, 0, 1_000_000);
        for (const { revision, items } of snapshots) expect(items).toEqual(replay(log.events, revision));
      });

      test('a page of a moment to come is refused', async () => {
        await store.write(PODS, [create('default/a')]);
        const position = { revision: 1_000, afterKey: 'default/a' };
        const error = await failure(store.list(PODS, { limit: 1, continue: position }));
        expect(error.code).toBe('compacted');
      });

      test('see every write acknowledged before', async () => {
        for (const index of range(30)) {
          await store.write(PODS, [create(key3(index))]);
          const [listed, object, revision] = await Promise.all([
            store.list(PODS),
            store.get(PODS, key3(index)),
            store.revision(PODS),
          ]);
          expect([listed.items.length, listed.revision]).toEqual([index + 1, index + 2]);
          expect([object?.revision, revision]).toEqual([index + 2, index + 2]);
        }
      });
    });

    describe('the log', () => {
      test('holds every event with its bytes and what it replaced', async () => {
        await store.write(PODS, [create('default/a', 'one')]);
        await store.write(PODS, [update('default/a', 2, 'two'), create('default/b', 'bee')]);
        await store.write(PODS, [remove('default/a', 3, 'last')]);
        await store.write(PODS, [create('default/a', 'again')]);
        expect((await store.changes(PODS, 1)).events.map(shownEvent)).toEqual([
          [2, 'created', 'default/a', 'one@2', undefined],
          [3, 'updated', 'default/a', 'two@3', 'one@2'],
          [4, 'created', 'default/b', 'bee@4', undefined],
          [5, 'deleted', 'default/a', 'last@5', 'two@3'],
          [6, 'created', 'default/a', 'again@6', undefined],
        ]);
      });

      test('is read from anywhere, in parts', async () => {
        for (const index of range(20)) await store.write(PODS, [create(key3(index))]);
        const part = await store.changes(PODS, 5, 4);
        expect(part.events.map(({ revision }) => revision)).toEqual([6, 7, 8, 9]);
        expect(part.revision).toBe(9);
        const rest = await store.changes(PODS, 19);
        expect([rest.events.length, rest.revision]).toEqual([2, 21]);
        expect((await store.changes(PODS, 0)).events[0]?.revision).toBe(FIRST_REVISION);
        expect(await store.changes(PODS, 21)).toEqual({ events: [], revision: 21 });
        expect(await store.changes(PODS, 500)).toEqual({ events: [], revision: 21 });
      });

      test('without a limit is read to the end in some calls, without gaps', async () => {
        const operations = range(3_000).map((index) => create(key3(index)));
        for (let at = 0; at < operations.length; at += WRITE_OPERATIONS_MAX)
          await store.write(PODS, operations.slice(at, at + WRITE_OPERATIONS_MAX));
        const seen: number[] = [];
        let after = 1;
        while (after < 3_001) {
          const changes = await store.changes(PODS, after);
          expect(changes.events.length).toBeGreaterThan(0);
          seen.push(...changes.events.map(({ revision }) => revision));
          after = changes.revision;
        }
        expect(seen).toEqual(range(3_000).map((index) => index + FIRST_REVISION));
      });

      test('when too old is compacted: changes, watches and pages say so, the rest goes on', async () => {
        for (const index of range(5)) await store.write(PODS, [create(key3(index), 'old')]);
        await store.write(PODS, [update(key3(0), 2, 'newer')]);
        const page = await store.list(PODS, { limit: 2 });
        await touchOne(store, 'default/churn');
        await harness.ageLog();
        await eventually(async () => {
          await touchOne(store, 'default/churn');
          return (await codeOf(store.changes(PODS, 1))) === 'compacted';
        });

        await eventually(async () => {
          await touchOne(store, 'default/churn');
          return (await codeOf(store.list(PODS, { limit: 2, continue: page.continue }))) === 'compacted';
        });
        const watching = collect(store, 2, new AbortController().signal, () => false);
        expect((await failure(watching)).code).toBe('compacted');

        const { items, revision } = await store.list(PODS);
        const kept = items.filter(({ key }) => key !== 'default/churn');
        expect(kept.map(shown)).toEqual([
          [key3(0), 7, 'newer@7'],
          ...[1, 2, 3, 4].map((index) => [key3(index), index + 2, `old@${index + 2}`]),
        ]);
        const [next] = await store.write(PODS, [update(key3(1), 3, 'after')]);
        expect(next).toBe(revision + 1);
        expect((await store.changes(PODS, revision)).events.map(shownEvent)).toEqual([
          [next, 'updated', key3(1), `after@${next}`, 'old@3'],
        ]);
        expect((await store.list(PODS, { limit: 2 })).items).toHaveLength(2);
      });

      test('keeps what its events replaced, even if that was written long before', async () => {
        await store.write(PODS, [create('default/a', 'ancient'), create('default/b', 'old')]);
        await harness.ageLog();
        await eventually(async () => {
          await touchOne(store, 'default/churn');
          return (await codeOf(store.changes(PODS, 1))) === 'compacted';
        });
        const before = await store.revision(PODS);
        const paged = await store.list(PODS, { limit: 1 });
        await store.write(PODS, [update('default/a', 2, 'new')]);
        await store.write(PODS, [remove('default/b', 3, 'last')]);
        for (let round = 0; round < 50; round++) await touchOne(store, 'default/churn');
        const events = (await store.changes(PODS, before, 2)).events.map(shownEvent);
        expect(events).toEqual([
          [before + 1, 'updated', 'default/a', `new@${before + 1}`, 'ancient@2'],
          [before + 2, 'deleted', 'default/b', `last@${before + 2}`, 'old@3'],
        ]);
        const rest = await store.list(PODS, { continue: paged.continue });
        expect(rest.items.map(shown)[0]).toEqual(['default/b', 3, 'old@3']);
      });
    });

    describe('watches', () => {
      test('deliver what was and what comes, in order, until they are aborted', async () => {
        const abort = new AbortController();
        await store.write(PODS, [create('default/a', 'one')]);
        const watching = collect(store, 1, abort.signal, (events) => events.length >= 4);
        await pause(capabilities.watchDelayMs);
        await store.write(PODS, [update('default/a', 2, 'two')]);
        await store.write('apps/deployments', [create('default/other')]);
        await store.write(PODS, [create('default/b', 'bee'), remove('default/a', 3, 'last')]);
        expect((await watching).map(shownEvent)).toEqual([
          [2, 'created', 'default/a', 'one@2', undefined],
          [3, 'updated', 'default/a', 'two@3', 'one@2'],
          [4, 'created', 'default/b', 'bee@4', undefined],
          [5, 'deleted', 'default/a', 'last@5', 'two@3'],
        ]);
        abort.abort();
      });

      test('of a collection that does not exist yet begin with its first write', async () => {
        const abort = new AbortController();
        const watching = collect(store, 1, abort.signal, (events) => events.length >= 1);
        await pause();
        await store.write(PODS, [create('default/a')]);
        expect((await watching).map(({ revision }) => revision)).toEqual([2]);
      });

      test('end without an error when aborted: before, while waiting, and while reading', async () => {
        await store.write(PODS, [create('default/a')]);
        expect(await collect(store, 1, AbortSignal.abort(), () => false)).toEqual([]);

        const waiting = new AbortController();
        const idle = collect(store, 2, waiting.signal, () => false);
        await pause();
        waiting.abort();
        expect(await idle).toEqual([]);

        const reading = new AbortController();
        for await (const changes of store.watch(PODS, 1, reading.signal)) {
          expect(changes.events).toHaveLength(1);
          reading.abort();
        }
      });

      test('see every event once and in order while many write', async () => {
        const abort = new AbortController();
        const total = 400;
        const done = (events: readonly ChangeEvent[]): boolean => (events.at(-1)?.revision ?? 0) >= total + 1;
        const watchers = range(5).map((index) => collect(store, 1 + index, abort.signal, done));
        await Promise.all(
          range(4).map(async (writer) => {
            for (let index = 0; index < total / 4; index++) await store.write(PODS, [create(`w${writer}/${index}`)]);
          }),
        );
        const log = (await store.changes(PODS, 1, total)).events.map(shownEvent);
        for (const [index, watcher] of watchers.entries())
          expect((await watcher).map(shownEvent)).toEqual(log.slice(index));
        expect(log.map(([revision]) => revision)).toEqual(range(total).map((index) => index + FIRST_REVISION));
      });

      test('wake for a write that was acknowledged just before they began to wait', async () => {
        const abort = new AbortController();
        const iterator = store.watch(PODS, 1, abort.signal)[Symbol.asyncIterator]();
        for (let round = 0; round < 50; round++) {
          const next = iterator.next();
          if (round % 2 === 0) await pause();
          await store.write(PODS, [create(key3(round))]);
          const { value, done } = await next;
          expect(done).toBe(false);
          expect(value?.revision).toBe(round + 2);
        }
        abort.abort();
        expect((await iterator.next()).done).toBe(true);
      });
    });

    describe('the feed', () => {
      test('tells every event once, in order, when it can be read', async () => {
        const { feed } = harness;
        if (feed === undefined) return;
        const heard: unknown[][] = [];
        const stop = feed.subscribe((collection, events) => {
          for (const event of events) heard.push([collection, event.revision, event.type]);
        });
        await store.write(PODS, [create('default/a'), create('default/b')]);
        await store.write('apps/deployments', [create('default/a')]);
        await store.write(PODS, [remove('default/a', 2)]);
        expect(heard).toEqual([
          [PODS, 2, 'created'],
          [PODS, 3, 'created'],
          ['apps/deployments', 2, 'created'],
          [PODS, 4, 'deleted'],
        ]);
        stop();
        await store.write(PODS, [create('default/c')]);
        expect(heard).toHaveLength(4);
      });
    });

    describe('closing', () => {
      test('is final: later calls throw unavailable, open watches too', async () => {
        await store.write(PODS, [create('default/a')]);
        const watching = collect(store, 2, new AbortController().signal, () => false);
        await pause();
        const closing = store.close();
        expect((await failure(watching)).code).toBe('unavailable');
        await closing;
        await store.close();
        for (const call of [
          () => store.get(PODS, 'default/a'),
          () => store.list(PODS),
          () => store.revision(PODS),
          () => store.write(PODS, [create('default/b')]),
          () => store.changes(PODS, 1),
          () => store.collections(),
        ])
          expect((await failure(call())).code).toBe('unavailable');
      });

      test('waits for the writes called before', async () => {
        const writes = range(10).map((index) => store.write(PODS, [create(key3(index))]));
        await store.close();
        const outcomes = await Promise.allSettled(writes);
        expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true);
      });
    });
  });
}

const PODS = 'core/pods';

function create(key: string, body = key): WriteOperation {
  return { key, expect: 'absent', body: bytes(body) };
}

function update(key: string, revision: number, body = key): WriteOperation {
  return { key, expect: revision, body: bytes(body) };
}

function remove(key: string, revision: number, body = key): WriteOperation {
  return { key, expect: revision, body: bytes(body), delete: true };
}

function bytes(body: string): (revision: number) => Uint8Array {
  return (revision) => Buffer.from(`${body}@${revision}`);
}

function text(body: Uint8Array | undefined): string {
  return Buffer.from(body ?? []).toString();
}

function shown(object: StoredObject | undefined): unknown[] {
  return [object?.key, object?.revision, text(object?.body)];
}

function shownEvent(event: ChangeEvent): unknown[] {
  const { revision, type, key, body, previous } = event;
  return [revision, type, key, text(body), previous === undefined ? undefined : text(previous)];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function key3(index: number): string {
  return `default/p-${String(index).padStart(3, '0')}`;
}

function pause(delayMs = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

async function failure(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('expected a StoreError');
}

async function codeOf(promise: Promise<unknown>): Promise<StoreErrorCode | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (isStoreError(error)) return error.code;
    throw error;
  }
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + SOON_MS;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('it did not happen');
    await pause(1);
  }
}

/** Creates the object or, where it exists, updates it or (now and then) deletes it; a lost race is left alone. */
async function touchOne(store: Store, key: string): Promise<void> {
  const object = await store.get(PODS, key);
  const operation =
    object === undefined
      ? create(key)
      : object.revision % 3 === 0
        ? remove(key, object.revision)
        : update(key, object.revision);
  try {
    await store.write(PODS, [operation]);
  } catch (error) {
    if (!isStoreError(error, 'conflict')) throw error;
  }
}

async function incrementTimes(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const object = await store.get(PODS, key);
    const value = Number(text(object?.body).split('@')[0]);
    try {
      await store.write(PODS, [update(key, object?.revision ?? 0, String(value + 1))]);
      done++;
    } catch (error) {
      if (!isStoreError(error, 'conflict')) throw error;
    }
  }
}

async function pagedKeys(store: Store, limit: number): Promise<string[]> {
  const keys: string[] = [];
  let position: ListPosition | undefined;
  do {
    const page = await store.list(PODS, { limit, continue: position });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    keys.push(...page.items.map(({ key }) => key));
    position = page.continue;
  } while (position !== undefined);
  return keys;
}

/** The events a watch delivers until `enough` holds; checks that they are gapless and match the batches' revisions. */
async function collect(
  store: Store,
  after: number,
  signal: AbortSignal,
  enough: (events: readonly ChangeEvent[]) => boolean,
): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = [];
  let position = after;
  for await (const changes of store.watch(PODS, after, signal)) {
    for (const event of changes.events) {
      expect(event.revision).toBe(++position);
      events.push(event);
    }
    expect(changes.revision).toBeGreaterThanOrEqual(position);
    if (enough(events)) break;
  }
  return events;
}

/** The collection's objects at a revision, as the log tells. */
function replay(events: readonly ChangeEvent[], revision: number): unknown[] {
  const objects = new Map<string, unknown[]>();
  for (const event of events) {
    if (event.revision > revision) break;
    if (event.type === 'deleted') objects.delete(event.key);
    else objects.set(event.key, [event.key, event.revision, text(event.body)]);
  }
  return [...objects.values()].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}
