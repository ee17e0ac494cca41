import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import { seededRandom } from '../../lib/random.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store, StoredObject } from '../../lib/store/store.js';
import { collectionModel, recordHistory } from './history.js';
import type { Answer, Call, History } from './history.js';
import { findViolation } from './linearizability.js';

const MEMORY_HISTORIES = 400;
const EMBEDDED_HISTORIES = 150;

async function checkHistories(store: Store, seeds: number): Promise<{ calls: number; violations: string[] }> {
  const violations: string[] = [];
  let calls = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const history = await recordHistory({
      store,
      collection: `history/${seed}`,
      random: seededRandom(seed),
      clients: 2 + (seed % 6),
      callsPerClient: 25,
      keys: 1 + (seed % 4),
    });
    calls += history.length;
    const violation = findViolation(history, collectionModel);
    if (violation !== undefined) violations.push(`seed ${seed}: ${violation}`);
  }
  return { calls, violations };
}

describe('recorded histories of concurrent clients are linearizable', () => {
  test('memory', async () => {
    const store = new MemoryStore({ clock: new FakeClock() });
    const { calls, violations } = await checkHistories(store, MEMORY_HISTORIES);
    expect(violations).toEqual([]);
    expect(calls).toBeGreaterThan(30_000);
  });

  test('embedded', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'zeroplane-linearizability-'));
    const store = await openEmbeddedStore({ directory, clock: new FakeClock() });
    const { calls, violations } = await checkHistories(store, EMBEDDED_HISTORIES);
    await store.close();
    await rm(directory, { recursive: true, force: true });
    expect(violations).toEqual([]);
    expect(calls).toBeGreaterThan(10_000);
  });

  test('which is a real statement: stores with planted defects are found out', async () => {
    const defects: Record<string, (store: Store) => Store> = {
      'reads from a cache that lags one write behind': (store) => {
        const former = new Map<string, StoredObject | undefined>();
        const current = new Map<string, StoredObject | undefined>();
        return overlay(store, {
          get: async (collection, key) => {
            const object = await store.get(collection, key);
            if (current.get(key)?.revision !== object?.revision) {
              former.set(key, current.get(key));
              current.set(key, object);
            }
            return former.get(key) ?? object;
          },
        });
      },
      'lists objects and revision at two moments': (store) =>
        overlay(store, {
          list: async (collection, options) => {
            const { items } = await store.list(collection, options);
            await new Promise((resolve) => setImmediate(resolve));
            return { items, revision: await store.revision(collection) };
          },
        }),
      'answers a write before it is made': (store) =>
        overlay(store, {
          write: async (collection, operations) => {
            const revision = await store.revision(collection);
            setImmediate(() => void store.write(collection, operations).catch(() => undefined));
            return operations.map((_, index) => revision + 1 + index);
          },
        }),
    };
    for (const [defect, plant] of Object.entries(defects)) {
      const store = plant(new MemoryStore({ clock: new FakeClock() }));
      const { violations } = await checkHistories(store, 20);
      expect([defect, violations.length > 0]).toEqual([defect, true]);
    }
  });
});

function overlay(store: Store, changed: Partial<Store>): Store {
  return {
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    revision: (...args) => store.revision(...args),
    write: (...args) => store.write(...args),
    changes: (...args) => store.changes(...args),
    watch: (...args) => store.watch(...args),
    collections: () => store.collections(),
    close: () => store.close(),
    ...changed,
  };
}

