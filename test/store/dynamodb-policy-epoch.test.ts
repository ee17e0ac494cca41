import { beforeEach, describe, expect, test } from 'vitest';
import { Catalog } from '../../functions/apiserver/registry/catalog.js';
import { POLICY_AGE_MAX_MS } from '../../functions/apiserver/registry/limits.js';
import { StoredObjects } from '../../functions/apiserver/registry/objects.js';
import { PolicyObjects } from '../../functions/apiserver/registry/policy-objects.js';
import { kinds } from '../../functions/apiserver/resources/index.js';
import { FakeClock, settle } from '../../lib/clock/fake.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { headKey, readHead } from '../../lib/store/dynamodb/items.js';
import { GRACE_MS } from '../../lib/store/dynamodb/limits.js';
import { TableError, type TransactionWrite } from '../../lib/store/dynamodb/table.js';
import { POLICY_EPOCH } from '../../lib/store/policy-epoch.js';
import type { WriteOperation } from '../../lib/store/store.js';
import { NO_FAULTS, TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { Bench, gate, never, put, shownList } from './dynamodb-bench.js';

const NAMESPACES = 'core/namespaces';
const ROLES = 'rbac.authorization.k8s.io/roles';
const EPOCH_KEY = headKey(`one/${POLICY_EPOCH}`);

let bench: Bench;
let other: DynamoDbStore;
beforeEach(() => {
  bench = new Bench();
  other = bench.store();
});

describe('the policy epoch', () => {
  test('has moved before the write can be seen, and who has seen it waits for the write', async () => {
    const before = await other.revision(POLICY_EPOCH);
    const { opened, open } = gate();
    const store = bench.store((table) => ({
      transactWrite: async (...args) => {
        await opened;
        return table.transactWrite(...args);
      },
    }));
    const writing = store.write(ROLES, [put('a', 'absent')]);
    await settle(20);
    expect(await other.revision(POLICY_EPOCH)).not.toBe(before);
    expect(await other.get(ROLES, 'a')).toBeUndefined();
    const listing = other.list(ROLES);
    await settle(20);
    open();
    expect(await bench.run(writing)).toEqual([2]);
    expect(shownList(await bench.run(listing))).toEqual(['a a@2']);
  });

  test('moves again for a write that needs another revision, so that who voided the first sees the second', async () => {
    const sent: TransactionWrite[][] = [];
    const { opened, open } = gate();
    const store = bench.store((table) => ({
      transactWrite: async (writes, token) => {
        sent.push([...writes]);
        if (sent.length === 1) await opened;
        return table.transactWrite(writes, token);
      },
    }));
    const writing = store.write(ROLES, [put('a', 'absent')]);
    await settle(20);
    const first = await other.revision(POLICY_EPOCH);
    const listing = other.list(ROLES);
    await bench.clock.advance(GRACE_MS + 1_000);
    expect(shownList(await bench.run(listing))).toEqual([]);
    open();
    expect(await bench.run(writing)).toEqual([3]);
    expect(await other.revision(POLICY_EPOCH)).not.toBe(first);
  });

  test('is left alone by what nobody decides by, and costs one request of one write unit otherwise', async () => {
    const store = bench.store();
    await store.write(ROLES, [put('a', 'absent')]);
    bench.double.takeConsumed();
    await store.write(ROLES, [put('a', 2)]);
    expect(bench.double.takeConsumed()).toMatchObject({ requests: 4, readUnits: 2, writeUnits: 6 });
    await store.write(ROLES, [{ ...put('a', 3), keepsPolicy: true }]);
    expect(bench.double.takeConsumed()).toMatchObject({ requests: 3, readUnits: 2, writeUnits: 5 });
  });

  test('that cannot be moved stops the write: nothing is stored, and nobody waits for it', async () => {
    const store = bench.store((table) => ({
      updateItem: (key, ...rest) =>
        key.pk === EPOCH_KEY.pk
          ? Promise.reject(new TableError('throttled', 'too fast'))
          : table.updateItem(key, ...rest),
    }));
    const writing = store.write(ROLES, [put('a', 'absent')]).catch((error: unknown) => error);
    expect(await bench.run(writing)).toMatchObject({ code: 'unavailable' });
    const startMs = bench.clock.now();
    expect(await bench.run(other.list(ROLES))).toEqual({ items: [], revision: 2 });
    expect(bench.clock.now()).toBe(startMs);
  });

  test('of a process that dies behind it does no harm', async () => {
    const store = bench.store(() => ({ transactWrite: () => never }));
    void store.write(ROLES, [put('a', 'absent')]);
    await settle(20);
    expect(readHead(bench.double.peek(EPOCH_KEY)).next).toBe(2);
    const listing = other.list(ROLES);
    await bench.clock.advance(GRACE_MS + 1_000);
    expect(shownList(await bench.run(listing))).toEqual([]);
  });

  test.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'a policy that is written anywhere is in force everywhere within a second (seed %i)',
    async (seed) => {
      const late = await findLate(seed, writeRoles);
      expect(late.checks).toBeGreaterThan(40);
      expect(late.found).toEqual([]);
    },
  );

  test.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'so is what is read by name, though its writer was still at it when the epoch moved (seed %i)',
    async (seed) => {
      const late = await findLate(seed, writeNamespaces);
      expect(late.checks).toBeGreaterThan(40);
      expect(late.found).toEqual([]);
    },
  );
});

const PROCESSES = 3;
const ROUNDS = 25;
const LATENCY_MAX_MS = 40;
const FAULTS = { ...NO_FAULTS, throttled: 0.05, conflict: 0.05, lost: 0.03, answerLost: 0.03, doubled: 0.03 };

