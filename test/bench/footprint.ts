import { setTimeout as sleep } from 'node:timers/promises';
import { pods } from '../../lib/client/resources.js';
import { InFlight } from '../../lib/work/in-flight.js';
import { ClusterProcess } from '../support/cluster-process.js';
import type { BenchResult } from './result.js';
import { openClient, readAccess } from './support/cluster-access.js';
import { benchPod } from './support/pods.js';
import { megabytes, processorMs, residentBytes } from './support/process-usage.js';
import { perSecond } from './support/statistics.js';

const SETTLE_MS = 5_000;
const IDLE_MS = 25_000;

const PODS = 10_000;
const NODES = 100;
const WRITERS = 32;
const RUNNING_TIMEOUT_MS = 150_000;
/** Memory that is free to be collected is given back by then. */
const REST_MS = 5_000;

/** What a cluster costs that has nothing to do, 30 s after its start. */
export async function benchIdle(say: (text: string) => void): Promise<BenchResult[]> {
  say(`${(SETTLE_MS + IDLE_MS) / 1000} s of doing nothing, with 1 and with 3 nodes`);
  const clusters = await Promise.all(
    [1, 3].map(async (nodes) => ({
      nodes,
      cluster: await ClusterProcess.start({ flags: ['--nodes', String(nodes)] }),
    })),
  );
  try {
    await sleep(SETTLE_MS);
    const before = clusters.map(({ cluster }) => processorMs(cluster.pid));
    await sleep(IDLE_MS);
    return clusters.flatMap(({ nodes, cluster }, index) => {
      const name = `idle, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
      const memory = { name: `${name}: resident memory`, value: megabytes(residentBytes(cluster.pid)), aim: '150 MB' };
      const [startMs, endMs] = [before[index], processorMs(cluster.pid)];
      if (startMs === undefined || endMs === undefined) return [memory];
      const share = ((endMs - startMs) / IDLE_MS) * 100;
      return [memory, { name: `${name}: share of a core`, value: `${share.toFixed(1)} %`, aim: 'below 1 %' }];
    });
  } finally {
    await Promise.all(clusters.map(({ cluster }) => cluster.destroy()));
  }
}

/** Memory of a cluster that is nearly full: 10,000 pods running on 100 simulated nodes, all in the one process. */
export async function benchMemory(say: (text: string) => void): Promise<BenchResult[]> {
  const cluster = await ClusterProcess.start({ flags: ['--nodes', String(NODES)] });
  const { client, close } = openClient(readAccess(cluster.kubeconfig));
  try {
    const empty = residentBytes(cluster.pid);
    say(`${PODS} pods on ${NODES} nodes`);
    const startMs = performance.now();
    const writes = new InFlight(WRITERS);
    for (let index = 0; index < PODS; index++) {
      await writes.start(async () => void (await client.create(pods, benchPod(`pod-${index}`))));
    }
    await writes.drain();
    for (;;) {
      const { items } = await client.list(pods, { fieldSelector: 'status.phase=Pending', limit: 1 });
      if (items.length === 0) break;
      if (performance.now() - startMs > RUNNING_TIMEOUT_MS) throw new Error('not all pods run in time');
      await sleep(250);
    }
    const runningMs = performance.now() - startMs;
    await sleep(REST_MS);
    return [
      { name: `${NODES} nodes, no pods: resident memory`, value: megabytes(empty) },
      { name: `${NODES} nodes, ${PODS} pods: resident memory`, value: megabytes(residentBytes(cluster.pid)) },
      { name: `${PODS} pods on ${NODES} nodes, create to Running`, value: perSecond(PODS, runningMs, ' pods/s') },
    ];
  } finally {
    close();
    await cluster.destroy();
  }
}
