import { generateSigningKey } from '../../functions/apiserver/auth/signing-keys.js';
import { silentLog } from '../../functions/apiserver/registry/context.js';
import { startControlPlane, type ControlPlane } from '../../cli/control-plane.js';
import { Client } from '../../lib/client/client.js';
import { nodes, pods, serviceAccounts } from '../../lib/client/resources.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { InFlight } from '../../lib/work/in-flight.js';
import type { BenchResult } from './result.js';

const NODES = 5_000;
const PODS = 10_000;
const WRITERS = 64;

/** Scheduling of 10,000 pods on 5,000 nodes: from the first create to the last binding, API server, dispatcher, scheduler and events included. */
export async function benchScheduling(): Promise<BenchResult[]> {
  const store = new MemoryStore({ clock: systemClock });
  const cluster = await startControlPlane({
    store,
    clock: systemClock,
    random: systemRandom(),
    serviceCidr: '10.96.0.0/16',
    podCidr: '10.0.0.0/8',
    endpoint: { addresses: ['192.0.2.1'], port: 6443 },
    caCertificate: '',
    signingKeys: [generateSigningKey()],
    defaultTolerationSeconds: 300,
    log: silentLog,
  });
  const client = new Client(
    cluster.transport({ username: 'admin', groups: ['system:masters', 'system:authenticated'] }),
    'bench',
  );
  try {
    await forEach(NODES, (index) => client.create(nodes, node(index)));
    await settled(cluster);
    while ((await client.find(serviceAccounts, { namespace: 'default', name: 'default' })) === undefined) await pause();
    const createStart = performance.now();
    await forEach(PODS, (index) => client.create(pods, pod(index)));
    const createMs = performance.now() - createStart;
    const bound = await waitBound(client, createStart);
    return [
      { name: `create ${PODS} pods`, value: `${Math.round((PODS / createMs) * 1000)}/s` },
      {
        name: `schedule ${PODS} pods on ${NODES} nodes (creates included)`,
        value: `${Math.round((PODS / bound) * 1000)} pods/s`,
      },
    ];
  } finally {
    await cluster.close();
    await store.close();
  }
}

async function waitBound(client: Client, startMs: number): Promise<number> {
  for (;;) {
    const { items } = await client.list(pods, { namespace: 'default', fieldSelector: 'spec.nodeName=', limit: 1 });
    if (items.length === 0) return performance.now() - startMs;
    await pause();
  }
}

async function settled(cluster: ControlPlane): Promise<void> {
  while (!cluster.idle) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

async function forEach(count: number, step: (index: number) => Promise<unknown>): Promise<void> {
  const writes = new InFlight(WRITERS);
  for (let index = 0; index < count; index++) {
    await writes.start(async () => {
      await step(index);
    });
  }
  await writes.drain();
}

function node(index: number): V1Node {
  const name = `node-${index}`;
  const resources = { cpu: '32', memory: '256Gi', pods: '110' };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [
        { type: 'Ready', status: 'True', lastHeartbeatTime: new Date().toISOString().replace(/\.\d+/, '') },
      ],
    },
  };
}

function pod(index: number): V1Pod {
  return {
    metadata: { namespace: 'default', name: `pod-${index}`, labels: { app: 'bench' } },
    spec: {
      containers: [
        { name: 'c', image: 'registry.example/app:1', resources: { requests: { cpu: '100m', memory: '128Mi' } } },
      ],
    },
  };
}
