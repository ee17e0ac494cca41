import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SimulatedNode } from '../../agent/simulated-node.js';
import { configMaps, deployments, events, namespaces, nodes, pods, services } from '../../lib/client/resources.js';
import { inspectCertificate, isIssuedBy } from '../../lib/pki/index.js';
import type { SQSEvent } from 'aws-lambda';
import { dispatcherFunction } from '../../functions/dispatcher/function.js';
import { CloudCluster, CONTEXT } from '../support/cloud-cluster.js';

// Other tests are at work on the same machine.
vi.setConfig({ testTimeout: 180_000 });

let cluster: CloudCluster;
afterEach(() => cluster.stop());

const deployment = (replicas: number, image = 'one') => ({
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
  },
});

/** Throws unless so many pods of the image run. */
async function assertRunning(count: number, image = 'one'): Promise<void> {
  const { items } = await cluster.client.list(pods, { namespace: 'default' });
  const states = items.map(({ status, spec }) => `${status?.phase} ${spec?.containers[0]?.image} ${spec?.nodeName}`);
  const running = items.filter(
    ({ status, spec, metadata }) =>
      status?.phase === 'Running' && spec?.containers[0]?.image === image && metadata?.deletionTimestamp === undefined,
  );
  expect([items.length, running.length, states]).toEqual([count, count, states]);
}

