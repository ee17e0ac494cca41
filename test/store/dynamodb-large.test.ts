import { beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../lib/random.js';
import type { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { OBJECT_SIZE_MAX_BYTES } from '../../lib/store/store.js';
import type { WriteOperation } from '../../lib/store/store.js';
import { Bench, PODS, RETENTION_MS, del, put } from './dynamodb-bench.js';

let bench: Bench;
let store: DynamoDbStore;
beforeEach(() => {
  bench = new Bench(1_048_576);
  store = bench.store();
});

/** Bytes that no compression makes shorter, the same for each seed. */
function noise(size: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(random.uint32(), at);
  return bytes;
}

function putBytes(key: string, expect: number | 'absent', bytes: Buffer): WriteOperation {
  return { key, expect, body: () => bytes };
}

const chunkItems = () => bench.double.items().filter(({ pk }) => pk.includes('/chunks/'));
const same = (one: Uint8Array | undefined, other: Uint8Array): boolean =>
  one !== undefined && Buffer.compare(one, other) === 0;

test('an object of the largest size, and what it replaces, is whole everywhere', async () => {
  const [first, second] = [noise(OBJECT_SIZE_MAX_BYTES, 1), noise(OBJECT_SIZE_MAX_BYTES, 2)] as const;
  await store.write(PODS, [putBytes('big', 'absent', first)]);
  await store.write(PODS, [put('small', 'absent')]);
  const page = await store.list(PODS, { limit: 1 });
  await store.write(PODS, [putBytes('big', 2, second)]);
  expect(same((await store.get(PODS, 'big'))?.body, second)).toBe(true);
  const { items } = await store.list(PODS);
  expect(same(items[0]?.body, second)).toBe(true);
  expect(same(page.items[0]?.body, first)).toBe(true);
  const [updated] = (await store.changes(PODS, 3)).events;
  expect([same(updated?.body, second), same(updated?.previous, first)]).toEqual([true, true]);

  // The former body is needed only as long as the log.
  expect(chunkItems().filter((item) => item['ttl'] !== undefined)).toHaveLength(4);
  await store.write(PODS, [put('big', 4, 'shrunk')]);
  const [shrunk] = (await store.changes(PODS, 4)).events;
  expect([shrunk?.type, same(shrunk?.previous, second)]).toEqual(['updated', true]);
  await bench.clock.advance(RETENTION_MS * 3.1);
  bench.double.expire();
  expect(chunkItems()).toEqual([]);
  expect(Buffer.from((await store.get(PODS, 'big'))?.body ?? []).toString()).toBe('shrunk@5');
});

test('pages of an earlier moment bring back large bodies, deleted ones too', async () => {
  const [a, b] = [noise(600_000, 3), noise(150_000, 4)] as const;
  await store.write(PODS, [putBytes('a', 'absent', a), putBytes('b', 'absent', b), put('0', 'absent')]);
  const page = await store.list(PODS, { limit: 1 });
  await store.write(PODS, [del('a', 2)]);
  await store.write(PODS, [putBytes('b', 3, noise(150_000, 5))]);
  const rest = await bench.run(store.list(PODS, { continue: page.continue }));
  expect(rest.items.map(({ key, revision }) => [key, revision])).toEqual([
    ['a', 2],
    ['b', 3],
  ]);
  expect([same(rest.items[0]?.body, a), same(rest.items[1]?.body, b)]).toEqual([true, true]);
});

test('what was written long ago is told with the event that replaces it, whatever its size', async () => {
  const bodies = [noise(40, 6), noise(3_000, 7), noise(170_000, 8), noise(500_000, 9)];
  for (const [index, body] of bodies.entries()) await store.write(PODS, [putBytes(`k${index}`, 'absent', body)]);
  await bench.clock.advance(RETENTION_MS * 5);
  bench.double.expire();
  for (const index of bodies.keys())
    await store.write(PODS, [putBytes(`k${index}`, index + 2, noise(60_000, 10 + index))]);
  const { events } = await store.changes(PODS, 5);
  expect(events.map(({ previous }, index) => same(previous, bodies[index] as Buffer))).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

test('objects that are too large together are refused, and leave no trace', async () => {
  const operations = [1, 2, 3].map((seed) => putBytes(`k${seed}`, 'absent', noise(OBJECT_SIZE_MAX_BYTES, seed)));
  await expect(bench.run(store.write(PODS, operations))).rejects.toMatchObject({ code: 'too-large' });
  expect(await bench.run(store.list(PODS))).toMatchObject({ items: [] });
  await expect(store.write(PODS, [put('a', 'absent')])).resolves.toHaveLength(1);
});

test('many objects that one answer cannot hold are still written together', async () => {
  const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
  for (const [index, key] of keys.entries()) await store.write(PODS, [putBytes(key, 'absent', noise(170_000, index))]);
  await expect(
    store.write(
      PODS,
      keys.map((key, index) => put(key, index + 2)),
    ),
  ).resolves.toHaveLength(30);
});
