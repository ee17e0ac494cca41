import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../lib/clock/system.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store } from '../../lib/store/store.js';

const COLLECTION = 'core/pods';
const PODS = 10_000;
const LIST_PODS = 500;
const BODY_BYTES = 1_500;
const MEASURE_MS = 1_500;
const BODY = Buffer.alloc(BODY_BYTES, 'x');

/** Measures both adapters: reads and lists over 10,000 objects of 1.5 KB, and writes as they are acknowledged. */
export async function benchStore(): Promise<{ name: string; value: string }[]> {
  const directory = await mkdtemp(join(tmpdir(), 'zeroplane-bench-'));
  const embedded = await openEmbeddedStore({ directory, clock: systemClock });
  try {
    return [
      ...(await benchOne('store embedded', embedded)),
      ...(await benchOne('store memory', new MemoryStore({ clock: systemClock }))),
    ];
  } finally {
    await embedded.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function benchOne(name: string, store: Store): Promise<{ name: string; value: string }[]> {
  let created = 0;
  const createOne = async (): Promise<void> => {
    const namespace = Math.floor(created / LIST_PODS);
    const key = `ns-${String(namespace).padStart(4, '0')}/pod-${created++}`;
    await store.write(COLLECTION, [{ key, expect: 'absent', body: () => BODY }]);
  };
  const rows: { name: string; value: string }[] = [];
  const add = (what: string, perSecond: number, unit = '/s'): void => {
    rows.push({ name: `${name} ${what}`, value: `${Math.round(perSecond)}${unit}` });
  };

  add('CREATE, 1 writer', await rate(1, createOne));
  add('CREATE, 64 writers', await rate(64, createOne));
  while (created < PODS) await Promise.all(Array.from({ length: 100 }, createOne));

  let next = 0;
  const keys = (await store.list(COLLECTION)).items.map(({ key }) => key);
  add(
    'GET',
    await rate(1, async () => {
      const key = keys[(next = (next + 7_919) % keys.length)] as string;
      if ((await store.get(COLLECTION, key)) === undefined) throw new Error(`${key} is gone`);
    }),
  );
  const lists = await rate(1, async () => {
    const prefix = `ns-${String((next = (next + 1) % 10)).padStart(4, '0')}/`;
    const { items } = await store.list(COLLECTION, { prefix });
    if (items.length !== LIST_PODS) throw new Error(`${items.length} objects listed`);
  });
  add(`LIST of ${LIST_PODS}`, lists);
  add(`LIST of ${LIST_PODS}, bytes`, (lists * LIST_PODS * BODY_BYTES) / 1e6, ' MB/s');
  add('UPDATE, 64 writers', await rate(64, updateOne(store, keys)));
  return rows;
}

function updateOne(store: Store, keys: readonly string[]): () => Promise<void> {
  let next = 0;
  const revisions = new Map<string, number>();
  return async () => {
    const key = keys[next++ % keys.length] as string;
    const expected = revisions.get(key) ?? (await store.get(COLLECTION, key))?.revision ?? 0;
    const [revision] = await store.write(COLLECTION, [{ key, expect: expected, body: () => BODY }]);
    revisions.set(key, revision as number);
  };
}

/** Calls per second of `work` by so many callers, each waiting for its own. */
async function rate(callers: number, work: () => Promise<void>): Promise<number> {
  let calls = 0;
  const startMs = performance.now();
  const endMs = startMs + MEASURE_MS;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < endMs) {
        await work();
        calls++;
      }
    }),
  );
  return (calls * 1_000) / (performance.now() - startMs);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const { name, value } of await benchStore()) console.log(name.padEnd(44), value);
