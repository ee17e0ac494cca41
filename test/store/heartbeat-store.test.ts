import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import type { Clock } from '../../lib/clock/clock.js';
import { seededRandom } from '../../lib/random.js';
import { HeartbeatStore } from '../../lib/store/dynamodb/heartbeat-store.js';
import { HEARTBEAT_SKEW_MS, HEARTBEAT_TOMBSTONE_MS } from '../../lib/store/dynamodb/limits.js';
import { HEARTBEAT_COLLECTION, openDynamoDbStore } from '../../lib/store/dynamodb/open.js';
import { TableError } from '../../lib/store/dynamodb/table.js';
import type { Table } from '../../lib/store/dynamodb/table.js';
import { isStoreError } from '../../lib/store/errors.js';
import type { Changes } from '../../lib/store/store.js';
import { drive } from '../support/drive.js';
import { TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { del, put } from './dynamodb-bench.js';

const NODE = 'kube-node-lease/node-1';

let clock: FakeClock;
let double: TableDouble;
let store: HeartbeatStore;
let seed = 1;

function open(changed: (table: Table) => Partial<Table> = () => ({}), own: Clock = clock): HeartbeatStore {
  const table = new TableConnection({ double });
  const whole: Table = {
    getItem: (...args) => table.getItem(...args),
    query: (...args) => table.query(...args),
    transactGet: (...args) => table.transactGet(...args),
    batchGet: (...args) => table.batchGet(...args),
    putItem: (...args) => table.putItem(...args),
    updateItem: (...args) => table.updateItem(...args),
    transactWrite: (...args) => table.transactWrite(...args),
  };
  const random = seededRandom(seed++);
  return new HeartbeatStore({ table: { ...whole, ...changed(whole) }, clock: own, random, cluster: 'one' });
}

beforeEach(() => {
  clock = new FakeClock(undefined, 1);
  double = new TableDouble({ clock });
  store = open();
});

const write = (...operations: ReturnType<typeof put>[]): Promise<number[]> =>
  drive(clock, store.write(HEARTBEAT_COLLECTION, operations));

async function code(promise: Promise<unknown>): Promise<unknown> {
  try {
    await drive(clock, promise);
    return 'no error';
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return error.code;
  }
}

describe('a heartbeat', () => {
  test('is renewed by one request of one write unit', async () => {
    const lease = (at: number): string => JSON.stringify({ kind: 'Lease', at, spec: 'x'.repeat(400) });
    const [created] = await write(put(NODE, 'absent', lease(0)));
    let revision = created as number;
    double.takeConsumed();
    for (let count = 1; count <= 5; count++) {
      await clock.advance(10_000);
      [revision] = (await write(put(NODE, revision, lease(count)))) as [number];
    }
    expect(double.takeConsumed()).toEqual({ requests: 5, readUnits: 0, writeUnits: 5, byOperation: { updateItem: 5 } });
    expect((await store.get(HEARTBEAT_COLLECTION, NODE))?.revision).toBe(revision);
  });

  test('is refused when somebody else was faster, and only then', async () => {
    const [created] = (await write(put(NODE, 'absent'))) as [number];
    const [renewed] = (await write(put(NODE, created))) as [number];
    expect(renewed).toBeGreaterThan(created);
    expect(await code(store.write(HEARTBEAT_COLLECTION, [put(NODE, created)]))).toBe('conflict');
    expect(await code(store.write(HEARTBEAT_COLLECTION, [put(NODE, 'absent')]))).toBe('conflict');
    expect(await code(store.write(HEARTBEAT_COLLECTION, [put('kube-node-lease/none', 5)]))).toBe('conflict');
    const mixed = store.write(HEARTBEAT_COLLECTION, [put('kube-node-lease/new', 'absent'), put(NODE, created)]);
    expect(await code(mixed)).toBe('conflict');
    expect((await store.list(HEARTBEAT_COLLECTION)).items.map(({ key }) => key)).toEqual([NODE]);
  });

  test('has revisions that grow over deletion and clocks that go back', async () => {
    const [created] = (await write(put(NODE, 'absent'))) as [number];
    const [deleted] = (await write(del(NODE, created))) as [number];
    expect(await store.get(HEARTBEAT_COLLECTION, NODE)).toBeUndefined();
    const behind: Clock = { now: () => clock.now() - 60_000, setTimer: (...args) => clock.setTimer(...args) };
    const slow = open(undefined, behind);
    const [again] = await drive(clock, slow.write(HEARTBEAT_COLLECTION, [put(NODE, 'absent', 'again')]));
    expect(again).toBeGreaterThan(deleted);
    const [renewed] = await drive(clock, slow.write(HEARTBEAT_COLLECTION, [put(NODE, again as number, 'more')]));
    expect(renewed).toBeGreaterThan(again as number);
    const object = await store.get(HEARTBEAT_COLLECTION, NODE);
    expect(Buffer.from(object?.body ?? []).toString()).toBe(`more@${renewed}`);
  });

  test('that timed out is found applied, also after somebody renewed it again', async () => {
    const [created] = (await write(put(NODE, 'absent'))) as [number];
    let isFirst = true;
    const unsure = open((table) => ({
      updateItem: async (...args) => {
        const item = await table.updateItem(...args);
        if (!isFirst) return item;
        isFirst = false;
        throw new TableError('timed-out', 'no answer');
      },
    }));
    const [renewed] = (await drive(clock, unsure.write(HEARTBEAT_COLLECTION, [put(NODE, created)]))) as [number];
    expect((await store.get(HEARTBEAT_COLLECTION, NODE))?.revision).toBe(renewed);

    isFirst = true;
    const writing = unsure.write(HEARTBEAT_COLLECTION, [put(NODE, renewed)]);
    const overtake = async (): Promise<number[]> => {
      const mine = (await store.get(HEARTBEAT_COLLECTION, NODE))?.revision as number;
      await store.write(HEARTBEAT_COLLECTION, [put(NODE, mine, 'overtaken')]);
      return writing;
    };
    const overtaken = await drive(clock, overtake());
    expect(overtaken[0]).toBeGreaterThan(renewed);
  });

  test('that never gets an answer is unknown; one that is throttled, unavailable', async () => {
    const silent = open(() => ({ updateItem: () => Promise.reject(new TableError('timed-out', 'no answer')) }));
    expect(await code(silent.write(HEARTBEAT_COLLECTION, [put(NODE, 'absent')]))).toBe('unknown');
    const full = open(() => ({ updateItem: () => Promise.reject(new TableError('throttled', 'slow down')) }));
    expect(await code(full.write(HEARTBEAT_COLLECTION, [put(NODE, 'absent')]))).toBe('unavailable');
    const broken = open(() => ({ updateItem: () => Promise.reject(new TableError('refused', 'no such table')) }));
    expect(await code(broken.write(HEARTBEAT_COLLECTION, [put(NODE, 'absent')]))).toBe('unavailable');
  });
});

describe('a coarse watch', () => {
  async function next(iterator: AsyncIterator<Changes>): Promise<unknown[]> {
    for (;;) {
      const step = await drive(clock, iterator.next());
      if (step.done === true) return ['done'];
      if (step.value.events.length > 0) return step.value.events.map(({ type, key }) => `${type} ${key}`);
    }
  }

  test('tells the newest state of what changed, once, in order, and ends when told', async () => {
    const abort = new AbortController();
    const { revision } = await store.list(HEARTBEAT_COLLECTION);
    const iterator = store.watch(HEARTBEAT_COLLECTION, revision, abort.signal)[Symbol.asyncIterator]();
    const [one] = (await write(put('kube-node-lease/a', 'absent'))) as [number];
    await clock.advance(1);
    await write(put('kube-node-lease/b', 'absent'));
    expect(await next(iterator)).toEqual(['created kube-node-lease/a', 'created kube-node-lease/b']);
    const [two] = (await write(put('kube-node-lease/a', one))) as [number];
    await clock.advance(1);
    await write(put('kube-node-lease/a', two));
    expect(await next(iterator)).toEqual(['updated kube-node-lease/a']);
    const object = await store.get(HEARTBEAT_COLLECTION, 'kube-node-lease/a');
    await write(del('kube-node-lease/a', object?.revision as number));
    expect(await next(iterator)).toEqual(['deleted kube-node-lease/a']);
    abort.abort();
    expect(await next(iterator)).toEqual(['done']);
  });

  test('misses nothing of a writer whose clock is behind', async () => {
    const behind: Clock = {
      now: () => clock.now() - HEARTBEAT_SKEW_MS / 2,
      setTimer: (...args) => clock.setTimer(...args),
    };
    const slow = open(undefined, behind);
    const position = await store.revision();
    await write(put('kube-node-lease/a', 'absent'));
    const first = await store.changes(HEARTBEAT_COLLECTION, position);
    await drive(clock, slow.write(HEARTBEAT_COLLECTION, [put('kube-node-lease/b', 'absent')]));
    await clock.advance(HEARTBEAT_SKEW_MS * 2);
    const second = await store.changes(HEARTBEAT_COLLECTION, first.revision);
    expect([...first.events, ...second.events].map(({ key }) => key)).toEqual([
      'kube-node-lease/b',
      'kube-node-lease/a',
    ]);
  });

  test('is compacted when deletions may have been forgotten', async () => {
    const position = await store.revision();
    await clock.advance(HEARTBEAT_TOMBSTONE_MS * 1.1);
    expect(await code(store.changes(HEARTBEAT_COLLECTION, position))).toBe('compacted');
    expect(await code(store.list(HEARTBEAT_COLLECTION, { continue: { revision: position, afterKey: 'a' } }))).toBe(
      'compacted',
    );
  });
});

test('pages hold all, and one store serves leases and everything else, of several clusters', async () => {
  const tables = {
    table: new TableConnection({ double }),
    heartbeatTable: new TableConnection({ double: new TableDouble({ clock }) }),
  };
  const whole = openDynamoDbStore({ ...tables, clock, random: seededRandom(1), cluster: 'one' });
  const second = openDynamoDbStore({ ...tables, clock, random: seededRandom(2), cluster: 'two' });
  for (const name of ['a', 'b', 'c'])
    await whole.write(HEARTBEAT_COLLECTION, [put(`kube-node-lease/${name}`, 'absent')]);
  expect(await whole.write('core/pods', [put('default/p', 'absent')])).toEqual([2]);
  const page = await whole.list(HEARTBEAT_COLLECTION, { limit: 2, prefix: 'kube-node-lease/' });
  const rest = await whole.list(HEARTBEAT_COLLECTION, { continue: page.continue, prefix: 'kube-node-lease/' });
  expect([...page.items, ...rest.items].map(({ key }) => key.at(-1))).toEqual(['a', 'b', 'c']);
  expect((await whole.collections()).sort()).toEqual([HEARTBEAT_COLLECTION, 'core/pods']);
  expect(await second.collections()).toEqual([]);
  expect((await second.list('core/pods')).items).toEqual([]);
  expect(await second.write('core/pods', [put('default/p', 'absent')])).toEqual([2]);
  expect(double.items().some(({ pk }) => pk.includes('leases'))).toBe(false);
  await whole.close();
  expect(await code(whole.get('core/pods', 'a'))).toBe('unavailable');
  expect(await code(whole.get(HEARTBEAT_COLLECTION, 'a'))).toBe('unavailable');
});

test('revisions are whole numbers, whatever the clock says', async () => {
  await clock.advance(0.25);
  const [revision = 0] = await write(put(NODE, 'absent'));
  expect(Number.isInteger(revision)).toBe(true);
  expect(Number.isInteger(await store.revision())).toBe(true);
});
