import { beforeEach, describe, expect, test } from 'vitest';
import type { ListPosition, Store } from '../../lib/store/store.js';
import {
  PODS,
  create,
  update,
  remove,
  shown,
  range,
  key3,
  pause,
  failure,
  touchOne,
  pagedKeys,
  replay,
} from './store-contract-helpers.js';
import type { StoreHarness, StoreCapabilities } from './store-contract-helpers.js';

/** Lists and their pages. */
export function listsContract(current: () => StoreHarness, capabilities: StoreCapabilities): void {
  let store: Store;
  beforeEach(() => {
    ({ store } = current());
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
}
