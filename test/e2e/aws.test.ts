import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { skipBecause } from '../support/skip-because.js';
import type { CoreV1EventList, V1Deployment, V1Node, V1PodList, V1Service } from '../../lib/schema/generated/types.js';
import { clusterNames } from '../../lib/aws/function-environment.js';
import { ensureBuilt } from '../support/built.js';
import { EmulatedAws } from '../support/emulated-aws.js';
import { EmulatorProcess } from '../support/emulator-process.js';
import { eventually } from '../support/eventually.js';
import { findKubectl, Kubectl } from '../support/kubectl.js';
import { whyNoMiniStack } from '../support/ministack.js';

vi.setConfig({ testTimeout: 480_000, hookTimeout: 300_000 });

const CLUSTER = 'demo';
/** A lease is good for four of them. */
const HEARTBEAT_SECONDS = 5;
/** On a quiet machine each takes some seconds; the emulator asks all queues and the stream one after the other. */
const SOON_MS = 180_000;

let missing = whyNoMiniStack();
let emulator: EmulatorProcess;
let aws: EmulatedAws;
let admin: Kubectl;

skipBecause(() => missing);

beforeAll(async () => {
  if (missing !== undefined) return;
  const kubectl = await findKubectl();
  if (kubectl === undefined) {
    missing = 'there is no kubectl for this machine: install kubectl 1.35 or newer and put it on PATH';
    return;
  }
  await ensureBuilt();
  emulator = new EmulatorProcess(CLUSTER);
  await emulator.ready();
  aws = new EmulatedAws(emulator.endpoint);
  admin = new Kubectl(kubectl, { kubeconfig: emulator.kubeconfig, home: path.join(emulator.folder, 'home') });
});
afterAll(() => emulator?.stop());

const onNodes = (...names: string[]) => ({
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: names }] }],
  },
});

function deployment(replicas: number, podSpec: object = {}): V1Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1' }], ...podSpec },
      },
    },
  };
}

const service: V1Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};

/** Throws unless just so many pods of an image run, and no others are there but those that are about to go. */
async function running(kubectl: Kubectl, count: number, image = 'web:1'): Promise<(string | undefined)[]> {
  const { items } = await kubectl.json<V1PodList>(['get', 'pods']);
  const staying = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  expect(staying.map(({ status, spec }) => `${status?.phase} ${spec?.containers[0]?.image}`)).toEqual(
    Array.from({ length: count }, () => `Running ${image}`),
  );
  return staying.map(({ spec }) => spec?.nodeName);
}

async function scene(namespace: string): Promise<Kubectl> {
  await admin.ok(['create', 'namespace', namespace]);
  return admin.with('--namespace', namespace);
}

