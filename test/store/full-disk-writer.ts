/**
 * The subject of the full disk test: writes two large objects at a time until the file may not grow any more, then tells what can still
 * be done. Argument: folder. Runs under a limit on file sizes.
 */
import { systemClock } from '../../lib/clock/system.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { isStoreError } from '../../lib/store/errors.js';

const COLLECTION = 'core/pods';
const BODY = Buffer.alloc(100_000, 'x');
const ROUNDS_MAX = 1_000;

const [directory] = process.argv.slice(2) as [string];
const store = await openEmbeddedStore({ directory, clock: systemClock });
let written = 0;
let refusal: unknown;
for (let round = 0; round < ROUNDS_MAX && refusal === undefined; round++)
  try {
    const keys = [`ns/${round}-a`, `ns/${round}-b`];
    await store.write(
      COLLECTION,
      keys.map((key) => ({ key, expect: 'absent', body: () => BODY })),
    );
    written += keys.length;
  } catch (error) {
    refusal = error;
  }
const again = await store
  .write(COLLECTION, [{ key: 'ns/again', expect: 'absent', body: () => BODY }])
  .catch((error: unknown) => error);
console.log(
  JSON.stringify({
    written,
    refusals: [refusal, again].map((error) => (isStoreError(error) ? [error.code, error.message] : String(error))),
    listed: (await store.list(COLLECTION)).items.length,
    revision: await store.revision(COLLECTION),
  }),
);
await store.close();
