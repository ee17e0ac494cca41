import { deployments, pods } from '../../lib/client/resources.js';
import { unpackBody } from '../../lib/store/dynamodb/body.js';
import type { Item } from '../../lib/store/dynamodb/table.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { CloudCluster } from '../support/cloud-cluster.js';
import type { BenchResult } from './result.js';
import { AWS_NETWORK } from './support/aws-latencies.js';
import { benchPod } from './support/pods.js';
import { p50p99 } from './support/statistics.js';

const PODS = 40;
const DEPLOYMENTS = 15;
const REPLICAS = 3;
const WITHIN_MS = 60_000;
const STEP_MS = 20;

/**
 * From the request of a client to Running in the table, through stream, queues, functions and doorbells, with AWS-like latencies on a simulated
 * clock; functions are warm, their own computing takes no time there, and simulated containers start at once.
 */
export async function benchCloudRunning(say: (text: string) => void): Promise<BenchResult[]> {
  const cluster = new CloudCluster({ nodes: 3, network: AWS_NETWORK });
  await cluster.start();
  const running = new Map<string, number>();
  const { onCommit } = cluster.table;
  cluster.table.onCommit = (items) => {
    for (const item of items) noteRunning(item, () => cluster.clock.now(), running);
    onCommit(items);
  };
  const until = async (isDone: () => boolean): Promise<void> => {
    const endMs = cluster.clock.now() + WITHIN_MS;
    while (!isDone()) {
      if (cluster.clock.now() > endMs) throw new Error('it does not run in time');
      await cluster.clock.advance(STEP_MS);
    }
  };
  const { client } = cluster;
  say(`create of ${PODS} pods, one after the other`);
  const ofPods: number[] = [];
  for (let index = 0; index < PODS; index++) {
    const name = `created-${index}`;
    const startMs = cluster.clock.now();
    await cluster.drive(client.create(pods, benchPod(name)));
    await until(() => running.has(name));
    ofPods.push((running.get(name) as number) - startMs);
  }
  say(`create of ${DEPLOYMENTS} deployments of ${REPLICAS}, one after the other`);
  const ofDeployments: number[] = [];
  for (let index = 0; index < DEPLOYMENTS; index++) {
    const name = `deployed-${index}`;
    const startMs = cluster.clock.now();
    const labels = { app: name };
    await cluster.drive(
      client.create(deployments, {
        metadata: { namespace: 'default', name },
        spec: {
          replicas: REPLICAS,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
        },
      }),
    );
    const times = (): number[] => [...running].flatMap(([pod, at]) => (pod.startsWith(`${name}-`) ? [at] : []));
    await until(() => times().length >= REPLICAS);
    ofDeployments.push(Math.max(...times()) - startMs);
  }
  await cluster.stop();
  return [
    { name: 'cloud create of a pod to Running, p50 / p99', value: p50p99(ofPods) },
    { name: `cloud create of a Deployment of ${REPLICAS} to all Running, p50 / p99`, value: p50p99(ofDeployments) },
  ];
}

function noteRunning(item: Item, now: () => number, running: Map<string, number>): void {
  if (item['kind'] !== 'event' || item['gone'] === true || !item.pk.includes('/core/pods/log/')) return;
  const pod = JSON.parse(Buffer.from(unpackBody(item)).toString()) as V1Pod;
  const name = pod.metadata?.name ?? '';
  if (pod.status?.phase === 'Running' && !running.has(name)) running.set(name, now());
}
