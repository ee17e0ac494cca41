import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BackupFile, backupRecords, restoreBackup, writeBackupFile } from '../../lib/store/backup/index.js';
import type { BackupSource, Restorer } from '../../lib/store/backup/index.js';
import { POLICY_EPOCH } from '../../lib/store/policy-epoch.js';
import type { Store, StoredObject } from '../../lib/store/store.js';
import { codeOf, create, remove, update } from './store-contract-helpers.js';

/** What the suite needs to know of an adapter. */
export interface BackupHarness {
  store: Store & BackupSource;
  /** Releases the store and what it does not release itself. */
  dispose(): Promise<void>;
}

export interface RestoreHarness {
  restorer: Restorer;
  /** What was in force before the restore. */
  policyEpoch: number;
  /** The store that was restored, after `finish`. */
  open(): Promise<Store & BackupSource>;
  dispose(): Promise<void>;
}

export interface BackupAdapter {
  make(): Promise<BackupHarness>;
  /** An empty store, or one with the objects given. */
  makeTarget(present?: readonly { collection: string; key: string }[]): Promise<RestoreHarness>;
}

const DEPLOYMENTS = 'apps/deployments';
const PODS = 'core/pods';
const EMPTIED = 'batch/jobs';
const POLICY = 'scheduling.k8s.io/priorityclasses';
const CREATED_MS = Date.UTC(2026, 0, 1);
const NOW_MS = CREATED_MS + 60_000;