describe('the checker', () => {
  const write = (expected: number | 'absent', key = 'a', deletes = false): Call => ({
    kind: 'write',
    changes: [{ key, expect: expected, delete: deletes }],
  });
  const written = (...revisions: number[]): Answer => ({ kind: 'written', revisions });
  const get: Call = { kind: 'get', key: 'a' };
  const found = (revision: number | 'absent'): Answer => ({ kind: 'object', revision });
  const list: Call = { kind: 'list' };
  const listed = (revision: number, revisions: Record<string, number>): Answer => ({
    kind: 'objects',
    revision,
    revisions,
  });
  const conflict: Answer = { kind: 'conflict', keys: ['a'] };

  /** Rows of call, answer, time of the call, time of the return. */
  function historyOf(...rows: [Call, Answer | undefined, number, number][]): History {
    return rows.map(([input, output, calledAt, returnedAt]) => ({ input, output, calledAt, returnedAt }));
  }

  test.each<[string, History]>([
    ['nothing', []],
    ['one after the other', historyOf([write('absent'), written(2), 0, 1], [get, found(2), 2, 3])],
    ['a read beside a write, before it', historyOf([write('absent'), written(2), 0, 3], [get, found('absent'), 1, 2])],
    ['a read beside a write, after it', historyOf([write('absent'), written(2), 0, 3], [get, found(2), 1, 2])],
    [
      'of two creates one loses',
      historyOf([write('absent'), conflict, 0, 3], [write('absent'), written(2), 1, 2], [get, found(2), 4, 5]),
    ],
    [
      'an unanswered write that happened later',
      historyOf([write('absent'), undefined, 0, Infinity], [get, found('absent'), 1, 2], [get, found(2), 3, 4]),
    ],
    [
      'an unanswered write that never happened',
      historyOf([write('absent'), undefined, 0, Infinity], [get, found('absent'), 1, 2], [get, found('absent'), 3, 4]),
    ],
    [
      'an order that takes a second try',
      historyOf(
        [write('absent', 'a'), written(3), 0, 9],
        [write('absent', 'b'), written(2), 1, 8],
        [list, listed(2, { b: 2 }), 2, 7],
        [list, listed(3, { a: 3, b: 2 }), 3, 6],
      ),
    ],
  ])('accepts %s', (_what, history) => {
    expect(findViolation(history, collectionModel)).toBeUndefined();
  });

  test.each<[string, History]>([
    [
      'a read that misses an acknowledged write',
      historyOf([write('absent'), written(2), 0, 1], [get, found('absent'), 2, 3]),
    ],
    ['a read from the future', historyOf([get, found(2), 0, 1], [write('absent'), written(2), 2, 3])],
    [
      'two writes on one expectation',
      historyOf([write('absent'), written(2), 0, 1], [write(2), written(3), 2, 5], [write(2), written(4), 3, 6]),
    ],
    [
      'a conflict though the expectation held',
      historyOf([write('absent'), written(2), 0, 1], [write(2), conflict, 2, 3]),
    ],
    [
      'a revision used twice',
      historyOf([write('absent', 'a'), written(2), 0, 3], [write('absent', 'b'), written(2), 1, 2]),
    ],
    ['a gap in the revisions', historyOf([write('absent'), written(2), 0, 1], [write(2), written(4), 2, 3])],
    [
      'reads that go back',
      historyOf([write('absent'), written(2), 0, 9], [get, found(2), 1, 2], [get, found('absent'), 3, 4]),
    ],
    [
      'half of a write of two objects',
      historyOf(
        [
          {
            kind: 'write',
            changes: [
              { key: 'a', expect: 'absent', delete: false },
              { key: 'b', expect: 'absent', delete: false },
            ],
          },
          written(2, 3),
          0,
          3,
        ],
        [list, listed(2, { a: 2 }), 1, 2],
      ),
    ],
    [
      'a deleted object that is still read',
      historyOf([write('absent'), written(2), 0, 1], [write(2, 'a', true), written(3), 2, 3], [get, found(2), 4, 5]),
    ],
    [
      'revisions against the order of time',
      historyOf([write('absent', 'a'), written(3), 0, 1], [write('absent', 'b'), written(2), 2, 3]),
    ],
  ])('rejects %s', (_what, history) => {
    expect(findViolation(history, collectionModel)).toContain('not linearizable');
  });
});
