import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import type { V1ConfigMap } from '../schema/generated/types.js';
import { DoorbellRings, CATCH_UP_INTERVAL_MS } from '../work/doorbell-rings.js';
import { MemoryDoorbell } from '../work/memory-doorbell.js';
import { Replica } from './replica.js';
import { configMaps } from './resources.js';
import type { TransportRequest } from './transport.js';
import { Client } from './client.js';

let cluster: TestCluster;
let sent: TransportRequest[];
let counted: Client;

beforeEach(async () => {
  cluster = await startCluster();
  await cluster.advance(1000);
  sent = [];
  const inner = cluster.controlPlane.transport({ username: 'admin', groups: ['system:masters'] });
  counted = new Client({ send: (request) => (sent.push(request), inner.send(request)) }, 'test');
});

afterEach(() => cluster.close());

const make = (name: string): Promise<V1ConfigMap> =>
  cluster.client.create(configMaps, { metadata: { namespace: 'default', name } });

describe('a replica that looks when asked', () => {
  it('has every write acknowledged before, with one request a view', async () => {
    const replica = new Replica(counted, configMaps, cluster.clock, undefined, 'asked');
    await make('first');
    expect((await replica.view()).get('default', 'first')).toBeDefined();
    for (let count = 0; count < 20; count++) {
      const written = await make(`m-${count}`);
      sent = [];
      const view = await replica.view();
      expect(view.get('default', `m-${count}`)?.metadata?.resourceVersion).toBe(written.metadata?.resourceVersion);
      expect(view.resourceVersion).toBe(written.metadata?.resourceVersion);
      expect(sent).toHaveLength(1);
    }
    await cluster.client.delete(configMaps, { namespace: 'default', name: 'm-7' });
    const [one, other] = await Promise.all([replica.view(), replica.view()]);
    expect([one.get('default', 'm-7'), other.get('default', 'm-7')]).toEqual([undefined, undefined]);
    expect(cluster.clock.pendingTimers).toBeGreaterThan(0);
    replica.close();
    await expect(replica.view()).rejects.toThrow('closed');
  });

  it('takes in more than one answer of the log holds', async () => {
    const replica = new Replica(counted, configMaps, cluster.clock, undefined, 'asked');
    await replica.view();
    await Promise.all(Array.from({ length: 1_003 }, (_, count) => make(`many-${count}`)));
    expect(
      (await replica.view()).list('default').filter(({ metadata }) => metadata?.name?.startsWith('many-')),
    ).toHaveLength(1_003);
  });

  it('reads everything anew when the log no longer reaches back', async () => {
    const replica = new Replica(counted, configMaps, cluster.clock, undefined, 'asked');
    await make('goes');
    await replica.view();
    await cluster.client.delete(configMaps, { namespace: 'default', name: 'goes' });
    // The log is kept for an hour and a half at most.
    await cluster.advance(90 * 60_000);
    await make('stays');
    sent = [];
    const view = await replica.view();
    expect(sent.some(({ path }) => !path.includes('watch'))).toBe(true);
    expect(view.get('default', 'goes')).toBeUndefined();
    expect(view.get('default', 'stays')).toBeDefined();
  });
});

describe('a replica with a doorbell', () => {
  it('follows when it is rung, sees what its selector says, and looks now and then without any ring', async () => {
    const doorbell = new MemoryDoorbell(cluster.clock);
    await doorbell.add('node-1');
    const rings = new DoorbellRings({ listener: doorbell.listener('node-1'), clock: cluster.clock });
    const stop = new AbortController();
    const listening = rings.listen(stop.signal);
    const replica = new Replica(counted, configMaps, cluster.clock, 'metadata.namespace=default', rings);
    const seen: string[] = [];
    replica.onEvent(({ type, object }) => seen.push(`${type} ${object.metadata?.name}`));
    await replica.synced();
    seen.length = 0;
    await make('rung');
    await cluster.client.create(configMaps, { metadata: { namespace: 'kube-system', name: 'elsewhere' } });
    await cluster.advance(1_000);
    expect(seen).toEqual([]);
    await doorbell.ring('node-1', ['core/configmaps']);
    await cluster.advance(1_000);
    expect(seen).toEqual(['ADDED rung']);
    await make('silent');
    await doorbell.ring('node-1', ['core/pods']);
    await cluster.advance(2_000);
    expect(seen).toEqual(['ADDED rung']);
    await cluster.advance(CATCH_UP_INTERVAL_MS);
    expect(seen).toEqual(['ADDED rung', 'ADDED silent']);
    replica.close();
    stop.abort();
    await listening;
    doorbell.close();
  });
});
