import { expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import { sleep } from '../../lib/clock/clock.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import type { Random } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { drive } from '../support/drive.js';
import { NO_FAULTS, TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { runModel } from './model-run.js';

/** STORE_SEED=n runs that seed alone; STORE_SEEDS=n runs so many. */
const ONLY_SEED = process.env['STORE_SEED'];
const SEEDS = Number(process.env['STORE_SEEDS'] ?? 60);
const TIMEOUT_MS = 120_000 * Math.max(1, SEEDS / 60);

const RETENTION_MS = 600_000;
const PAGE_SIZE_BYTES = 300;
/** Rarely, since simulated hours pass. */
const WATCH_POLL_MAX_MS = 60_000;

/** One process: what it does at the same time meets in its queues, so revisions have no gaps; answers come short, and items expire. */
test(
  'dynamodb: random concurrent operations answer as the plain model does',
  async () => {
    const seeds = ONLY_SEED === undefined ? Array.from({ length: SEEDS }, (_, at) => at + 1) : [Number(ONLY_SEED)];
    for (const seed of seeds) {
      const clock = new FakeClock(undefined, 1);
      const random = seededRandom(seed);
      const double = new TableDouble({ clock, pageSizeBytes: PAGE_SIZE_BYTES });
      const network = { clock, random, latencyMaxMs: 10, lateMaxMs: 0, timeoutMs: 0 };
      const table = new TableConnection({ double, network, faults: { ...NO_FAULTS, partial: 0.3 } });
      const store = new DynamoDbStore({
        table,
        clock,
        random,
        cluster: 'model',
        retentionMs: RETENTION_MS,
        watchPollMaxMs: WATCH_POLL_MAX_MS,
      });
      const disturb = async (dice: Random): Promise<undefined> => {
        if (randomInt(dice, 3) > 0) await sleep(clock, randomInt(dice, RETENTION_MS / 2));
        double.expire(() => randomInt(dice, 2) === 0);
        return undefined;
      };
      const options = { store, collection: 'core/pods', seed, clock, retentionMs: RETENTION_MS, remaining: false };
      const quiet = seed % 2 === 0 ? { disturb } : {};
      await drive(clock, runModel({ ...options, retentionEventsMax: Infinity, ...quiet }));
      await store.close();
      expect(double.items().length).toBeGreaterThan(0);
    }
  },
  TIMEOUT_MS,
);
