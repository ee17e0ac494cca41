import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../lib/clock/fake.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import { POLICY_EPOCH } from '../../../lib/store/policy-epoch.js';
import type { Store } from '../../../lib/store/store.js';
import { kinds } from '../resources/index.js';
import { Catalog } from './catalog.js';
import { POLICY_AGE_MAX_MS } from './limits.js';
import { StoredObjects } from './objects.js';
import { PolicyObjects } from './policy-objects.js';

const ROLES = { group: 'rbac.authorization.k8s.io', plural: 'roles' };
const ROLES_COLLECTION = 'rbac.authorization.k8s.io/roles';
const QUOTAS = { group: '', plural: 'resourcequotas' };
const NAMESPACES = { group: '', plural: 'namespaces' };

let clock: FakeClock;
let store: Store;
let asked: string[];
let policies: PolicyObjects;
beforeEach(() => {
  clock = new FakeClock();
  const memory = new MemoryStore({ clock });
  asked = [];
  const note = <T>(what: string, collection: string, answer: T): T => {
    asked.push(`${what} ${collection}`);
    return answer;
  };
  store = new Proxy<Store>(memory, {
    get(_target, name: keyof Store) {
      const method = memory[name].bind(memory) as (...args: unknown[]) => unknown;
      return name === 'write' || name === 'close'
        ? method
        : (collection: string, ...rest: unknown[]) => note(name, collection, method(collection, ...rest));
    },
  });
  const catalog = new Catalog(kinds);
  policies = new PolicyObjects({ store, objects: new StoredObjects(store, catalog), catalog, clock });
});

/** Another server writes. */
async function write(collection: string, key: string, expected: number | 'absent', remove = false): Promise<void> {
  const [namespace, name] = key.includes('/') ? key.split('/') : ['', key];
  const body = (revision: number): Uint8Array =>
    Buffer.from(JSON.stringify({ metadata: { namespace, name, resourceVersion: String(revision) } }));
  await store.write(collection, [{ key, expect: expected, body, delete: remove }]);
}

const names = async (namespace?: string): Promise<(string | undefined)[]> =>
  (await policies.list(ROLES, namespace)).map(({ metadata }) => metadata?.name);

const takeAsked = (): string[] => asked.splice(0);

describe('policy in memory', () => {
  test('costs one read a second for all collections together while nothing moves', async () => {
    await write(ROLES_COLLECTION, 'default/a', 'absent');
    await names();
    await policies.list(QUOTAS);
    takeAsked();
    await names();
    await policies.list(QUOTAS, 'default');
    expect(takeAsked()).toEqual([]);
    await clock.advance(POLICY_AGE_MAX_MS);
    await Promise.all([names(), names(), policies.list(QUOTAS)]);
    expect(takeAsked()).toEqual([`revision ${POLICY_EPOCH}`]);
  });

  test('first reads what there is, and of a kind that was never written only that', async () => {
    await policies.list(QUOTAS);
    expect(takeAsked()).toEqual([`revision ${POLICY_EPOCH}`, 'revision core/resourcequotas']);
  });

  test('follows the log when the epoch has moved, and keeps its array when this kind has not', async () => {
    await write(ROLES_COLLECTION, 'default/b', 'absent');
    await write(ROLES_COLLECTION, 'other/c', 'absent');
    expect(await names()).toEqual(['b', 'c']);
    const before = await policies.list(ROLES);
    await write('core/namespaces', 'x', 'absent');
    await clock.advance(POLICY_AGE_MAX_MS);
    takeAsked();
    expect(await policies.list(ROLES)).toBe(before);
    expect(takeAsked()).toEqual([`revision ${POLICY_EPOCH}`, `changes ${ROLES_COLLECTION}`]);

    await write(ROLES_COLLECTION, 'default/a', 'absent');
    await write(ROLES_COLLECTION, 'other/c', 3, true);
    expect(await names()).toEqual(['b', 'c']);
    await clock.advance(POLICY_AGE_MAX_MS);
    expect(await names()).toEqual(['a', 'b']);
    expect(await names('other')).toEqual([]);
    expect(await names('default')).toEqual(['a', 'b']);
    // What has not changed is the same object.
    expect((await policies.list(ROLES))[1]).toBe(before[0]);
  });

  test('is current at once as to writes of this server', async () => {
    expect(await names()).toEqual([]);
    await write(ROLES_COLLECTION, 'default/a', 'absent');
    expect(await names()).toEqual([]);
    policies.wrote(ROLES_COLLECTION);
    expect(await names()).toEqual(['a']);
  });

  test('one object is read once while nothing moves, and looked for anew when it is not there', async () => {
    expect(await policies.get(NAMESPACES, '', 'a')).toBeUndefined();
    await write('core/namespaces', 'a', 'absent');
    expect(await policies.get(NAMESPACES, '', 'a')).toMatchObject({ metadata: { name: 'a', resourceVersion: '2' } });
    takeAsked();
    expect(await policies.get(NAMESPACES, '', 'a')).toMatchObject({ metadata: { name: 'a' } });
    expect(takeAsked()).toEqual([]);
    await write('core/namespaces', 'a', 2);
    await clock.advance(POLICY_AGE_MAX_MS);
    expect(await policies.get(NAMESPACES, '', 'a')).toMatchObject({ metadata: { resourceVersion: '3' } });
    await write('core/namespaces', 'a', 3, true);
    policies.wrote('core/namespaces');
    expect(await policies.get(NAMESPACES, '', 'a')).toBeUndefined();
  });

  test('a reading that fails is not kept', async () => {
    const broken = new PolicyObjects({
      store: new Proxy(store, {
        get: (target, name: keyof Store) =>
          name === 'revision' && clock.now() === startMs ? () => Promise.reject(new Error('away')) : target[name],
      }),
      objects: new StoredObjects(store, new Catalog(kinds)),
      catalog: new Catalog(kinds),
      clock,
    });
    const startMs = clock.now();
    await expect(broken.list(ROLES)).rejects.toThrow('away');
    await clock.advance(1);
    expect(await broken.list(ROLES)).toEqual([]);
  });

  test('a kind whose writes do not move the epoch is refused: it would never be seen to change', async () => {
    await expect(policies.list({ group: '', plural: 'configmaps' })).rejects.toThrow('POLICY_COLLECTIONS');
  });
});
