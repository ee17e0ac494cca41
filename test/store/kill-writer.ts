/**
 * The victim of the kill test: writes to a data folder until it is killed, and says on stdout what was acknowledged.
 * Arguments: folder, seed, a number that no other run has.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../lib/clock/system.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { isStoreError } from '../../lib/store/errors.js';
import type { WriteOperation } from '../../lib/store/store.js';

const WRITERS = 6;
const KEYS = 40;
const COLLECTIONS = ['core/pods', 'core/configmaps'];
const STDOUT = 1;

const [directory, seed, run] = process.argv.slice(2) as [string, string, string];
const random = seededRandom(Number(seed));
const store = await openEmbeddedStore({ directory, clock: systemClock, retentionEventsMax: 5_000 });
/** One write call is less than what a pipe takes at once, so a line is there as a whole or not at all. */
const say = (line: string): void => void writeSync(STDOUT, `${line}\n`);
say('ready');

let group = 0;
const known = new Map<string, number | 'absent'>();

async function writeOne(): Promise<void> {
  const collection = COLLECTIONS[randomInt(random, COLLECTIONS.length)] as string;
  const size = randomInt(random, 3) === 0 ? 2 + randomInt(random, 4) : 1;
  const keys = [...new Set(Array.from({ length: size }, () => `ns/k${randomInt(random, KEYS)}`))];
  const label = `${run}.${group++}/${keys.length}`;
  const operations: WriteOperation[] = [];
  for (const key of keys) {
    const id = `${collection} ${key}`;
    const expect = known.get(id) ?? (await store.get(collection, key))?.revision ?? 'absent';
    const filler = 'x'.repeat(randomInt(random, 3_000));
    operations.push({
      key,
      expect,
      delete: expect !== 'absent' && randomInt(random, 4) === 0,
      body: (revision) => Buffer.from(`${label} ${key} ${revision} ${filler}`),
    });
  }
  try {
    const revisions = await store.write(collection, operations);
    say(`acknowledged ${collection} ${label} ${revisions.join(',')} ${keys.join(',')}`);
    operations.forEach((operation, index) =>
      known.set(`${collection} ${operation.key}`, operation.delete === true ? 'absent' : (revisions[index] as number)),
    );
  } catch (error) {
    if (!isStoreError(error, 'conflict')) throw error;
    for (const { key } of operations)
      known.set(`${collection} ${key}`, (await store.get(collection, key))?.revision ?? 'absent');
  }
}

await Promise.all(
  Array.from({ length: WRITERS }, async () => {
    for (;;) await writeOne();
  }),
);
