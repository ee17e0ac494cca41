import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock/system.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import type { ChangeEvent, Store } from '../../lib/store/store.js';
import { bundleProgram, LineReader } from './child.js';

/** STORE_KILLS=n kills so often; STORE_SEED=n begins with that seed. */
const KILLS = Number(process.env['STORE_KILLS'] ?? 220);
const SEED = Number(process.env['STORE_SEED'] ?? 1);
/** A new folder after so many, so that also its creation is hit. */
const KILLS_PER_FOLDER = 20;
/** How long a victim lives after it has opened the folder. */
const LIFE_MS = 60;
/** Of one kind in five: how long after the process was started, so that opening and creating are hit too. */
const BIRTH_MS = 180;
const TIMEOUT_MS = 90_000 + KILLS * 1_000;

const COLLECTIONS = ['core/pods', 'core/configmaps'];

let program: { path: string; remove: () => Promise<void> };
beforeAll(async () => {
  program = await bundleProgram('kill-writer');
});
afterAll(() => program.remove());

/** What is known of one folder, from acknowledgements and from what was found in it before. */
class Expectation {
  /** Every event ever found, per collection; index 0 has revision 2. */
  readonly #found = new Map<string, string[]>(COLLECTIONS.map((name) => [name, []]));
  readonly #objects = new Map<string, Map<string, string>>(COLLECTIONS.map((name) => [name, new Map()]));

  /** Reads the store and compares. Returns how many new events there were, and how many of them had not been acknowledged. */
  async check(store: Store, acknowledged: readonly string[]): Promise<{ events: number; unacknowledged: number }> {
    let events = 0;
    for (const collection of COLLECTIONS) events += await this.#checkLog(store, collection);
    let ofAcknowledged = 0;
    for (const line of acknowledged) ofAcknowledged += this.#checkAcknowledged(line);
    for (const collection of COLLECTIONS) await this.#checkObjects(store, collection);
    return { events, unacknowledged: events - ofAcknowledged };
  }

  async #checkLog(store: Store, collection: string): Promise<number> {
    const found = this.#found.get(collection) as string[];
    const objects = this.#objects.get(collection) as Map<string, string>;
    const before = found.length;
    // What was found earlier must still be there, as far as the log reaches back: a revision is never used again.
    const overlap = Math.min(before, 200);
    let after = 1 + before - overlap;
    const fresh: string[] = [];
    for (;;) {
      const changes = await store.changes(collection, after);
      for (const event of changes.events) {
        expect(event.revision).toBe(++after);
        const text = shown(event);
        const known = found[event.revision - 2];
        if (known !== undefined) {
          expect(text).toBe(known);
          continue;
        }
        found.push(text);
        fresh.push(text);
        expect(event.previous === undefined ? undefined : textOf(event.previous)).toBe(objects.get(event.key));
        if (event.type === 'deleted') objects.delete(event.key);
        else objects.set(event.key, textOf(event.body));
      }
      if (changes.events.length === 0) break;
    }
    expect(after).toBe(found.length + 1);
    expect(await store.revision(collection)).toBe(found.length + 1);
    checkWholeGroups(fresh);
    return fresh.length;
  }

  #checkAcknowledged(line: string): number {
    const [, collection, label, revisions, keys] = line.split(' ') as [string, string, string, string, string];
    const names = keys.split(',');
    for (const [index, revision] of revisions.split(',').entries()) {
      const event = this.#found.get(collection)?.[Number(revision) - 2];
      if (event?.includes(` ${label} ${names[index]} ${revision} `) !== true)
        throw new Error(`acknowledged, but not found: ${line}; instead: ${event?.slice(0, 80)}`);
    }
    return names.length;
  }

  async #checkObjects(store: Store, collection: string): Promise<void> {
    const { items } = await store.list(collection);
    const expected = this.#objects.get(collection) as Map<string, string>;
    expect(new Map(items.map(({ key, body }) => [key, textOf(body)]))).toEqual(expected);
    for (const { key, revision, body } of items)
      expect([revision, textOf(body)]).toEqual([Number(textOf(body).split(' ')[2]), expected.get(key)]);
  }
}

/** Of a write with several objects all events are there, side by side. */
function checkWholeGroups(events: readonly string[]): void {
  for (let at = 0; at < events.length;) {
    const label = (events[at] as string).split(' ')[2] as string;
    const size = Number(label.split('/')[1]);
    const labels = events.slice(at, at + size).map((event) => event.split(' ')[2]);
    expect(labels).toEqual(Array.from({ length: size }, () => label));
    at += size;
  }
}

function shown(event: ChangeEvent): string {
  return `${event.type} ${event.key} ${textOf(event.body)}`;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** Starts a writer, kills it at a random moment, and returns what it said. */
async function killOne(directory: string, run: number): Promise<string[]> {
  const random = seededRandom(SEED + run);
  const child = spawn(process.execPath, [program.path, directory, String(SEED + run), String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const reader = new LineReader(child);
  const whileStarting = randomInt(random, 5) === 0;
  if (!whileStarting) await reader.waitFor((line) => line === 'ready');
  await new Promise((resolve) => setTimeout(resolve, randomInt(random, whileStarting ? BIRTH_MS : LIFE_MS)));
  expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  await reader.end();
  return reader.lines.filter((line) => line.startsWith('acknowledged '));
}

test(
  `${KILLS} kills lose no acknowledged write, use no revision twice and leave no half of a write`,
  async () => {
    const totals = { kills: 0, acknowledged: 0, events: 0, unacknowledged: 0 };
    while (totals.kills < KILLS) {
      const directory = await mkdtemp(join(tmpdir(), 'zeroplane-kill-'));
      const expectation = new Expectation();
      for (let count = 0; count < KILLS_PER_FOLDER && totals.kills < KILLS; count++) {
        const run = totals.kills++;
        const acknowledged = await killOne(directory, run);
        const store = await openEmbeddedStore({ directory, clock: systemClock, retentionEventsMax: 5_000 });
        const { events, unacknowledged } = await expectation.check(store, acknowledged).catch((error: unknown) => {
          throw new Error(`kill ${run} of seed ${SEED} in ${directory}: ${String(error)}`, { cause: error });
        });
        await store.close();
        totals.acknowledged += acknowledged.length;
        totals.events += events;
        totals.unacknowledged += unacknowledged;
      }
      await rm(directory, { recursive: true, force: true });
    }
    console.log(`kill test, seed ${SEED}:`, JSON.stringify(totals));
    // On a busy machine a life is a handful of writes.
    expect(totals.acknowledged).toBeGreaterThan(KILLS * 2);
    // That some writes were on disk but never acknowledged shows that kills fell between the two.
    expect(totals.unacknowledged).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