/** One process, and what writers and readers share. */
interface Party {
  readonly index: number;
  readonly store: DynamoDbStore;
  readonly policies: PolicyObjects;
  now(): number;
  /** Waits for a random while. */
  pause(maxMs: number): Promise<void>;
}

/** What is written, and what a reader must see of it that began a second after its acknowledgement. */
interface Workload {
  /** Between a writer's writes: when they are rare, nobody's next one covers up what was missed of the last. */
  readonly pauseMaxMs: number;
  write(party: Party, round: number): Promise<void>;
  /** What is missing of what was acknowledged up to that moment. */
  missing(party: Party, acknowledgedByMs: number): Promise<string[]>;
}

/** Writers and readers in processes of their own, over a network with faults: reads that lack what was acknowledged a second before them. */
async function findLate(seed: number, workload: () => Workload): Promise<{ checks: number; found: string[] }> {
  const clock = new FakeClock(undefined, 1);
  const random = seededRandom(seed);
  const double = new TableDouble({ clock });
  const catalog = new Catalog(kinds);
  const pause = (maxMs: number): Promise<void> =>
    new Promise((resolve) => void clock.setTimer(randomInt(random, maxMs), resolve));
  const parties = Array.from({ length: PROCESSES }, (_, index): Party => {
    const network = { clock, random, latencyMaxMs: LATENCY_MAX_MS, lateMaxMs: 3_000, timeoutMs: 1_000 };
    const table = new TableConnection({ double, network, faults: FAULTS });
    const store = new DynamoDbStore({ table, clock, random, cluster: 'one' });
    const policies = new PolicyObjects({ store, objects: new StoredObjects(store, catalog), catalog, clock });
    return { index, store, policies, now: () => clock.now(), pause };
  });
  const { write, missing, pauseMaxMs } = workload();
  const found: string[] = [];
  let checks = 0;

  const writing = async (party: Party): Promise<void> => {
    for (let round = 0; round < ROUNDS; round++) {
      try {
        await write(party, round);
      } catch {
        // Refused, or nobody knows: nothing is promised.
      }
      await pause(pauseMaxMs);
    }
  };
  const reading = async (party: Party): Promise<void> => {
    for (let round = 0; round < ROUNDS * 2; round++) {
      const startMs = clock.now();
      try {
        for (const what of await missing(party, startMs - POLICY_AGE_MAX_MS))
          found.push(`${what} is missing at ${startMs}`);
        checks++;
      } catch {
        // The table did not answer in time.
      }
      await pause(pauseMaxMs / 2);
    }
  };
  let isDone = false;
  const all = Promise.all(parties.flatMap((party) => [writing(party), reading(party)])).then(() => (isDone = true));
  while (!isDone) {
    const next = clock.nextTimerMs;
    if (next === undefined) throw new Error('everybody waits for nothing');
    await clock.advance(Math.max(0, next - clock.now()));
  }
  await all;
  return { checks, found };
}

/** Ever more roles, all of them read. */
function writeRoles(): Workload {
  const acknowledged: { name: string; atMs: number }[] = [];
  return {
    pauseMaxMs: 800,
    async write({ index, store, now }, round) {
      const name = `role-${index}-${round}`;
      await store.write(ROLES, [role(name)]);
      acknowledged.push({ name, atMs: now() });
    },
    async missing({ policies }, byMs) {
      const must = acknowledged.filter(({ atMs }) => atMs < byMs);
      const all = await policies.list({ group: 'rbac.authorization.k8s.io', plural: 'roles' });
      const names = new Set(all.map(({ metadata }) => metadata?.name));
      return must.filter(({ name }) => !names.has(name)).map(({ name }) => name);
    },
  };
}

/** A namespace of each process, changed again and again, and read by its name. */
function writeNamespaces(): Workload {
  const acknowledged = new Map<number, { revision: number; atMs: number }[]>();
  return {
    pauseMaxMs: 20_000,
    async write({ index, store, now }) {
      const present = await store.get(NAMESPACES, `ns-${index}`);
      const [revision = 0] = await store.write(NAMESPACES, [namespace(`ns-${index}`, present?.revision ?? 'absent')]);
      acknowledged.set(index, [...(acknowledged.get(index) ?? []), { revision, atMs: now() }]);
    },
    async missing({ policies }, byMs) {
      const missing: string[] = [];
      const must = [...acknowledged].map(([index, writes]) => ({
        index,
        last: writes.findLast(({ atMs }) => atMs < byMs),
      }));
      for (const { index, last } of must) {
        if (last === undefined) continue;
        const read = await policies.get({ group: '', plural: 'namespaces' }, '', `ns-${index}`);
        if (Number(read?.metadata?.resourceVersion ?? 0) < last.revision) missing.push(`ns-${index}@${last.revision}`);
      }
      return missing;
    },
  };
}

function namespace(name: string, expected: number | 'absent'): WriteOperation {
  return {
    key: name,
    expect: expected,
    body: (revision) =>
      Buffer.from(
        JSON.stringify({ kind: 'Namespace', apiVersion: 'v1', metadata: { name, resourceVersion: String(revision) } }),
      ),
  };
}

function role(name: string): WriteOperation {
  const metadata = { namespace: 'default', name };
  return {
    key: `default/${name}`,
    expect: 'absent',
    body: (revision) =>
      Buffer.from(
        JSON.stringify({
          kind: 'Role',
          apiVersion: 'rbac.authorization.k8s.io/v1',
          metadata: { ...metadata, resourceVersion: String(revision) },
        }),
      ),
  };
}
