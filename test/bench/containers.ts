import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../lib/client/client.js';
import { Replica } from '../../lib/client/replica.js';
import { pods, services } from '../../lib/client/resources.js';
import { systemClock } from '../../lib/clock/system.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { ClusterProcess } from '../support/cluster-process.js';
import { programFiles } from '../support/container-image.js';
import { BUSYBOX, whyNoContainers } from '../support/containerd.js';
import { findKubectl, Kubectl } from '../support/kubectl.js';
import { Lan, Machine } from '../support/machine.js';
import { noNamespacesReason } from '../support/netns.js';
import type { BenchResult } from './result.js';
import { openClient, readAccess } from './support/cluster-access.js';
import { megabytes, processorMs, residentBytes } from './support/process-usage.js';
import { p50p99, perSecond } from './support/statistics.js';

const NODE_IMAGE = { name: 'localhost/node:bench', files: programFiles(process.execPath) };
const SERVE = `require('http').createServer((_, answer) => answer.end('ok')).listen(8080)`;

const NO_PODS = 'no pods';
const SINGLE_PODS = 12;
const PODS_AT_ONCE = 50;
const KEPT_PODS = 30;
const RUNNING_TIMEOUT_MS = 120_000;
/** By then an agent has given back what a burst of work took. */
const SETTLE_MS = 65_000;
const STARTED_MS = 5_000;
const IDLE_MS = 15_000;
const LOAD_MS = 3_000;
const CONNECTIONS = 8;

/** Pods as real containers, with an agent in a process of its own: how fast they come, what the agent costs, and the way through a Service. */
export async function benchContainers(say: (text: string) => void): Promise<BenchResult[]> {
  const reason = whyNoContainers() ?? noNamespacesReason();
  const kubectlFile = await findKubectl();
  if (reason !== undefined || kubectlFile === undefined) {
    return [{ name: 'real containers', value: 'skipped', aim: reason ?? 'there is no kubectl' }];
  }
  const lan = new Lan();
  const machine = await Machine.start({ lan, name: 'bench-1', images: [NODE_IMAGE] });
  const cluster = await ClusterProcess.start({ flags: ['--nodes', '0', '--bind', lan.address] });
  const { client, close } = openClient(readAccess(cluster.kubeconfig));
  const replica = new Replica(client, pods, systemClock);
  try {
    machine.join(path.join(cluster.folder, 'data'));
    await machine.agent.ready();
    await replica.synced();
    const kubectl = new Kubectl(kubectlFile, {
      kubeconfig: cluster.kubeconfig,
      home: path.join(cluster.folder, 'home'),
    });
    const times = new RunningTimes(replica);
    const results = await footprint(machine, NO_PODS, say);
    say(`kubectl apply of ${SINGLE_PODS} pods, one after the other`);
    const single: number[] = [];
    for (let index = 0; index <= SINGLE_PODS; index++) {
      const name = `single-${index}`;
      const [taken = 0] = await times.of([name], () => kubectl.apply(sleeper(name)));
      // The first finds nothing prepared: kubectl reads discovery, the runtime unpacks the image.
      if (index > 0) single.push(taken);
      await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
    }
    say(`kubectl apply of ${PODS_AT_ONCE} pods at once`);
    const names = Array.from({ length: PODS_AT_ONCE }, (_, index) => `many-${index}`);
    const many = await times.of(names, () => kubectl.apply(...names.map(sleeper)));
    results.push(
      { name: 'containers: kubectl apply to Running, one pod, p50 / p99', value: p50p99(single) },
      { name: `containers: kubectl apply to Running, ${PODS_AT_ONCE} at once, p50 / p99`, value: p50p99(many) },
    );
    for (const name of names.slice(KEPT_PODS)) {
      await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
    }
    results.push(...(await footprint(machine, `${KEPT_PODS} pods`, say)));
    results.push(...(await requests(machine, { client, times, say })));
    return results;
  } finally {
    replica.close();
    close();
    await machine.destroy();
    await cluster.destroy();
    lan.destroy();
  }
}

/** When pods run. */
class RunningTimes {
  readonly #waiting = new Map<string, () => void>();

  constructor(replica: Replica<V1Pod>) {
    replica.onEvent(({ object }) => {
      if (object.status?.phase === 'Running') this.#waiting.get(object.metadata?.name ?? '')?.();
    });
  }

  /** Milliseconds from the beginning of `create` until each of these pods runs. */
  async of(names: readonly string[], create: () => Promise<unknown>): Promise<number[]> {
    const startMs = performance.now();
    const seen = names.map(
      (name) =>
        new Promise<number>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`${name} did not run in time`)), RUNNING_TIMEOUT_MS);
          this.#waiting.set(name, () => {
            clearTimeout(timer);
            this.#waiting.delete(name);
            resolve(performance.now() - startMs);
          });
        }),
    );
    await create();
    return Promise.all(seen);
  }
}

/** What the agent's process holds and uses while nothing happens. */
async function footprint(machine: Machine, having: string, say: (text: string) => void): Promise<BenchResult[]> {
  say(`an agent with ${having} and nothing to do`);
  await sleep(having === NO_PODS ? STARTED_MS : SETTLE_MS);
  const { pid } = machine.agent;
  const before = processorMs(pid) ?? 0;
  await sleep(IDLE_MS);
  const share = (((processorMs(pid) ?? 0) - before) / IDLE_MS) * 100;
  return [
    { name: `agent, ${having}: resident memory`, value: megabytes(residentBytes(pid)), aim: '90 MB' },
    { name: `agent, ${having}: share of a core`, value: `${share.toFixed(1)} %`, aim: 'below 1 %' },
  ];
}

/** Requests from the node to a web server in a pod, directly and through its Service. */
async function requests(
  machine: Machine,
  { client, times, say }: { client: Client; times: RunningTimes; say: (text: string) => void },
): Promise<BenchResult[]> {
  const { metadata, spec } = sleeper('web');
  const [container] = spec?.containers ?? [];
  const web = {
    metadata: { ...metadata, labels: { app: 'web' } },
    spec: {
      containers: [{ name: 'web', ...container, image: NODE_IMAGE.name, command: [process.execPath, '-e', SERVE] }],
    },
  };
  await times.of(['web'], () => client.create(pods, web));
  const service = await client.create(services, {
    metadata: { namespace: 'default', name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  const { status } = await client.get(pods, { namespace: 'default', name: 'web' });
  const results: BenchResult[] = [];
  for (const [way, host, port] of [
    ['directly to the pod', status?.podIP ?? '', 8080],
    ['through its cluster IP', service.spec?.clusterIP ?? '', 80],
  ] as const) {
    say(`requests ${way}`);
    await answers(machine, host, port);
    const ask = async (ms: number): Promise<number> =>
      Number(await machine.namespace.call('requests', { host, port, ms, connections: CONNECTIONS }));
    await ask(500);
    results.push({ name: `containers: requests ${way}`, value: perSecond(await ask(LOAD_MS), LOAD_MS) });
  }
  return results;
}

/** Resolves once the server is there and the Service leads to it. */
async function answers(machine: Machine, host: string, port: number): Promise<void> {
  const endMs = performance.now() + RUNNING_TIMEOUT_MS;
  while ((await machine.get(host, { port })) !== 'ok') {
    if (performance.now() > endMs) throw new Error(`${host}:${port} does not answer`);
    await sleep(100);
  }
}

function sleeper(name: string): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: BUSYBOX, imagePullPolicy: 'IfNotPresent', command: ['sleep', '100000'] }],
    },
  };
}
