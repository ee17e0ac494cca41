import { configMaps, namespaces, pods } from '../../lib/client/resources.js';
import type { Client } from '../../lib/client/client.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import { ClusterProcess } from '../support/cluster-process.js';
import type { BenchResult } from './result.js';
import { openClient, readAccess } from './support/cluster-access.js';
import {
  BENCH_NAMESPACE,
  configMap,
  listedPod,
  LISTED_PODS,
  runLoad,
  UPDATED_CONFIG_MAPS,
  type LoadOptions,
  type LoadResult,
} from './support/load.js';
import { benchPod, NO_SCHEDULER } from './support/pods.js';
import { p50p99, perSecond } from './support/statistics.js';

const WARM_UP_MS = 1_500;
const MEASURE_MS = 4_000;

/** The API over HTTPS with the embedded store, so that every write is on the disk before it is answered. */
export async function benchApi(say: (text: string) => void): Promise<BenchResult[]> {
  const cluster = await ClusterProcess.start();
  try {
    say('making objects');
    await prepare(cluster.kubeconfig);
    const measure = async (load: LoadOptions['load'], connections: number): Promise<LoadResult> => {
      say(`${load} with ${connections} connections`);
      const { kubeconfig, pid } = cluster;
      return runLoad({ kubeconfig, load, connections, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS, serverPid: pid });
    };
    const get = await measure('get', 32);
    const list = await measure('list', 4);
    const createPods = await measure('createPods', 64);
    const createConfigMaps = await measure('createConfigMaps', 64);
    const update = await measure('update', 64);
    const megabytes = list.bytes / 1e6;
    return [
      row('HTTPS: GET of a pod, 32 connections', get, '15,000/s'),
      row(`HTTPS: LIST of ${LISTED_PODS} pods, 4 connections`, list),
      {
        name: 'HTTPS: LIST, bytes',
        value: `${Math.round((megabytes * 1000) / list.elapsedMs)} MB/s`,
        aim: 'bound by bytes',
      },
      row('HTTPS: CREATE of pods, 64 connections', createPods, '2,000/s'),
      row('HTTPS: CREATE of config maps of 1 KB, 64 connections', createConfigMaps, '2,000/s'),
      row('HTTPS: UPDATE of config maps of 1 KB, 64 connections', update),
    ];
  } finally {
    await cluster.destroy();
  }
}

/** Rate, latency, and the server's processor time for a request: that one stays the same on a machine that others use too. */
function row(name: string, { latencies, elapsedMs, serverCpuMs }: LoadResult, aim?: string): BenchResult {
  const cpu = serverCpuMs === undefined ? '' : `, ${((serverCpuMs / latencies.length) * 1000).toFixed(0)} µs CPU`;
  return { name, value: `${perSecond(latencies.length, elapsedMs)} (${p50p99(latencies)}${cpu})`, ...(aim && { aim }) };
}

async function prepare(kubeconfig: string): Promise<void> {
  const { client, close } = openClient(readAccess(kubeconfig));
  try {
    await client.create(namespaces, { metadata: { name: BENCH_NAMESPACE } });
    await each(LISTED_PODS, (index) =>
      client.create(pods, benchPod(listedPod(index), { schedulerName: NO_SCHEDULER })),
    );
    await each(UPDATED_CONFIG_MAPS, (index) => createConfigMap(client, `updated-${index}`));
  } finally {
    close();
  }
}

function createConfigMap(client: Client, name: string): Promise<KubernetesObject> {
  return client.create(configMaps, configMap(name, 0));
}

async function each(count: number, step: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < count) await step(next++);
  };
  await Promise.all(Array.from({ length: 16 }, run));
}