/** What every adapter has to keep of the promises of backup and restore. */
export function backupContract(name: string, adapter: BackupAdapter): void {
  describe(`${name}: backup and restore`, () => {
    let folder: string;
    let source: BackupHarness;
    const targets: RestoreHarness[] = [];

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'zeroplane-backup-'));
      source = await adapter.make();
    });
    afterEach(async () => {
      await source.dispose();
      for (const target of targets.splice(0)) await target.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    const target = async (...args: Parameters<BackupAdapter['makeTarget']>): Promise<RestoreHarness> => {
      const made = await adapter.makeTarget(...args);
      targets.push(made);
      return made;
    };

    const backUp = async (store: BackupSource): Promise<string> => {
      const file = join(folder, `${targets.length}.backup`);
      const description = { createdMs: CREATED_MS, store: name, version: 'test' };
      await writeBackupFile(file, backupRecords({ source: store, description }));
      return file;
    };

    const restoreInto = async (path: string, restorer: Restorer): Promise<void> => {
      const file = await BackupFile.open(path);
      try {
        await restoreBackup({ file, restorer, nowMs: NOW_MS });
      } finally {
        await file.close();
      }
    };

    const moved = async (...args: Parameters<BackupAdapter['makeTarget']>): Promise<Store> => {
      const path = await backUp(source.store);
      const { restorer, open } = await target(...args);
      await restoreInto(path, restorer);
      return open();
    };

    test('an empty store stays one', async () => {
      const restored = await moved();
      expect(await restored.collections()).toEqual([]);
    });

    test('objects of all collections come back with bytes and revisions, and none that was deleted', async () => {
      const { store } = source;
      const [web = 0] = await store.write(DEPLOYMENTS, [create('default/web')]);
      await store.write(DEPLOYMENTS, [update('default/web', web, 'new')]);
      await store.write(PODS, [create('default/a'), create('default/b'), create('kube-system/c')]);
      await store.write(PODS, [remove('default/b', (await store.get(PODS, 'default/b'))?.revision ?? 0)]);
      await store.write(PODS, [create('default/é𝄞￿')]);
      const before = new Map<string, StoredObject[]>();
      for (const collection of [DEPLOYMENTS, PODS]) before.set(collection, (await store.list(collection)).items);

      const restored = await moved();
      expect((await restored.collections()).sort()).toEqual([DEPLOYMENTS, PODS]);
      for (const [collection, items] of before) {
        const list = await restored.list(collection);
        expect(list.items.map(shown)).toEqual(items.map(shown));
        expect(list.revision).toBeGreaterThan((await store.list(collection)).revision);
        expect(await restored.revision(collection)).toBe(list.revision);
      }
      expect(await restored.get(PODS, 'default/b')).toBeUndefined();
      expect(shown((await restored.get(PODS, 'default/a')) as StoredObject)).toEqual(
        shown((await store.get(PODS, 'default/a')) as StoredObject),
      );
    });

    test('many objects, and one as large as there may be, come back page by page', async () => {
      const { store } = source;
      const large = Buffer.alloc(1_500_000);
      for (let at = 0; at < large.length; at++) large[at] = (at * 7919) % 251;
      await store.write(PODS, [{ key: 'large', expect: 'absent', body: () => large }]);
      const keys = Array.from({ length: 170 }, (_, index) => `default/p-${String(index).padStart(3, '0')}`);
      for (let at = 0; at < keys.length; at += 34)
        await store.write(
          PODS,
          keys.slice(at, at + 34).map((key) => create(key)),
        );

      const restored = await moved();
      const { items } = await restored.list(PODS);
      expect(items.map(({ key }) => key)).toEqual([...keys, 'large']);
      expect(Buffer.from((await restored.get(PODS, 'large'))?.body ?? []).equals(large)).toBe(true);
    });

    test('a collection whose objects are all gone keeps its revision', async () => {
      const { store } = source;
      const [job = 0] = await store.write(EMPTIED, [create('default/job')]);
      await store.write(EMPTIED, [remove('default/job', job)]);
      const restored = await moved();
      expect((await restored.list(EMPTIED)).items).toEqual([]);
      expect(await restored.revision(EMPTIED)).toBeGreaterThan(job + 1);
    });

    test('objects can be changed with the revision that clients know, and revisions go on above all of them', async () => {
      const { store } = source;
      const [web = 0] = await store.write(PODS, [create('default/web')]);
      await store.write(PODS, [create('default/other')]);
      const restored = await moved();
      const floor = await restored.revision(PODS);
      expect(await codeOf(restored.write(PODS, [update('default/web', web + 1)]))).toBe('conflict');
      expect(await restored.write(PODS, [update('default/web', web, 'changed')])).toEqual([floor + 1]);
      expect(await restored.write(PODS, [create('default/new')])).toEqual([floor + 2]);
      expect(await restored.write(PODS, [remove('default/other', web + 1)])).toEqual([floor + 3]);
      expect((await restored.list(PODS)).items.map(({ key, revision }) => [key, revision])).toEqual([
        ['default/new', floor + 2],
        ['default/web', floor + 1],
      ]);
    });

    test('a client that watches from before is told to list again, one that has listed misses nothing', async () => {
      const { store } = source;
      const [first = 0] = await store.write(PODS, [create('default/a'), create('default/b')]);
      const { continue: page } = await store.list(PODS, { limit: 1 });
      const restored = await moved();
      const { revision } = await restored.list(PODS);
      // As far as anybody can have come who went on with the old store.
      for (const after of [0, 1, first, first + 1, first + 1_000, revision - 1]) {
        expect(await codeOf(restored.changes(PODS, after))).toBe('compacted');
        const watching = restored.watch(PODS, after, AbortSignal.timeout(5_000))[Symbol.asyncIterator]();
        expect(await codeOf(watching.next())).toBe('compacted');
      }
      expect(await codeOf(restored.list(PODS, { limit: 1, continue: page }))).toBe('compacted');

      await restored.write(PODS, [update('default/a', first, 'changed'), remove('default/b', first + 1)]);
      const { events } = await restored.changes(PODS, revision);
      expect(events.map((event) => [event.type, event.key, event.revision, text(event.previous)])).toEqual([
        ['updated', 'default/a', revision + 1, `default/a@${first}`],
        ['deleted', 'default/b', revision + 2, `default/b@${first + 1}`],
      ]);
    });

    test('lists of a restored store can be continued while it changes', async () => {
      const { store } = source;
      await store.write(PODS, [create('a'), create('b'), create('c')]);
      const restored = await moved();
      const first = await restored.list(PODS, { limit: 1 });
      await restored.write(PODS, [update('b', 3), create('bb')]);
      const rest = await restored.list(PODS, { continue: first.continue });
      expect(rest.items.map(({ key, revision }) => [key, revision])).toEqual([
        ['b', 3],
        ['c', 4],
      ]);
    });

    test('what the target held goes, and its clients are told to list again', async () => {
      await source.store.write(PODS, [create('default/a')]);
      const restored = await moved([
        { collection: PODS, key: 'default/a' },
        { collection: PODS, key: 'default/gone' },
        { collection: DEPLOYMENTS, key: 'default/gone' },
      ]);
      expect((await restored.list(PODS)).items.map(shown)).toEqual([['default/a', 2, 'default/a@2']]);
      expect((await restored.list(DEPLOYMENTS)).items).toEqual([]);
      expect(await restored.get(PODS, 'default/gone')).toBeUndefined();
      expect(await codeOf(restored.changes(PODS, 2))).toBe('compacted');
      expect(await codeOf(restored.write(PODS, [create('default/gone')]))).toBeUndefined();
    });

    test('what is in force is another after the restore', async () => {
      await source.store.write(POLICY, [create('two')]);
      const path = await backUp(source.store);
      const { restorer, open, policyEpoch } = await target([{ collection: POLICY, key: 'one' }]);
      await restoreInto(path, restorer);
      expect(await (await open()).revision(POLICY_EPOCH)).not.toBe(policyEpoch);
    });

    test('a backup of a restored store, restored, goes on above', async () => {
      await source.store.write(PODS, [create('default/a')]);
      const restored = await moved();
      await restored.write(PODS, [create('default/b')]);
      const { revision } = await restored.list(PODS);
      const second = await target();
      await restoreInto(await backUp(restored as Store & BackupSource), second.restorer);
      const again = await second.open();
      const list = await again.list(PODS);
      expect(list.items.map(({ key, revision: at }) => [key, at])).toEqual([
        ['default/a', 2],
        ['default/b', revision],
      ]);
      expect(list.revision).toBeGreaterThan(revision);
    });
  });
}

function text(body: Uint8Array | undefined): string {
  return Buffer.from(body ?? []).toString();
}

function shown({ key, revision, body }: StoredObject): unknown[] {
  return [key, revision, text(body)];
}