describe('the control plane as functions', () => {
  it('a deployment is made, bound, run, rolled out and scaled through stream, queues and doorbells alone', async () => {
    cluster = new CloudCluster({ nodes: 2 });
    await cluster.start();
    await cluster.client.create(deployments, deployment(4));
    const tookMs = await cluster.until(() => assertRunning(4), 60_000);
    expect(tookMs).toBeLessThan(15_000);
    await cluster.client.patch(deployments, { namespace: 'default', name: 'web' }, 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'two' }] } } },
    });
    await cluster.until(() => assertRunning(4, 'two'), 120_000);
    await cluster.client.patch(deployments, { namespace: 'default', name: 'web' }, 'merge', { spec: { replicas: 1 } });
    await cluster.until(() => assertRunning(1, 'two'), 120_000);
  });

  it.each([1, 2])(
    'goes to the same end when requests fail and messages are lost, doubled and late (seed %i)',
    async (seed) => {
      cluster = new CloudCluster({
        seed,
        nodes: 2,
        tableFaults: {
          throttled: 0.02,
          conflict: 0.02,
          lost: 0.01,
          late: 0.01,
          answerLost: 0.01,
          doubled: 0.01,
          partial: 0.05,
        },
        messageFaults: { lost: 0.1, doubled: 0.1, late: 0.2, lateMaxMs: 20_000, unavailable: 0.05 },
        streamFaults: { doubled: 0.1, lost: 0.05 },
      });
      await cluster.start();
      await cluster.drive(cluster.client.create(deployments, deployment(6)).catch(() => undefined));
      await cluster.clock.advance(45_000);
      cluster.calm();
      await cluster.drive(cluster.client.create(deployments, deployment(6)).catch(() => undefined));
      // What was lost comes with a resync at the latest.
      await cluster.until(() => assertRunning(6), 900_000);
    },
  );

  it('a node that falls silent loses its pods to another', async () => {
    cluster = new CloudCluster({ nodes: 2 });
    await cluster.start();
    await cluster.client.create(deployments, deployment(4));
    await cluster.until(() => assertRunning(4), 60_000);
    // A heartbeat comes every 30 s: nobody is given up for one that is late.
    await cluster.clock.advance(300_000);
    const ready = (await cluster.client.list(nodes)).items.flatMap(({ status }) =>
      (status?.conditions ?? []).filter(({ type }) => type === 'Ready'),
    );
    expect(ready.map(({ status }) => status)).toEqual(['True', 'True']);
    expect((await cluster.client.list(events)).items.map(({ reason }) => reason)).not.toContain('NodeNotReady');
    await cluster.drive((cluster.nodes.nodes.get('node-1') as SimulatedNode).kubelet.stop());
    await cluster.until(async () => {
      const { items } = await cluster.client.list(pods, { namespace: 'default' });
      const there = items.filter(({ status, spec }) => status?.phase === 'Running' && spec?.nodeName === 'node-2');
      expect(there).toHaveLength(4);
    }, 400_000);
  });

  it('what EC2 says of an instance is known at once of its node', async () => {
    cluster = new CloudCluster({ nodes: 0 });
    await cluster.start();
    const name = 'i-0123456789abcdef0';
    await cluster.client.create(nodes, {
      metadata: { name },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const dispatcher = dispatcherFunction(cluster.parts('dispatcher'));
    const tell = (type: string, detail: object): Promise<unknown> =>
      cluster.drive(dispatcher({ source: 'aws.ec2', 'detail-type': type, detail } as unknown as SQSEvent, CONTEXT));
    await tell('EC2 Spot Instance Interruption Warning', { 'instance-id': name });
    expect((await cluster.client.get(nodes, { name })).spec?.unschedulable).toBe(true);
    await tell('EC2 Instance State-change Notification', { 'instance-id': name, state: 'stopping' });
    const { status } = await cluster.client.get(nodes, { name });
    expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'Unknown' });
    await tell('EC2 Instance State-change Notification', { 'instance-id': 'i-00000000000000000', state: 'terminated' });
    await tell('EC2 Instance State-change Notification', { 'instance-id': '../secrets', state: 'terminated' });
    expect(await cluster.client.find(nodes, { name })).toBeDefined();
    await tell('EC2 Instance State-change Notification', { 'instance-id': name, state: 'terminated' });
    expect(await cluster.client.find(nodes, { name })).toBeUndefined();
  });

  it('API servers behind this one can learn by whose certificate it speaks for others', async () => {
    cluster = new CloudCluster({ nodes: 1 });
    await cluster.start();
    const text = cluster.parameters.texts.get('/front-proxy') ?? '';
    await cluster.until(async () => {
      const told = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
      const { data } = await cluster.client.get(configMaps, told);
      expect(data?.['requestheader-client-ca-file']?.trim()).toBe(
        text.slice(0, text.indexOf('-----BEGIN PRIVATE')).trim(),
      );
      expect(data?.['requestheader-allowed-names']).toBe('["front-proxy-client"]');
      // One who can speak for anybody is nobody whom the cluster's own authority has signed for.
      expect(data?.['client-ca-file']).not.toBe(data?.['requestheader-client-ca-file']);
    }, 120_000);
    const { frontProxy } = cluster.api;
    expect(inspectCertificate(frontProxy?.identity.cert ?? '').commonName).toBe('front-proxy-client');
    expect(isIssuedBy(frontProxy?.identity.cert ?? '', frontProxy?.caCertificate ?? '')).toBe(true);
  });

  it('a doorbell comes with its node and goes with it', async () => {
    cluster = new CloudCluster({ nodes: 1 });
    await cluster.start();
    const bells = (): string[] => cluster.sqs.names().filter((name) => name.includes('-node-'));
    await cluster.until(async () => expect(bells()).toHaveLength(1), 30_000);
    await cluster.drive((cluster.nodes.nodes.get('node-1') as SimulatedNode).kubelet.stop());
    await cluster.client.delete(nodes, { name: 'node-1' });
    await cluster.until(async () => expect(bells()).toEqual([]), 30_000);
  });

  it('a dead letter becomes an Event on the object that its key names', async () => {
    cluster = new CloudCluster({ nodes: 1 });
    await cluster.start();
    await cluster.client.create(deployments, deployment(1));
    await cluster.until(() => assertRunning(1), 60_000);
    const letter = { controller: 'deployment', key: 'default/web', deduplicationId: 'x', attempt: 0 };
    const send = (body: string, id: string): Promise<unknown> =>
      cluster.sqs.send(cluster.deadUrl, [{ body, group: id, deduplicationId: id }]);
    await send(JSON.stringify(letter), 'one');
    await send('no message of ours', 'two');
    await cluster.until(async () => {
      const { items } = await cluster.client.list(events, { namespace: 'default' });
      const found = items.filter(
        ({ reason, involvedObject }) => reason === 'ReconcileFailed' && involvedObject.name === 'web',
      );
      expect(found).toHaveLength(1);
      expect(cluster.sqs.bodies(cluster.deadUrl)).toEqual([]);
    }, 130_000);
  });

  it('after the deletion of its namespace nothing is left of what was in it, but what expires', async () => {
    cluster = new CloudCluster({ nodes: 1 });
    await cluster.start();
    await cluster.client.create(namespaces, { metadata: { name: 'short' } });
    const web = deployment(2);
    await cluster.client.create(deployments, { ...web, metadata: { ...web.metadata, namespace: 'short' } });
    await cluster.client.create(services, {
      metadata: { namespace: 'short', name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await cluster.until(async () => {
      const { items } = await cluster.client.list(pods, { namespace: 'short' });
      expect(items.filter(({ status }) => status?.phase === 'Running')).toHaveLength(2);
    }, 60_000);
    await cluster.client.delete(namespaces, { name: 'short' });
    await cluster.until(async () => {
      expect(await cluster.client.find(namespaces, { name: 'short' })).toBeUndefined();
    }, 300_000);
    await cluster.clock.advance(60_000);
    const left = cluster.table
      .items()
      .filter(({ sk, pk }) => `${pk}/${sk}`.includes('short') || sk.endsWith('o/short'))
      .filter((item) => typeof item['ttl'] !== 'number');
    expect(left).toEqual([]);
  });

  it('the sweep is on while there are nodes or changes, and off when there is neither', async () => {
    cluster = new CloudCluster({ nodes: 1 });
    await cluster.start();
    await cluster.clock.advance(10_000);
    expect(cluster.ruleStates).toEqual([true]);
    await cluster.clock.advance(40 * 60_000);
    // Switched on again with changes that are rare: it costs nothing.
    expect(cluster.ruleStates).not.toContain(false);
    await cluster.drive((cluster.nodes.nodes.get('node-1') as SimulatedNode).kubelet.stop());
    await cluster.client.delete(nodes, { name: 'node-1' });
    // They would live for an hour, and their end is a change too.
    await cluster.client.deleteCollection(events, { namespace: 'default' });
    await cluster.clock.advance(30 * 60_000);
    expect(cluster.ruleStates.at(-1)).toBe(false);
    const before = cluster.sqs.requests['send'];
    await cluster.clock.advance(10 * 60_000);
    expect(cluster.sqs.requests['send']).toBe(before);
    await cluster.client.create(deployments, deployment(1));
    await cluster.clock.advance(10_000);
    expect(cluster.ruleStates.at(-1)).toBe(true);
  });
});
