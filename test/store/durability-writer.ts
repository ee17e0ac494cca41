/**
 * The subject of the durability test: writes, measures each acknowledgement, and watches meanwhile whether anybody can see a
 * write before its acknowledgement. Says so as JSON lines. Arguments: folder, then `store` or, to show that the
 * test can fail, `unsafe` for LMDB that does not flush.
 */
import { writeSync } from 'node:fs';
import { open } from 'lmdb';
import { systemClock } from '../../lib/clock/system.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';

const COLLECTION = 'core/pods';
const SINGLE_WRITES = 4;
const BURST_WRITES = 24;
const STDOUT = 1;

const [directory, mode] = process.argv.slice(2) as [string, string];
const say = (value: unknown): void => void writeSync(STDOUT, `${JSON.stringify(value)}\n`);

async function timed(name: string, write: () => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  say({ begin: name });
  await write();
  say({ acknowledged: name, afterMs: Math.round(performance.now() - startMs) });
}

if (mode === 'unsafe') {
  const database = open<Buffer, string>({ path: directory, noSync: true, encoding: 'binary' });
  for (let index = 0; index < SINGLE_WRITES; index++)
    await timed(`unsafe ${index}`, () => database.put(`key ${index}`, Buffer.from('value')));
  process.exit(0);
}

const store = await openEmbeddedStore({ directory, clock: systemClock });
let acknowledged = 1;
let finished = false;

/** Reports the newest revision that any way of reading shows, when that is above what was acknowledged. */
function notice(way: string, revision: number): void {
  if (revision > acknowledged) say({ tooEarly: way, revision, acknowledged });
}
store.subscribe((_collection, events) => {
  // The feed comes first, in the turn of the acknowledgement; what it tells must be on disk all the same.
  say({ feed: events.at(-1)?.revision });
});
async function lookAround(): Promise<number> {
  let looks = 0;
  while (!finished) {
    const [listed, revision, changes, object] = await Promise.all([
      store.list(COLLECTION),
      store.revision(COLLECTION),
      store.changes(COLLECTION, 0),
      store.get(COLLECTION, 'ns/latest'),
    ]);
    notice('list', Math.max(listed.revision, ...listed.items.map((item) => item.revision)));
    notice('revision', revision);
    notice('changes', changes.revision);
    notice('get', object?.revision ?? 0);
    looks++;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return looks;
}
const looking = lookAround();

const write = async (key: string, expect: number | 'absent'): Promise<number> => {
  const [revision] = (await store.write(COLLECTION, [{ key, expect, body: () => Buffer.from(key) }])) as [number];
  acknowledged = Math.max(acknowledged, revision);
  return revision;
};
let latest: number | 'absent' = 'absent';
for (let index = 0; index < SINGLE_WRITES; index++)
  await timed(`single ${index}`, async () => {
    latest = await write('ns/latest', latest);
  });
await timed('burst', () =>
  Promise.all(
    Array.from({ length: BURST_WRITES }, (_, index) =>
      timed(`of the burst ${index}`, () => write(`ns/${index}`, 'absent')),
    ),
  ),
);
finished = true;
say({ looks: await looking });
await store.close();
