import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expired } from '../api/errors.js';
import { configMaps, secrets } from './resources.js';
import { Replica, type IndexFunction } from './replica.js';
import { Replicas } from './replicas.js';
import type { V1ConfigMap } from '../schema/generated/types.js';
import { settle } from '../clock/fake.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';

let cluster: TestCluster;
let replica: Replica<V1ConfigMap>;

beforeEach(async () => {
  cluster = await startCluster();
  await cluster.advance(1000);
  replica = new Replica(cluster.client, configMaps, cluster.clock);
});

afterEach(async () => {
  replica.close();
  await cluster.close();
});

const make = (name: string, data: Record<string, string> = {}, owner?: string): Promise<V1ConfigMap> =>
  cluster.client.create(configMaps, {
    metadata: {
      namespace: 'default',
      name,
      ownerReferences:
        owner === undefined ? undefined : [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner }],
    },
    data,
  });

describe('a replica', () => {
  it('has every write that was acknowledged before it was asked', async () => {
    for (let count = 0; count < 50; count++) {
      const written = await make(`m-${count}`);
      const view = await replica.view();
      expect(view.get('default', `m-${count}`)?.metadata?.resourceVersion).toBe(written.metadata?.resourceVersion);
    }
    await cluster.client.delete(configMaps, { namespace: 'default', name: 'm-7' });
    expect((await replica.view()).get('default', 'm-7')).toBeUndefined();
  });

  it('shares one question between those who ask at the same time', async () => {
    await replica.view();
    await make('a');
    const views = await Promise.all(Array.from({ length: 20 }, () => replica.view()));
    for (const view of views) expect(view.get('default', 'a')).toBeDefined();
  });

  it('finds by namespace, owner and any index, and forgets with the object', async () => {
    const byColor: IndexFunction<V1ConfigMap> = (map) => (map.data?.color === undefined ? [] : [map.data.color]);
    const owner = (await make('owner')).metadata?.uid ?? '';
    await make('red', { color: 'red' }, owner);
    const view = await replica.view();
    expect(view.by(byColor, 'red').map((one) => one.metadata?.name)).toEqual(['red']);
    expect(view.ownedBy(owner).map((one) => one.metadata?.name)).toEqual(['red']);
    expect(view.list('default').map((one) => one.metadata?.name)).toContain('red');
    expect(view.list('other')).toEqual([]);
    await cluster.client.patch(configMaps, { namespace: 'default', name: 'red' }, 'merge', {
      metadata: { ownerReferences: null },
      data: { color: 'blue' },
    });
    const later = await replica.view();
    expect(later.by(byColor, 'red')).toEqual([]);
    expect(later.by(byColor, 'blue')).toHaveLength(1);
    expect(later.ownedBy(owner)).toEqual([]);
  });

  it('reads everything anew when the log no longer reaches back, and tells what changed meanwhile', async () => {
    await make('stays');
    await make('goes');
    let isCompacted = false;
    const behind = new Replica<V1ConfigMap>(
      {
        list: (resource, query) => cluster.client.list(resource, query),
        revision: (resource) => cluster.client.revision(resource),
        changes: (resource, query) => cluster.client.changes(resource, query),
        async *watch(resource, query) {
          if (!isCompacted) {
            await cluster.client.delete(configMaps, { namespace: 'default', name: 'goes' });
            await make('new');
            isCompacted = true;
            throw expired('too old resource version');
          }
          yield* cluster.client.watch(resource, query);
        },
      },
      configMaps,
      cluster.clock,
    );
    const seen: string[] = [];
    behind.onEvent(({ type, object }) => seen.push(`${type} ${object.metadata?.name}`));
    await behind.synced();
    await settle();
    const view = await behind.view();
    expect(view.get('default', 'goes')).toBeUndefined();
    expect(view.get('default', 'new')).toBeDefined();
    expect(seen).toEqual(expect.arrayContaining(['ADDED stays', 'ADDED goes', 'DELETED goes', 'ADDED new']));
    expect(seen.filter((one) => one === 'ADDED stays')).toHaveLength(1);
    behind.close();
  });

  it('tells of the end of an object that another has taken the place of meanwhile', async () => {
    const first = await make('same');
    let second: V1ConfigMap | undefined;
    const behind = new Replica<V1ConfigMap>(
      {
        list: (resource, query) => cluster.client.list(resource, query),
        revision: (resource) => cluster.client.revision(resource),
        changes: (resource, query) => cluster.client.changes(resource, query),
        async *watch(resource, query) {
          if (second === undefined) {
            await cluster.client.delete(configMaps, { namespace: 'default', name: 'same' });
            second = await make('same');
            throw expired('too old resource version');
          }
          yield* cluster.client.watch(resource, query);
        },
      },
      configMaps,
      cluster.clock,
    );
    const seen: string[] = [];
    behind.onEvent(({ type, object }) => {
      if (object.metadata?.name === 'same') seen.push(`${type} ${object.metadata.uid}`);
    });
    await behind.synced();
    await settle();
    await behind.view();
    expect(seen).toEqual([
      `ADDED ${first.metadata?.uid}`,
      `DELETED ${first.metadata?.uid}`,
      `ADDED ${second?.metadata?.uid}`,
    ]);
    behind.close();
  });

  it('rejects those who wait when it is closed', async () => {
    await replica.view();
    replica.close();
    await make('late');
    await expect(replica.view()).rejects.toThrow('closed');
  });
});

describe('the replicas of a process', () => {
  it('follow nothing any more once they are closed, whoever asks', async () => {
    const replicas = new Replicas(cluster.client, cluster.clock);
    await replicas.view(configMaps);
    replicas.close();
    await expect(replicas.view(configMaps)).rejects.toThrow('the replica is closed');
    await expect(replicas.view(secrets)).rejects.toThrow('the replica is closed');
    const timers = cluster.clock.pendingTimers;
    await cluster.advance(5_000);
    expect(cluster.clock.pendingTimers).toBeLessThanOrEqual(timers);
  });
});
