import { setTimeout as sleep } from 'node:timers/promises';
import { generateSigningKey } from '../../functions/apiserver/auth/signing-keys.js';
import { silentLog } from '../../functions/apiserver/registry/context.js';
import { startControlPlane, type ControlPlane } from '../../cli/control-plane.js';
import { Client } from '../../lib/client/client.js';
import { nodes, pods, serviceAccounts } from '../../lib/client/resources.js';
import type { Transport } from '../../lib/client/transport.js';
import { formatTime } from '../../lib/clock/clock.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import type { V1Node } from '../../lib/schema/generated/types.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Controller } from '../../lib/work/controller.js';
import { InFlight } from '../../lib/work/in-flight.js';
import type { BenchResult } from './result.js';
import { benchPod } from './support/pods.js';
import { perSecond } from './support/statistics.js';

const NODES = 5_000;
const PODS = 10_000;
const WRITERS = 64;
const POLL_MS = 20;
/** By then the other controllers have done what new pods make them do. */
const REST_MS = 1_000;
const AIM = '2,500/s, at least 680/s';

/**
 * Scheduling of 10,000 pods on 5,000 nodes with the whole control plane in this process: API server, dispatcher, controllers, scheduler and
 * events. Twice: while the pods are being created, and with all of them waiting, as kube-scheduler's own benchmark has it.
 */
export async function benchScheduling(say: (text: string) => void): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const what = `schedule ${PODS.toLocaleString('en')} pods on ${NODES.toLocaleString('en')} nodes`;
  {
    const { client, scheduler, close } = await start(say);
    try {
      scheduler.hold();
      say(`creating ${PODS} pods`);
      const createStartMs = performance.now();
      await createPods(client);
      results.push({
        name: `create ${PODS} pods in process`,
        value: perSecond(PODS, performance.now() - createStartMs),
      });
      await sleep(REST_MS);
      say('scheduling');
      const startMs = performance.now();
      scheduler.release();
      await scheduler.bound(PODS);
      results.push({ name: `${what}, all waiting`, value: perSecond(PODS, performance.now() - startMs), aim: AIM });
    } finally {
      await close();
    }
  }
  const { client, scheduler, close } = await start(say);
  try {
    say(`creating and scheduling ${PODS} pods`);
    const startMs = performance.now();
    await createPods(client);
    await scheduler.bound(PODS);
    results.push({ name: `${what}, creates included`, value: perSecond(PODS, performance.now() - startMs) });
    return results;
  } finally {
    await close();
  }
}

async function start(say: (text: string) => void) {
  const store = new MemoryStore({ clock: systemClock });
  const scheduler = new SchedulerGate();
  let started = false;
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
    wrapControllers: (controllers) =>
      controllers.map((one) => {
        if (one.name === 'scheduler') return scheduler.wrap(one);
        return one.name === 'node-silence' ? untilStarted(one, () => started) : one;
      }),
    wrapTransport: (component, inner) => (component === 'scheduler' ? scheduler.countBindings(inner) : inner),
  });
  const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
  const client = new Client(cluster.transport(admin), 'bench');
  say(`creating ${NODES} nodes`);
  await forEach(NODES, (index) => client.create(nodes, node(index)));
  await settled(cluster);
  while ((await client.find(serviceAccounts, { namespace: 'default', name: 'default' })) === undefined)
    await sleep(POLL_MS);
  started = true;
  const close = async (): Promise<void> => {
    scheduler.release();
    await cluster.close();
    await store.close();
  };
  return { client, scheduler, close };
}

/** No kubelets stand behind the nodes: whoever waits for their heartbeats would soon take them for lost. */
function untilStarted(controller: Controller, isStarted: () => boolean): Controller {
  const reconcile: Controller['reconcile'] = async (key, context) =>
    isStarted() ? undefined : controller.reconcile(key, context);
  return { ...controller, reconcile };
}

/** Holds the scheduler's runs back, and counts what it has bound. */
class SchedulerGate {
  #held: Promise<void> | undefined;
  #release: () => void = () => undefined;
  #bound = 0;
  #waiting: { count: number; resolve: () => void } | undefined;

  wrap(scheduler: Controller): Controller {
    return {
      ...scheduler,
      reconcile: async (key, context) => {
        await this.#held;
        return scheduler.reconcile(key, context);
      },
    };
  }

  countBindings(inner: Transport): Transport {
    return {
      send: async (request) => {
        const response = await inner.send(request);
        if (response.status === 201 && request.path.endsWith('/binding')) this.#bound++;
        if (this.#waiting !== undefined && this.#bound >= this.#waiting.count) this.#waiting.resolve();
        return response;
      },
    };
  }

  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  /** Resolves once so many pods are bound. */
  bound(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
      if (this.#bound >= count) resolve();
    });
  }
}

function createPods(client: Client): Promise<void> {
  return forEach(PODS, (index) => client.create(pods, benchPod(`pod-${index}`)));
}

async function settled(cluster: ControlPlane): Promise<void> {
  while (!cluster.idle) await sleep(POLL_MS);
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
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: formatTime(systemClock.now()) }],
    },
  };
}
