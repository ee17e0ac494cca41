import { FakeClock } from '../../lib/clock/fake.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { storeContract } from './store-contract.js';

const RETENTION_MS = 600_000;

storeContract('memory', async () => {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock, retentionMs: RETENTION_MS });
  return { store, feed: store, ageLog: () => clock.advance(RETENTION_MS + 1) };
});
