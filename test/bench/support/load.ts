import { fork } from 'node:child_process';
import path from 'node:path';
import { requestBytes } from './connection.js';
import { benchPod, NO_SCHEDULER } from './pods.js';

const NAMESPACE = '/api/v1/namespaces/default';

/** What clients ask for, request after request. */
export const LOADS = {
  /** Pods that the list made. */
  get: () => each((index) => requestBytes('GET', `${NAMESPACE}/pods/${listedPod(index)}`), LISTED_PODS),
  list: () => {
    const request = requestBytes('GET', `${NAMESPACE}/pods`);
    return () => request;
  },
  createPods: () => numbered((name) => requestBytes('POST', `${OTHER_NAMESPACE}/pods`, podOf(name))),
  createConfigMaps: () => numbered((name) => requestBytes('POST', `${OTHER_NAMESPACE}/configmaps`, configMap(name, 0))),
  /** Unconditional PUTs, each of which changes something. */
  update: () => {
    let round = 0;
    return () => {
      const name = `updated-${round++ % UPDATED_CONFIG_MAPS}`;
      return requestBytes('PUT', `${OTHER_NAMESPACE}/configmaps/${name}`, configMap(name, round));
    };
  },
} as const;

/** The namespace that is written to, so that the list of the other stays what it is. */
export const BENCH_NAMESPACE = 'bench';
const OTHER_NAMESPACE = `/api/v1/namespaces/${BENCH_NAMESPACE}`;

export const LISTED_PODS = 500;
export const UPDATED_CONFIG_MAPS = 1000;
const CONFIG_MAP_BYTES = 1000;

export function listedPod(index: number): string {
  return `listed-${index}`;
}

export function configMap(name: string, round: number): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: BENCH_NAMESPACE },
    data: { round: String(round), text: 'x'.repeat(CONFIG_MAP_BYTES) },
  };
}

function podOf(name: string): object {
  const pod = benchPod(name, { schedulerName: NO_SCHEDULER });
  return { ...pod, metadata: { ...pod.metadata, namespace: BENCH_NAMESPACE } };
}

function each(make: (index: number) => Buffer, count: number): () => Buffer {
  const requests = Array.from({ length: count }, (_, index) => make(index));
  let next = 0;
  return () => requests[(next = (next + 1) % count)] as Buffer;
}

function numbered(make: (name: string) => Buffer): () => Buffer {
  let next = 0;
  return () => make(`bench-${process.pid}-${next++}`);
}

export interface LoadOptions {
  kubeconfig: string;
  load: keyof typeof LOADS;
  /** Clients at one time, each waiting for its answer before it asks again. */
  connections: number;
  warmUpMs: number;
  measureMs: number;
  serverPid: number;
}

export interface LoadResult {
  /** In milliseconds, one for each answered request. */
  latencies: number[];
  bytes: number;
  elapsedMs: number;
  /** Processor time that the server used meanwhile, where the system tells it. */
  serverCpuMs: number | undefined;
}

/** Runs a load from a process of its own. */
export function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(path.dirname(process.argv[1] ?? ''), 'load-generator.mjs'));
    let result: LoadResult | undefined;
    child.on('message', (message) => (result = message as LoadResult));
    child.on('error', reject);
    child.on('exit', (code) =>
      result === undefined ? reject(new Error(`the load generator ended with ${code}`)) : resolve(result),
    );
    child.send(options);
  });
}
