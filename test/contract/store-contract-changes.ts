import { beforeEach, describe, expect, test } from 'vitest';
import { FIRST_REVISION, WRITE_OPERATIONS_MAX } from '../../lib/store/store.js';
import type { ChangeEvent, Store } from '../../lib/store/store.js';
import {
  PODS,
  create,
  update,
  remove,
  shown,
  shownEvent,
  range,
  key3,
  pause,
  failure,
  codeOf,
  eventually,
  touchOne,
  collect,
} from './store-contract-helpers.js';
import type { StoreHarness, StoreCapabilities } from './store-contract-helpers.js';

/** The log, watches, the feed, and closing. */
export function changesContract(current: () => StoreHarness, capabilities: StoreCapabilities): void {
  let harness: StoreHarness;
  let store: Store;
  beforeEach(() => {
    harness = current();
    ({ store } = harness);
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
      const total = capabilities.watchedWrites ?? 400;
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
}
