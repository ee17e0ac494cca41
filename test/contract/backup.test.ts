import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../lib/clock/system.js';
import { FakeClock } from '../../lib/clock/fake.js';
import type { Clock } from '../../lib/clock/clock.js';
import { systemRandom } from '../../lib/random.js';
import { openEmbeddedRestore } from '../../lib/store/embedded/embedded-backup.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { DynamoDbRestorer } from '../../lib/store/dynamodb/restorer.js';
import { openDynamoDbStore } from '../../lib/store/dynamodb/open.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { POLICY_EPOCH } from '../../lib/store/policy-epoch.js';
import type { Store } from '../../lib/store/store.js';
import { TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { backupContract, type BackupAdapter } from './backup-contract.js';
import { codeOf, create, update } from './store-contract-helpers.js';

async function fill(store: Store, present: readonly { collection: string; key: string }[]): Promise<void> {
  for (const { collection, key } of present) await store.write(collection, [create(key)]);
}

const memory: BackupAdapter = {
  async make() {
    const store = new MemoryStore({ clock: systemClock });
    return { store, dispose: () => store.close() };
  },
  async makeTarget(present = []) {
    const store = new MemoryStore({ clock: systemClock });
    await fill(store, present);
    const policyEpoch = await store.revision(POLICY_EPOCH);
    return { policyEpoch, restorer: store.restorer(), open: async () => store, dispose: () => store.close() };
  },
};

const embedded: BackupAdapter = {
  async make() {
    const directory = await mkdtemp(join(tmpdir(), 'zeroplane-store-'));
    const store = await openEmbeddedStore({ directory, clock: systemClock });
    return {
      store,
      async dispose() {
        await store.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
  async makeTarget(present = []) {
    const directory = await mkdtemp(join(tmpdir(), 'zeroplane-store-'));
    const before = await openEmbeddedStore({ directory, clock: systemClock });
    await fill(before, present);
    const policyEpoch = await before.revision(POLICY_EPOCH);
    await before.close();
    const restorer = await openEmbeddedRestore(directory);
    let store: Store | undefined;
    return {
      policyEpoch,
      restorer,
      async open() {
        await restorer.close();
        const opened = await openEmbeddedStore({ directory, clock: systemClock });
        store = opened;
        return opened;
      },
      async dispose() {
        await store?.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
};

/** Waits pass at once, so that a cut does not take its grace period. */
const hastyClock: Clock = {
  now: () => systemClock.now(),
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs > 1_000 ? 1 : delayMs, callback),
};

function cloud(): Parameters<typeof openDynamoDbStore>[0] {
  const table = new TableConnection({ double: new TableDouble({ clock: hastyClock, pageSizeBytes: 4_096 }) });
  const heartbeatTable = new TableConnection({ double: new TableDouble({ clock: hastyClock }) });
  return { table, heartbeatTable, clock: hastyClock, random: systemRandom(), cluster: 'one' };
}

const dynamodb: BackupAdapter = {
  async make() {
    const store = openDynamoDbStore(cloud());
    return { store, dispose: () => store.close() };
  },
  async makeTarget(present = []) {
    const options = cloud();
    const store = openDynamoDbStore(options);
    await fill(store, present);
    const policyEpoch = await store.revision(POLICY_EPOCH);
    return {
      policyEpoch,
      restorer: new DynamoDbRestorer(options),
      open: async () => store,
      dispose: () => store.close(),
    };
  },
};

backupContract('memory', memory);
backupContract('embedded', embedded);
backupContract('dynamodb', dynamodb);

const LEASES = 'coordination.k8s.io/leases';

test('dynamodb: leases are in the backup, and can be renewed after it', async () => {
  const source = await dynamodb.make();
  const [first = 0] = await source.store.write(LEASES, [create('kube-node-lease/n1')]);
  const renewed = await source.store.write(LEASES, [update('kube-node-lease/n1', first, 'renewed')]);
  const { restorer, open } = await dynamodb.makeTarget([{ collection: LEASES, key: 'kube-node-lease/gone' }]);
  await restorer.begin();
  for (const [collection, revision] of await source.store.cut()) {
    await restorer.collection(collection, revision);
    await restorer.put(
      collection,
      (await source.store.list(collection, { continue: { revision, afterKey: '' } })).items,
    );
  }
  await restorer.finish();
  const restored = await open();
  const { items } = await restored.list(LEASES);
  expect(items.map(({ key, revision }) => [key, revision])).toEqual([['kube-node-lease/n1', renewed[0]]]);
  expect(
    await codeOf(restored.write(LEASES, [update('kube-node-lease/n1', renewed[0] ?? 0, 'again')])),
  ).toBeUndefined();
  expect(await codeOf(restored.write(LEASES, [create('kube-node-lease/gone')]))).toBeUndefined();
});

test('embedded: a restore that is cut short leaves a folder that says so, and can be repeated', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'zeroplane-store-'));
  try {
    const first = await openEmbeddedRestore(directory);
    expect(first.isUnfinished).toBe(false);
    await first.begin();
    await first.collection('core/pods', 50);
    await first.put('core/pods', [{ key: 'a', revision: 3, body: Buffer.from('a') }]);
    await first.close();
    const clock = new FakeClock();
    await expect(openEmbeddedStore({ directory, clock })).rejects.toMatchObject({
      code: 'unfinished',
      message: expect.stringContaining('run `zeroplane restore` again') as unknown,
    });

    const second = await openEmbeddedRestore(directory);
    expect(second.isUnfinished).toBe(true);
    await second.begin();
    await second.collection('core/pods', 60);
    await second.finish();
    await second.close();
    const store = await openEmbeddedStore({ directory, clock });
    expect(await store.list('core/pods')).toEqual({ items: [], revision: 60 });
    await store.close();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('dynamodb: a restore that is cut short is known as such, and can be repeated', async () => {
  const options = cloud();
  const first = new DynamoDbRestorer(options);
  expect(await first.isUnfinished()).toBe(false);
  await first.begin();
  await first.collection('core/pods', 50);
  await first.put('core/pods', [{ key: 'a', revision: 3, body: Buffer.from('a') }]);
  const second = new DynamoDbRestorer(options);
  expect(await second.isUnfinished()).toBe(true);
  await second.begin();
  await second.collection('core/pods', 60);
  await second.put('core/pods', [{ key: 'b', revision: 4, body: Buffer.from('b') }]);
  await second.finish();
  expect(await second.isUnfinished()).toBe(false);
  const { items } = await openDynamoDbStore(options).list('core/pods');
  expect(items.map(({ key }) => key)).toEqual(['b']);
});

test('dynamodb: two clusters of one table are backed up and restored apart', async () => {
  const options = cloud();
  const [one, two] = [openDynamoDbStore(options), openDynamoDbStore({ ...options, cluster: 'two' })];
  await one.write('core/pods', [create('a')]);
  await two.write('core/nodes', [create('b')]);
  expect([...(await one.cut()).keys()]).toEqual(['core/pods']);
  const restorer = new DynamoDbRestorer({ ...options, cluster: 'two' });
  await restorer.begin();
  await restorer.finish();
  expect((await two.list('core/nodes')).items).toEqual([]);
  expect((await one.list('core/pods')).items.map(({ key }) => key)).toEqual(['a']);
});
