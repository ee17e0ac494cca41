import { describe, expect, test } from 'vitest';
import type { Table } from '../../lib/store/dynamodb/table.js';
import { NO_FAULTS } from '../support/table-connection.js';
import type { Faults } from '../support/table-connection.js';
import { DynamoDbWorld, WORLD_DEFAULTS } from './dynamodb-world.js';
import type { WorldOptions, WorldReport } from './dynamodb-world.js';

/** STORE_SEED=n runs that seed alone; STORE_SEEDS=n runs so many of each kind. */
const ONLY_SEED = process.env['STORE_SEED'];
const SEEDS = Number(process.env['STORE_SEEDS'] ?? 60);
const TIMEOUT_MS = 120_000 * Math.max(1, SEEDS / 60);

const FAULTS: Faults = {
  throttled: 0.05,
  conflict: 0.05,
  lost: 0.03,
  late: 0.04,
  answerLost: 0.04,
  doubled: 0.05,
  partial: 0.2,
};

const WORLDS: Record<string, Partial<WorldOptions>> = {
  'contention without faults': { faults: NO_FAULTS, killPart: 0 },
  'faults of every kind': { faults: FAULTS },
  'deaths between any two calls': { faults: { ...NO_FAULTS, partial: 0.2 }, killPart: 0.3, clients: 5 },
  'faults, deaths and clocks that differ': { faults: FAULTS, killPart: 0.1, skewMaxMs: 500 },
  'expiry without order, under faults': {
    faults: FAULTS,
    killPart: 0.05,
    retentionMs: 100_000,
    expires: true,
    callsPerClient: 25,
  },
};

async function runSeeds(options: Partial<WorldOptions>, count: number): Promise<WorldReport[]> {
  const reports: WorldReport[] = [];
  const seeds = ONLY_SEED === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(ONLY_SEED)];
  for (const seed of seeds) reports.push(await new DynamoDbWorld({ ...WORLD_DEFAULTS, ...options, seed }).run());
  return reports;
}

function sum(
  reports: readonly WorldReport[],
  name: 'events' | 'voids' | 'lost' | 'compacted' | 'unknown' | 'kills',
): number {
  return reports.reduce((total, report) => total + report[name], 0);
}

describe('many processes over one table keep every promise of the protocol', () => {
  test.each(Object.entries(WORLDS))(
    '%s',
    async (name, options) => {
      const reports = await runSeeds(options, SEEDS);
      const names = ['events', 'voids', 'lost', 'compacted', 'unknown', 'kills'] as const;
      console.log(name, JSON.stringify(Object.fromEntries(names.map((each) => [each, sum(reports, each)]))));
      expect(reports.flatMap(({ violations }) => violations).slice(0, 5)).toEqual([]);
      expect(sum(reports, 'events')).toBeGreaterThan(reports.length * 5);
    },
    TIMEOUT_MS,
  );

  test('a seed replays exactly', async () => {
    const options = { ...WORLD_DEFAULTS, ...WORLDS['faults, deaths and clocks that differ'], seed: 7 };
    const [first, second] = [await new DynamoDbWorld(options).run(), await new DynamoDbWorld(options).run()];
    expect(second.trace).toBe(first.trace);
  });
});

describe('which is a real statement: processes with planted defects are found out', () => {
  const defects: Record<string, { world: Partial<WorldOptions>; plant: (table: Table) => Table }> = {
    'reads that do not wait for transactions (txGet)': {
      world: { faults: NO_FAULTS, keys: 2, clients: 6 },
      plant: (table) => overlay(table, { transactGet: (keys) => Promise.all(keys.map((key) => table.getItem(key))) }),
    },
    'voids whether or not the slot is empty (condVoid)': {
      world: { faults: { ...NO_FAULTS, late: 0.3, answerLost: 0.1 } },
      plant: (table) =>
        overlay(table, {
          putItem: (item, condition) => table.putItem(item, item['kind'] === 'void' ? undefined : condition),
        }),
    },
    'a cancelled transaction taken for a refused one (slotFirst)': {
      world: { faults: { ...NO_FAULTS, doubled: 0.5 } },
      plant: (table) => {
        // Shows an own event as a void of somebody else, which is what not looking at it comes to.
        const own = new Set<string>();
        return overlay(table, {
          transactWrite: (writes, token) => {
            own.add(token);
            return table.transactWrite(writes, token);
          },
          transactGet: async (keys) =>
            (await table.transactGet(keys)).map((item) =>
              item !== undefined && own.has(String(item['op'])) ? { ...item, op: 'of somebody else' } : item,
            ),
        });
      },
    },
    'tombstones taken for nothing (tombstone)': {
      world: { faults: { ...NO_FAULTS, late: 0.3 }, keys: 1, clients: 6 },
      plant: (table) =>
        overlay(table, {
          transactWrite: (writes, token) =>
            table.transactWrite(
              writes.map((write) => {
                if (!('put' in write) || write.condition?.kind !== 'equals') return write;
                const orGone = { kind: 'present', name: 'gone' } as const;
                return { ...write, condition: { kind: 'any', of: [write.condition, orGone] } as const };
              }),
              token,
            ),
        }),
    },
  };

  test.each(Object.entries(defects))(
    '%s',
    async (_what, { world, plant }) => {
      for (let seed = 1; seed <= 60; seed++) {
        const { violations } = await new DynamoDbWorld({ ...WORLD_DEFAULTS, ...world, plant, seed }).run();
        if (violations.length > 0) return;
      }
      throw new Error('nothing was noticed');
    },
    TIMEOUT_MS,
  );
});

function overlay(table: Table, changed: Partial<Table>): Table {
  return {
    getItem: (...args) => table.getItem(...args),
    query: (...args) => table.query(...args),
    transactGet: (...args) => table.transactGet(...args),
    batchGet: (...args) => table.batchGet(...args),
    putItem: (...args) => table.putItem(...args),
    updateItem: (...args) => table.updateItem(...args),
    transactWrite: (...args) => table.transactWrite(...args),
    ...changed,
  };
}