describe('a cluster deployed to an emulator of AWS by one command', () => {
  it('serves kubectl, and nodes join that are rung through queues of their own', async () => {
    expect(await admin.ok(['version'])).toMatch(/Server Version: v1\.36/);
    await expect(admin.ok(['auth', 'whoami'])).resolves.toContain('system:masters');
    // Given up while nothing else is in the queue; what comes of it is seen below.
    const kubectl = await scene('letters');
    await kubectl.apply(deployment(0));
    await aws.deadLetter({ controller: 'deployment', key: 'letters/web' });
    const flags = ['--heartbeat-seconds', String(HEARTBEAT_SECONDS)];
    await Promise.all(['one', 'two'].map((node) => emulator.startNode(CLUSTER, node, flags)));
    await admin.ok(['wait', '--for=condition=Ready', 'node/one', 'node/two', '--timeout=50s']);
    await eventually(async () => {
      const bells = (await aws.queueUrls()).filter((url) => url.includes(clusterNames(CLUSTER).doorbellPrefix));
      expect(bells).toHaveLength(2);
    }, SOON_MS);
  });

  describe.concurrent('then', () => {
    it('a Deployment and a Service run, scale and roll out, and nothing of them is left when their namespace is deleted', async () => {
      const kubectl = await scene('shop');
      const affinity = { nodeAffinity: onNodes('one', 'two') };
      await kubectl.apply(deployment(4, { affinity }), service);
      const nodes = await eventually(() => running(kubectl, 4), SOON_MS);
      expect(new Set(nodes)).toEqual(new Set(['one', 'two']));
      await eventually(async () => {
        const ips = await kubectl.path(['get', 'endpointslices'], '{.items[*].endpoints[*].addresses[0]}');
        expect(ips.split(' ').filter((ip) => ip.startsWith('10.244.'))).toHaveLength(4);
      }, SOON_MS);

      await kubectl.ok(['scale', 'deployment/web', '--replicas=2']);
      await eventually(() => running(kubectl, 2), SOON_MS);
      await kubectl.ok(['set', 'image', 'deployment/web', 'web=web:2']);
      await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=170s'], { timeoutMs: SOON_MS });
      await eventually(() => running(kubectl, 2, 'web:2'), SOON_MS);
      const ip = await kubectl.path(['get', 'service', 'web'], '{.spec.clusterIP}');

      await admin.ok(['delete', 'namespace', 'shop', '--wait=false']);
      await eventually(async () => {
        expect(await admin.fails(['get', 'namespace', 'shop'])).toContain('not found');
      }, SOON_MS);
      const left = (await aws.items()).filter(({ item }) => {
        const key = `${item['sk']?.S} ${item['key']?.S ?? ''}`;
        return key.includes('shop/') || key.includes('o/shop ') || key.includes(`o/${ip} `);
      });
      // Events in the logs, and the revisions of what was deleted, which keep late writers out: all of them expire.
      expect(left.length).toBeGreaterThan(20);
      expect(left.filter(({ item }) => item['ttl']?.N === undefined)).toEqual([]);
      const objects = left.filter(({ item }) => item['sk']?.S?.startsWith('o/'));
      expect(objects.filter(({ item }) => item['gone']?.BOOL !== true || item['body'] !== undefined)).toEqual([]);
    });

    it('a node that stops heartbeating loses its pods to another, and its queue when it is deleted', async () => {
      const lost = await emulator.startNode(CLUSTER, 'lost', ['--heartbeat-seconds', String(HEARTBEAT_SECONDS)]);
      const kubectl = await scene('moving');
      const preferred = {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: onNodes('lost').requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0],
          },
        ],
      };
      const tolerations = ['not-ready', 'unreachable'].map((name) => ({
        key: `node.kubernetes.io/${name}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 1,
      }));
      await kubectl.apply(
        deployment(1, { affinity: { nodeAffinity: { ...onNodes('two', 'lost'), ...preferred } }, tolerations }),
      );
      expect(await eventually(() => running(kubectl, 1), SOON_MS)).toEqual(['lost']);
      await lost.kill();
      expect(
        await eventually(async () => {
          const nodes = await running(kubectl, 1);
          expect(nodes).not.toEqual(['lost']);
          return nodes;
        }, SOON_MS),
      ).toEqual(['two']);
      const node = await admin.json<V1Node>(['get', 'node', 'lost']);
      expect(node.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
      });
      await admin.ok(['delete', 'node', 'lost']);
      await eventually(async () => {
        expect((await aws.queueUrls()).filter((url) => url.includes('-node-lost-'))).toEqual([]);
      }, SOON_MS);
    });

    it('a key that SQS has given up is an Event on its object', async () => {
      // The sweep comes by each minute.
      await eventually(async () => {
        const { items } = await admin.json<CoreV1EventList>(['get', 'events', '-n', 'letters']);
        const found = items.filter(({ reason }) => reason === 'ReconcileFailed');
        expect(found.map(({ involvedObject }) => `${involvedObject.kind} ${involvedObject.name}`)).toEqual([
          'Deployment web',
        ]);
      }, SOON_MS);
    });
  });

  it('stops when it is interrupted, and leaves nothing behind', async () => {
    const { code, leftKubeconfig, stderr } = await emulator.stop();
    expect(code, stderr).toBe(0);
    expect(leftKubeconfig).toBe(false);
  });
});
