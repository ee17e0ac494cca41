import { beforeEach, describe, expect, test } from 'vitest';
import { isStoreError } from '../../lib/store/errors.js';
import { POLICY_EPOCH } from '../../lib/store/policy-epoch.js';
import { FIRST_REVISION, OBJECT_SIZE_MAX_BYTES, WRITE_OPERATIONS_MAX } from '../../lib/store/store.js';
import type { Store } from '../../lib/store/store.js';
import {
  PODS,
  create,
  update,
  remove,
  text,
  shown,
  range,
  failure,
  incrementTimes,
  pagedKeys,
} from './store-contract-helpers.js';
import type { StoreHarness, StoreCapabilities } from './store-contract-helpers.js';

/** Writes, expectations, sizes and keys. */
export function writesContract(current: () => StoreHarness, capabilities: StoreCapabilities): void {
  let store: Store;
  beforeEach(() => {
    ({ store } = current());
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

    test('every write to a collection of policy moves the epoch, and no other does', async () => {
      const seen = [await store.revision(POLICY_EPOCH)];
      const look = async (): Promise<boolean> => {
        seen.push(await store.revision(POLICY_EPOCH));
        return new Set(seen.slice(-2)).size === 2;
      };
      await store.write(PODS, [create('default/a')]);
      expect(await look()).toBe(false);
      for (const collection of ['core/namespaces', 'rbac.authorization.k8s.io/roles']) {
        await store.write(collection, [create('a'), create('b')]);
        expect(await look()).toBe(true);
        await store.write(collection, [update('a', 2)]);
        expect(await look()).toBe(true);
        await store.write(collection, [remove('b', 3)]);
        expect(await look()).toBe(true);
      }
      expect(new Set(seen).size).toBe(7);
      expect(await store.collections()).not.toContain(POLICY_EPOCH);
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
}
