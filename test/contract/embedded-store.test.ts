import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../lib/clock/fake.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { storeContract } from './store-contract.js';

const RETENTION_MS = 600_000;

storeContract('embedded', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'zeroplane-store-'));
  const clock = new FakeClock();
  const store = await openEmbeddedStore({ directory, clock, retentionMs: RETENTION_MS });
  return {
    store,
    feed: store,
    ageLog: () => clock.advance(RETENTION_MS * 1.1),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});
