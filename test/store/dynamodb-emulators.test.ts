import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../lib/clock/system.js';
import { seededRandom, systemRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { SdkTable } from '../../lib/store/dynamodb/sdk-table.js';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.js';
import { MiniStack, whyNoMiniStack } from '../support/ministack.js';
import { PATIENT_WATCH_POLL_MS, PatientClock } from '../support/patient-clock.js';
import { NO_FAULTS } from '../support/table-connection.js';
import type { Faults } from '../support/table-connection.js';
import { DynamoDbWorld, WORLD_DEFAULTS } from './dynamodb-world.js';
import type { WorldOptions } from './dynamodb-world.js';
import { collectionModel, recordHistory } from './history.js';
import { findViolation } from './linearizability.js';
import { runModel } from './model-run.js';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

/** STORE_EMULATOR_SEEDS=n runs so many of each kind; one of each shows that it goes together at all. */
const SEEDS = Number(process.env['STORE_EMULATOR_SEEDS'] ?? 1);
const RETENTION_MS = 600_000;

/** What emulators never do by themselves. */
const FAULTS: Faults = {
  throttled: 0.05,
  conflict: 0.05,
  lost: 0.02,
  late: 0.03,
  answerLost: 0.03,
  doubled: 0.05,
  partial: 0.2,
};

const WORLDS: Record<string, Partial<WorldOptions>> = {
  'contention without faults': { faults: NO_FAULTS, killPart: 0 },
  'faults of every kind, and deaths between any two calls': { faults: FAULTS, killPart: 0.1 },
};

interface Emulator {
  client: DynamoDBClient;
  stop: () => void;
}

const EMULATORS: Record<string, { whyNot: () => string | undefined; start: () => Promise<Emulator> }> = {
  'DynamoDB Local': {
    whyNot: whyNoDynamoDbLocal,
    async start() {
      const local = await startDynamoDbLocal();
      await local.createTable('objects');
      return local;
    },
  },
  MiniStack: {
    whyNot: whyNoMiniStack,
    async start() {
      const emulator = await MiniStack.start();
      await emulator.createTable('objects');
      return { client: emulator.dynamoDb(), stop: () => emulator.stop() };
    },
  },
};

const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);

describe.each(Object.entries(EMULATORS))('%s', (_name, { whyNot, start }) => {
  const missing = whyNot();
  let emulator: Emulator;
  beforeEach((context) => {
    if (missing === undefined) return;
    Object.assign(context.task.meta, { skipReason: missing });
    context.skip(missing);
  });
  beforeAll(async () => {
    if (missing === undefined) emulator = await start();
  });
  afterAll(() => emulator?.stop());

  /** A store of one process that is patient with the emulator: what it hands out has no gaps. */
  function patientStore(cluster: string): { store: DynamoDbStore; clock: PatientClock } {
    const clock = new PatientClock();
    const store = new DynamoDbStore({
      table: new SdkTable({ client: emulator.client, tableName: 'objects', clock }),
      clock,
      random: systemRandom(),
      cluster,
      retentionMs: RETENTION_MS,
      watchPollMaxMs: PATIENT_WATCH_POLL_MS,
    });
    return { store, clock };
  }

  test('random concurrent operations answer as the plain model does', async () => {
    for (const seed of seeds) {
      const { store, clock } = patientStore(`model-${seed}`);
      await runModel({
        store,
        collection: 'core/pods',
        seed,
        clock,
        retentionMs: RETENTION_MS,
        retentionEventsMax: Infinity,
        remaining: false,
      });
      await store.close();
    }
  });

  test('recorded histories of concurrent clients are linearizable', async () => {
    let calls = 0;
    for (const seed of seeds) {
      const { store } = patientStore(`history-${seed}`);
      const history = await recordHistory({
        store,
        collection: 'core/pods',
        random: seededRandom(seed),
        clients: 4,
        callsPerClient: 20,
        keys: 2,
      });
      calls += history.length;
      expect(findViolation(history, collectionModel)).toBeUndefined();
      await store.close();
    }
    expect(calls).toBe(seeds.length * 80);
  });

  test.each(Object.entries(WORLDS))('many processes keep every promise of the protocol: %s', async (name, options) => {
    // Most of the time is waiting: they do it together.
    const reports = await Promise.all(
      seeds.map((seed) => {
        const table = new SdkTable({ client: emulator.client, tableName: 'objects', clock: systemClock });
        // Tokens of transactions come of the seed, and one table takes each of them once.
        const own = seed * Object.keys(WORLDS).length + Object.keys(WORLDS).indexOf(name);
        const remote = { table, clock: systemClock, cluster: `world-${own}` };
        return new DynamoDbWorld({ ...WORLD_DEFAULTS, ...options, seed: own, remote }).run();
      }),
    );
    expect(reports.flatMap(({ violations }) => violations).slice(0, 5)).toEqual([]);
    // On a busy machine most of what is tried times out.
    expect(reports.reduce((sum, { events }) => sum + events, 0)).toBeGreaterThan(reports.length);
  });
});
