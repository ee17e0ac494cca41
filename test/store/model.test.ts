import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import { randomInt } from '../../lib/random.js';
import type { Random } from '../../lib/random.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store } from '../../lib/store/store.js';
import { runModel } from './model-run.js';

/** STORE_SEED=n runs that seed alone; STORE_SEEDS=n runs so many for each adapter. */
const ONLY_SEED = process.env['STORE_SEED'];
const SEEDS = process.env['STORE_SEEDS'];
const MEMORY_SEEDS = Number(SEEDS ?? 3_000);
const EMBEDDED_SEEDS = Number(SEEDS ?? 1_000);
/** So many seeds share one embedded store at a time, each in its own collection, so that their writes meet in commits. */
const EMBEDDED_AT_ONCE = 8;
const EMBEDDED_PER_STORE = 200;
const TIMEOUT_MS = 120_000 * Math.max(1, Number(SEEDS ?? 0) / 1_000);

const RETENTION_MS = 600_000;
const RETENTION_EVENTS_MAX = 25;

function seedsUpTo(count: number): number[] {
  return ONLY_SEED === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(ONLY_SEED)];
}

/** The clock moves for one seed at a time: two who move it together would set it back. */
let moved: Promise<void> = Promise.resolve();

/** A third of the time nothing passes, otherwise up to half of the retention. */
async function passTime(clock: FakeClock, random: Random): Promise<undefined> {
  if (randomInt(random, 3) === 0) return undefined;
  const byMs = randomInt(random, RETENTION_MS / 2);
  moved = moved.then(() => clock.advance(byMs));
  await moved;
  return undefined;
}

test(
  'memory: random concurrent operations answer as the plain model does',
  async () => {
    for (const seed of seedsUpTo(MEMORY_SEEDS)) {
      const clock = new FakeClock();
      const bounds = { retentionMs: RETENTION_MS, retentionEventsMax: RETENTION_EVENTS_MAX };
      const store = new MemoryStore({ clock, ...bounds });
      // Every other seed lets time pass; the rest checks that watches are complete.
      const disturb = seed % 2 === 0 ? (random: Random) => passTime(clock, random) : undefined;
      await runModel({ store, collection: 'core/pods', seed, clock, ...bounds, disturb });
      await store.close();
      expect(clock.pendingTimers).toBe(0);
    }
  },
  TIMEOUT_MS,
);

test(
  'embedded: random concurrent operations answer as the plain model does',
  async () => {
    const seeds = seedsUpTo(EMBEDDED_SEEDS);
    for (let at = 0; at < seeds.length; at += EMBEDDED_PER_STORE)
      await runInOneStore(seeds.slice(at, at + EMBEDDED_PER_STORE));
  },
  TIMEOUT_MS,
);

async function runInOneStore(seeds: readonly number[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'zeroplane-model-'));
  const clock = new FakeClock();
  const bounds = { retentionMs: RETENTION_MS, retentionEventsMax: RETENTION_EVENTS_MAX };
  const open = (): Promise<Store> => openEmbeddedStore({ directory, clock, ...bounds });
  let store = await open();
  for (let at = 0; at < seeds.length; at += EMBEDDED_AT_ONCE) {
    const group = seeds.slice(at, at + EMBEDDED_AT_ONCE);
    // One group in eight closes the store and opens it again between its steps, which only one seed at a time can do.
    const reopens = (at / EMBEDDED_AT_ONCE) % 8 === 7;
    if (!reopens)
      await Promise.all(
        group.map((seed) =>
          runModel({ store, collection: `model/${seed}`, seed, clock, ...bounds, disturb: quiet(seed, clock) }),
        ),
      );
    else
      for (const seed of group) {
        const disturb = async (random: Random): Promise<Store | undefined> => {
          await passTime(clock, random);
          if (randomInt(random, 6) > 0) return undefined;
          await store.close();
          store = await open();
          return store;
        };
        await runModel({ store, collection: `model/${seed}`, seed, clock, ...bounds, disturb });
      }
  }
  await store.close();
  await rm(directory, { recursive: true, force: true });
}

function quiet(seed: number, clock: FakeClock): ((random: Random) => Promise<undefined>) | undefined {
  return seed % 2 === 0 ? (random) => passTime(clock, random) : undefined;
}
