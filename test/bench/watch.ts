import { configMaps, namespaces } from '../../lib/client/resources.js';
import { ClusterProcess } from '../support/cluster-process.js';
import type { BenchResult } from './result.js';
import { openClient, readAccess, type ClusterAccess } from './support/cluster-access.js';
import { Connection, requestBytes } from './support/connection.js';
import { p50p99 } from './support/statistics.js';

const NAMESPACE = 'watched';
const PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

/** Writes are this far apart, so that what is measured is delivery and not a queue. */
const WRITE_INTERVAL_MS = 100;
const WRITES = 40;
const OPENINGS_AT_A_TIME = 32;
const DELIVERY_TIMEOUT_MS = 10_000;

/** From the moment a write is sent until a watcher has its event: the durable write itself is part of it. */
export async function benchWatch(say: (text: string) => void): Promise<BenchResult[]> {
  const cluster = await ClusterProcess.start();
  const access = readAccess(cluster.kubeconfig);
  const { client, close } = openClient(access);
  const watchers: Connection[] = [];
  try {
    await client.create(namespaces, { metadata: { name: NAMESPACE } });
    const { resourceVersion } = await client.list(configMaps, { namespace: NAMESPACE });
    const results: BenchResult[] = [];
    const arrivals = new Arrivals();
    for (const count of [1, 100, 1000]) {
      say(`${count} watchers`);
      await openWatchers(access, watchers, { count, resourceVersion, arrivals });
      const latencies = await measure(access, arrivals, count);
      const name = `HTTPS: write to watch event, ${count.toLocaleString('en')} watchers of one collection`;
      results.push({ name, value: p50p99(latencies), aim: 'p99 below 20 ms' });
    }
    return results;
  } finally {
    for (const watcher of watchers) watcher.close();
    close();
    await cluster.destroy();
  }
}

/** Counts the events of the write that is under way. */
class Arrivals {
  #name = Buffer.alloc(0);
  #startMs = 0;
  #latencies: number[] = [];
  #wanted = 0;
  #done: () => void = () => undefined;

  /** Resolves with one latency for each watcher. */
  begin(name: string, wanted: number): Promise<number[]> {
    this.#name = Buffer.from(`"name":"${name}"`);
    this.#startMs = performance.now();
    this.#latencies = [];
    this.#wanted = wanted;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.#latencies.length} of ${wanted} watchers saw ${name}`)),
        DELIVERY_TIMEOUT_MS,
      );
      this.#done = () => {
        clearTimeout(timer);
        resolve(this.#latencies);
      };
    });
  }

  take(chunk: Buffer): void {
    if (!chunk.includes(this.#name)) return;
    this.#latencies.push(performance.now() - this.#startMs);
    if (this.#latencies.length === this.#wanted) this.#done();
  }
}

async function openWatchers(
  access: ClusterAccess,
  watchers: Connection[],
  wanted: { count: number; resourceVersion: string; arrivals: Arrivals },
): Promise<void> {
  const request = requestBytes('GET', `${PATH}?watch=true&resourceVersion=${wanted.resourceVersion}`);
  const openNext = async (): Promise<void> => {
    while (watchers.length + opening < wanted.count) {
      opening++;
      const connection = await Connection.open(access);
      opening--;
      watchers.push(connection);
      await new Promise<void>((resolve) =>
        connection.stream(request, (chunk) => {
          resolve();
          wanted.arrivals.take(chunk);
        }),
      );
    }
  };
  let opening = 0;
  await Promise.all(Array.from({ length: OPENINGS_AT_A_TIME }, openNext));
}

async function measure(access: ClusterAccess, arrivals: Arrivals, count: number): Promise<number[]> {
  const writer = await Connection.open(access);
  const latencies: number[] = [];
  try {
    for (let index = 0; index < WRITES; index++) {
      const name = `w-${count}-${index}`;
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text: 'x'.repeat(200) } };
      const delivered = arrivals.begin(name, count);
      const { status } = await writer.send(requestBytes('POST', PATH, body));
      if (status !== 201) throw new Error(`a create was answered with ${status}`);
      latencies.push(...(await delivered));
      await new Promise((resolve) => setTimeout(resolve, WRITE_INTERVAL_MS));
    }
  } finally {
    writer.close();
  }
  return latencies;
}
