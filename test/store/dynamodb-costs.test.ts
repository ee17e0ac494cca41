import { beforeEach, describe, expect, test } from 'vitest';
import { randomInt, seededRandom } from '../../lib/random.js';
import type { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import type { WriteOperation } from '../../lib/store/store.js';
import { Bench, PODS, del, put } from './dynamodb-bench.js';

/** What each operation may use, as the store protocol's table of costs says: a test fails when one grows. */
interface Cost {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

const PAGE_SIZE_BYTES = 1_048_576;
const random = seededRandom(1);

/** An object as Kubernetes has them: repetitive names, some values that are not. About `size` bytes; a third of that deflated. */
function manifest(size: number): string {
  const fields: string[] = [];
  for (let length = 0; length < size; length += fields.at(-1)?.length ?? 0)
    fields.push(
      `{"name":"container-${fields.length}","value":"${randomInt(random, 1e9).toString(36)}","readOnly":true},`,
    );
  return fields.join('').slice(0, size);
}

/** An object that no compression makes shorter. */
function putNoise(key: string, expected: number | 'absent', size: number): WriteOperation {
  const bytes = Buffer.from(Array.from({ length: size }, () => randomInt(random, 256)));
  return { key, expect: expected, body: () => bytes };
}

let bench: Bench;
let store: DynamoDbStore;
beforeEach(async () => {
  bench = new Bench(PAGE_SIZE_BYTES);
  store = bench.store();
  await store.write(PODS, [put('default/first', 'absent')]);
  await store.write(PODS, [put('default/first', 2)]);
});

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  bench.double.takeConsumed();
  await bench.run(work());
  const { requests, readUnits, writeUnits } = bench.double.takeConsumed();
  return { requests, readUnits, writeUnits };
}

describe('a write', () => {
  const write = (...operations: WriteOperation[]) => cost(() => store.write(PODS, operations));

  test('of a small object: read, add, transaction; 1 + 4 write units, 2 read units', async () => {
    const small = { requests: 3, readUnits: 2, writeUnits: 5 };
    expect(await write(put('default/a', 'absent', manifest(600)))).toEqual(small);
    expect(await write(put('default/a', 4, manifest(600)))).toEqual(small);
    expect(await write(del('default/a', 5))).toEqual(small);
    expect(await write(put('default/a', 'absent', manifest(600)))).toEqual(small);
  });

  test('of two kilobytes as Kubernetes writes them costs as a small one, since it is compressed', async () => {
    expect(await write(put('default/a', 'absent', manifest(2_000)))).toEqual({
      requests: 3,
      readUnits: 2,
      writeUnits: 5,
    });
  });

  test('of two kilobytes that cannot be compressed: 1 + 12 write units', async () => {
    expect(await write(putNoise('default/a', 'absent', 2_048))).toEqual({ requests: 3, readUnits: 2, writeUnits: 13 });
    // What is replaced is read in its own event, since to repeat it would cost units.
    expect(await write(putNoise('default/a', 4, 2_048))).toEqual({ requests: 3, readUnits: 2, writeUnits: 13 });
  });

  test('of several objects is one add and one transaction', async () => {
    const operations = Array.from({ length: 10 }, (_, index) => put(`default/${index}`, 'absent'));
    expect(await write(...operations)).toEqual({ requests: 3, readUnits: 20, writeUnits: 41 });
  });

  test('that is refused costs its read', async () => {
    bench.double.takeConsumed();
    await expect(store.write(PODS, [put('default/first', 'absent')])).rejects.toThrow();
    expect(bench.double.takeConsumed()).toMatchObject({ requests: 1, readUnits: 2, writeUnits: 0 });
  });
});

describe('a read', () => {
  test('get: one request, 2 read units', async () => {
    expect(await cost(() => store.get(PODS, 'default/first'))).toEqual({ requests: 1, readUnits: 2, writeUnits: 0 });
    expect(await cost(() => store.get(PODS, 'default/none'))).toEqual({ requests: 1, readUnits: 2, writeUnits: 0 });
  });

  test('revision: the head, 1 read unit', async () => {
    expect(await cost(() => store.revision(PODS))).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
  });

  test('list: head, pages, log tail; no write units', async () => {
    expect(await cost(() => store.list(PODS))).toEqual({ requests: 3, readUnits: 3, writeUnits: 0 });
    for (let index = 0; index < 20; index++)
      await store.write(PODS, [put(`default/${index}`, 'absent', manifest(3_000))]);
    const { requests, readUnits, writeUnits } = await cost(() => store.list(PODS));
    expect([requests, writeUnits]).toEqual([3, 0]);
    // The objects are about 20 KB deflated, and so is the tail of the log, which has never been closed.
    expect(readUnits).toBeLessThanOrEqual(1 + 7 + 7);
  });

  test('lists move the closed hint, so that the tail of the log stays short', async () => {
    for (let index = 0; index < 200; index++)
      await store.write(PODS, [put('default/busy', index === 0 ? 'absent' : index + 3, manifest(600))]);
    expect(await cost(() => store.list(PODS))).toMatchObject({ requests: 4, writeUnits: 1 });
    expect(await cost(() => bench.store().list(PODS))).toEqual({ requests: 2, readUnits: 2, writeUnits: 0 });
    await store.write(PODS, [put('default/busy', 203, manifest(600))]);
    expect(await cost(() => bench.store().list(PODS))).toEqual({ requests: 3, readUnits: 3, writeUnits: 0 });
  });

  test('a warm replica: the head, and the tail of the log when it moved', async () => {
    const { revision } = await bench.run(store.list(PODS));
    expect(await cost(() => store.changes(PODS, revision))).toEqual({ requests: 1, readUnits: 1, writeUnits: 0 });
    for (let index = 0; index < 5; index++) await store.write(PODS, [put(`default/${index}`, 'absent', manifest(600))]);
    expect(await cost(() => store.changes(PODS, revision))).toEqual({ requests: 2, readUnits: 2, writeUnits: 0 });
  });

  test('an idle watch: one request of one read unit each time it looks, ever more rarely', async () => {
    const abort = new AbortController();
    const iterator = store.watch(PODS, 3, abort.signal)[Symbol.asyncIterator]();
    const idle = async (ms: number): Promise<void> => bench.clock.advance(ms);
    const next = iterator.next();
    await idle(10_000);
    const used = await cost(() => idle(60_000));
    expect(used).toEqual({ requests: 60, readUnits: 60, writeUnits: 0 });
    abort.abort();
    await bench.run(next);
  });
});
