import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { systemClock } from '../../lib/clock/system.js';
import { randomInt, seededRandom, type Random } from '../../lib/random.js';
import type { BackupSource } from '../../lib/store/backup/index.js';
import { backupRecords } from '../../lib/store/backup/index.js';
import { decodeRecords } from '../../lib/store/backup/records.js';
import { openDynamoDbStore } from '../../lib/store/dynamodb/open.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { isStoreError } from '../../lib/store/errors.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store } from '../../lib/store/store.js';
import { drive } from '../support/drive.js';
import { NO_FAULTS, TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';

/** Each writer goes through them in turn, so that a write in one is always caused by one in the collection before. */
const CHAIN = ['apps/deployments', 'apps/replicasets', 'core/pods', 'core/events'];
const PAIR = 'batch/jobs';
const SEEDS = Number(process.env['STORE_SEEDS'] ?? 4);

interface Writer {
  name: string;
  /** The last count that was acknowledged, by collection. */
  acknowledged: Map<string, number>;
}

/**
 * Writes count 1 to the first collection, then to the second, and so on, then count 2; and both halves of a pair in one write. What is not
 * known to have been applied is looked up.
 */
async function writeOn(
  store: Store,
  writer: Writer,
  options: { clock: Clock; random: Random; until: () => boolean },
): Promise<void> {
  const { name, acknowledged } = writer;
  for (let count = 1; !options.until(); count++) {
    for (const collection of CHAIN) {
      await setCounts(store, collection, [name], count);
      acknowledged.set(collection, count);
    }
    await setCounts(store, PAIR, [`${name}-left`, `${name}-right`], count);
    acknowledged.set(PAIR, count);
    await sleep(options.clock, randomInt(options.random, 30));
  }
}

async function setCounts(store: Store, collection: string, keys: readonly string[], count: number): Promise<void> {
  for (;;) {
    try {
      const present = await Promise.all(keys.map((key) => store.get(collection, key)));
      if (present.every((object) => object !== undefined && countOf(object.body) === count)) return;
      await store.write(
        collection,
        keys.map((key, index) => ({
          key,
          expect: present[index]?.revision ?? 'absent',
          body: () => Buffer.from(String(count)),
        })),
      );
      return;
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
  }
}

function countOf(body: Uint8Array): number {
  return Number(Buffer.from(body).toString());
}

/** What a backup holds: counts by collection and key. */
async function contentsOf(source: BackupSource): Promise<Map<string, Map<string, number>>> {
  const contents = new Map<string, Map<string, number>>();
  let collection: Map<string, number> | undefined;
  const description = { createdMs: 0, store: 'test', version: 'test' };
  for await (const record of decodeRecords(backupRecords({ source, description }))) {
    if (record.kind === 'collection') contents.set(record.name, (collection = new Map()));
    if (record.kind === 'object') collection?.set(record.object.key, countOf(record.object.body));
  }
  return contents;
}

/** Everything that is wrong with a backup that began when `before` had been acknowledged. */
function violations(contents: Map<string, Map<string, number>>, before: readonly Writer[]): string[] {
  const found: string[] = [];
  for (const { name, acknowledged } of before) {
    const counts = CHAIN.map((collection) => contents.get(collection)?.get(name) ?? 0);
    const pair = ['left', 'right'].map((side) => contents.get(PAIR)?.get(`${name}-${side}`) ?? 0);
    const chain = [...counts, pair[0] ?? 0];
    for (const [index, count] of chain.entries()) {
      const former = chain[index - 1] ?? Number.POSITIVE_INFINITY;
      if (count > former) found.push(`${name}: ${chain.join(' ')}: an effect without its cause`);
    }
    if ((chain[0] ?? 0) - (chain.at(-1) ?? 0) > 1) found.push(`${name}: ${chain.join(' ')}: not of one moment`);
    if (pair[0] !== pair[1]) found.push(`${name}: half of a write: ${pair.join(' ')}`);
    for (const [index, collection] of [...CHAIN, PAIR].entries())
      if ((chain[index] ?? 0) < (acknowledged.get(collection) ?? 0))
        found.push(`${name}: ${collection} lacks what was acknowledged`);
  }
  return found;
}

interface Run {
  /** What each writer writes through: a process of its own where there can be several. */
  stores: readonly Store[];
  source: BackupSource;
  clock: Clock;
  random: Random;
}

/** Several backups while the writers go on; returns what is wrong with them, and how many writes there were meanwhile. */
async function backUpWhileWriting({
  stores,
  source,
  clock,
  random,
}: Run): Promise<{ found: string[]; counts: number }> {
  const writers = stores.map((_, index): Writer => ({ name: `w${index}`, acknowledged: new Map() }));
  let isOver = false;
  const writing = stores.map((store, index) =>
    writeOn(store, writers[index] as Writer, { clock, random, until: () => isOver }),
  );
  const found: string[] = [];
  try {
    for (let backup = 0; backup < 3; backup++) {
      await sleep(clock, randomInt(random, 100));
      const before = writers.map(({ name, acknowledged }) => ({ name, acknowledged: new Map(acknowledged) }));
      found.push(...violations(await contentsOf(source), before));
    }
  } finally {
    isOver = true;
    await Promise.all(writing);
  }
  return { found, counts: Math.max(...writers.map(({ acknowledged }) => acknowledged.get(PAIR) ?? 0)) };
}

describe('a backup under concurrent writes is a consistent cut', () => {
  test('memory', async () => {
    const store = new MemoryStore({ clock: systemClock });
    const run = { stores: [store, store, store, store], source: store, clock: systemClock, random: seededRandom(1) };
    const { found, counts } = await backUpWhileWriting(run);
    expect(found).toEqual([]);
    expect(counts).toBeGreaterThan(1);
  });

  test('embedded', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'zeroplane-store-'));
    try {
      const store = await openEmbeddedStore({ directory, clock: systemClock });
      const run = { stores: [store, store, store, store], source: store, clock: systemClock, random: seededRandom(1) };
      const { found, counts } = await backUpWhileWriting(run);
      expect(found).toEqual([]);
      expect(counts).toBeGreaterThan(1);
      await store.close();
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  const FAULTS = {
    ...NO_FAULTS,
    throttled: 0.03,
    conflict: 0.03,
    late: 0.02,
    answerLost: 0.02,
    doubled: 0.03,
    partial: 0.2,
  };

  /** Processes over one table, each with its own connection; `wrap` may plant a defect in the one that backs up. */
  async function inTheCloud(
    seed: number,
    faults: typeof NO_FAULTS,
    wrap: (store: Store & BackupSource) => BackupSource = (store) => store,
  ): Promise<{ found: string[]; counts: number }> {
    const clock = new FakeClock();
    const random = seededRandom(seed);
    const [double, heartbeats] = [new TableDouble({ clock, pageSizeBytes: 400 }), new TableDouble({ clock })];
    const network = { clock, random, latencyMaxMs: 20, lateMaxMs: 4_000, timeoutMs: 1_500 };
    const open = (): Store & BackupSource =>
      openDynamoDbStore({
        table: new TableConnection({ double, network, faults }),
        heartbeatTable: new TableConnection({ double: heartbeats, network }),
        clock,
        random,
        cluster: 'one',
      });
    const stores = [open(), open(), open(), open()];
    return drive(clock, backUpWhileWriting({ stores, source: wrap(open()), clock, random }));
  }

  test.each([
    ['without faults', NO_FAULTS],
    ['with faults', FAULTS],
  ])('dynamodb, %s', async (_name, faults) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { found, counts } = await inTheCloud(seed, faults);
      expect(found, `seed ${seed}`).toEqual([]);
      expect(counts).toBeGreaterThan(3);
    }
  });

  test('which is a real statement: collections read one after another are found out', async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= SEEDS && found.length === 0; seed++) {
      const run = await inTheCloud(seed, NO_FAULTS, (store) => ({
        async cut() {
          const cut = new Map<string, number>();
          for (const name of await store.collections()) cut.set(name, (await store.list(name, { limit: 1 })).revision);
          return cut;
        },
        list: (collection, options) => store.list(collection, options),
      }));
      found.push(...run.found);
    }
    expect(found.length).toBeGreaterThan(0);
  });
});
