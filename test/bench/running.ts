import { pods } from '../../lib/client/resources.js';
import { Replica } from '../../lib/client/replica.js';
import { systemClock } from '../../lib/clock/system.js';
import path from 'node:path';
import { ClusterProcess } from '../support/cluster-process.js';
import { findKubectl, Kubectl } from '../support/kubectl.js';
import type { BenchResult } from './result.js';
import { openClient, readAccess } from './support/cluster-access.js';
import { benchPod } from './support/pods.js';
import { p50p99 } from './support/statistics.js';

const KUBECTL_PODS = 20;
const API_PODS = 100;
const RUNNING_TIMEOUT_MS = 30_000;

/** How long a one-pod manifest takes to run on a simulated node: for a person with kubectl, and for a program. */
export async function benchRunning(say: (text: string) => void): Promise<BenchResult[]> {
  const kubectlFile = await findKubectl();
  const cluster = await ClusterProcess.start();
  const { client, close } = openClient(readAccess(cluster.kubeconfig));
  const replica = new Replica(client, pods, systemClock);
  const running = new Map<string, () => void>();
  replica.onEvent(({ object }) => {
    if (object.status?.phase === 'Running') running.get(object.metadata?.name ?? '')?.();
  });
  const timed = async (name: string, create: () => Promise<unknown>): Promise<number> => {
    const startMs = performance.now();
    const seen = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} did not run in time`)), RUNNING_TIMEOUT_MS);
      running.set(name, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await create();
    await seen;
    return performance.now() - startMs;
  };
  try {
    await replica.synced();
    const results: BenchResult[] = [];
    if (kubectlFile !== undefined) {
      say(`kubectl apply of ${KUBECTL_PODS} pods, one after the other`);
      const home = path.join(cluster.folder, 'home');
      const kubectl = new Kubectl(kubectlFile, { kubeconfig: cluster.kubeconfig, home });
      // The first call reads discovery; people have that behind them.
      await kubectl.ok(['get', 'pods']);
      const latencies: number[] = [];
      for (let index = 0; index < KUBECTL_PODS; index++) {
        const name = `applied-${index}`;
        latencies.push(await timed(name, () => kubectl.apply(benchPod(name))));
      }
      results.push({ name: 'kubectl apply to Running, p50 / p99', value: p50p99(latencies) });
    }
    say(`create of ${API_PODS} pods over HTTPS, one after the other`);
    const latencies: number[] = [];
    for (let index = 0; index < API_PODS; index++) {
      const name = `created-${index}`;
      // A node takes 110 pods, so each makes room for the next.
      latencies.push(await timed(name, () => client.create(pods, benchPod(name))));
      await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
    }
    results.push({ name: 'create over HTTPS to Running, p50 / p99', value: p50p99(latencies) });
    return results;
  } finally {
    replica.close();
    close();
    await cluster.destroy();
  }
}
