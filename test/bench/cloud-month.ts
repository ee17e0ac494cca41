import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ClusterStack } from '../../infra/cluster-stack.js';
import { idleCosts, MONTH_SECONDS, PRICES, useCost, type CountedUse } from '../../infra/cost-model.js';
import { parseParameters } from '../../infra/parameters.js';
import { clusterNames, type FunctionName } from '../../lib/aws/function-environment.js';
import { deployments } from '../../lib/client/resources.js';
import { CloudCluster } from '../support/cloud-cluster.js';
import type { BenchResult } from './result.js';
import { AWS_NETWORK } from './support/aws-latencies.js';

/** Counting begins when what happens after a start has settled; without nodes, when the sweep has gone off. */
const SETTLE_MS = 6 * 60_000;
const SETTLE_WITHOUT_NODES_MS = 20 * 60_000;
const HOUR_MS = 3_600_000;
const HOURS = (MONTH_SECONDS * 1_000) / HOUR_MS;
const ROLLOUTS = 6;
const REPLICAS = 10;

/** What a function computes besides waiting for others, which the simulated clock does not see. */
const COMPUTING_SECONDS = 0.01;

interface Case {
  name: string;
  nodes: number;
  rollouts: number;
  /** Many nodes are alike, and a part of the hour tells. */
  hourPart?: number;
  /** What the design has set as its budget. */
  budget?: number;
}

const CASES: readonly Case[] = [
  { name: 'no nodes', nodes: 0, rollouts: 0, budget: 0.5 },
  { name: '3 nodes', nodes: 3, rollouts: 0, budget: 0.5 + 3 * 0.25 },
  { name: '100 nodes', nodes: 100, rollouts: 0, hourPart: 1 / 6, budget: 0.5 + 100 * 0.25 },
  { name: `3 nodes, ${ROLLOUTS} rollouts of ${REPLICAS} pods an hour`, nodes: 3, rollouts: ROLLOUTS },
];

/**
 * Dollars a month, from the requests of a simulated hour: every function, node, queue and table in this process, with AWS-like latencies. List
 * prices without free allowances, and what is billed without requests (from the CDK app's own template). Instances are not counted.
 */
export async function benchCloudMonth(say: (text: string) => void): Promise<BenchResult[]> {
  const parameters = parseParameters({});
  const memoryGb = (name: FunctionName): number =>
    (name === 'apiserver' ? parameters.apiMemoryMb : parameters.workMemoryMb) / 1_024;
  const fixed = idleCosts(templateOf(parameters)).reduce((sum, { dollarsPerMonth }) => sum + dollarsPerMonth, 0);
  const rows: BenchResult[] = [{ name: 'cloud month, without any request', value: dollars(fixed) }];
  for (const one of CASES) {
    say(`an hour of ${one.name}`);
    const use = await countHour(one, memoryGb);
    const { dynamoDb, lambda, sqs, logs, sum } = useCost(use);
    const parts = Object.entries({ DynamoDB: dynamoDb, Lambda: lambda, SQS: sqs, logs });
    const said = parts.map(([name, hourly]) => `${name} ${dollars(hourly * HOURS)}`).join(', ');
    const total = fixed + sum * HOURS;
    const budget = one.budget === undefined ? '' : `; budget ${dollars(one.budget)}`;
    rows.push({
      name: `cloud month, ${one.name}`,
      value: dollars(total),
      aim: `${said}, rest ${dollars(fixed)}${budget}`,
    });
  }
  rows.push({ name: 'EKS, its control plane alone', value: dollars((PRICES.eksHour * MONTH_SECONDS) / 3_600) });
  return rows;
}

function templateOf(parameters: ReturnType<typeof parseParameters>): Parameters<typeof idleCosts>[0] {
  const stack = new ClusterStack(new App(), clusterNames(parameters.cluster).stack, { parameters, dist: 'dist' });
  return Template.fromStack(stack).toJSON() as Parameters<typeof idleCosts>[0];
}

async function countHour(
  { nodes, rollouts, hourPart = 1 }: Case,
  memoryGb: (name: FunctionName) => number,
): Promise<CountedUse> {
  let lambdaRequests = 0;
  let lambdaGbSeconds = 0;
  const cluster = new CloudCluster({
    nodes,
    network: AWS_NETWORK,
    onInvoked: (name, durationMs) => {
      lambdaRequests++;
      // The way of a node's request to the function is not the function's time.
      const waitedMs = name === 'apiserver' ? durationMs - AWS_NETWORK.roundTripMs : durationMs;
      lambdaGbSeconds += (waitedMs / 1_000 + COMPUTING_SECONDS) * memoryGb(name);
    },
  });
  await cluster.start();
  if (rollouts > 0) await rollOut(cluster, 0);
  await cluster.clock.advance(nodes === 0 ? SETTLE_WITHOUT_NODES_MS : SETTLE_MS);

  cluster.table.takeConsumed();
  cluster.heartbeats.takeConsumed();
  [lambdaRequests, lambdaGbSeconds] = [0, 0];
  const queuesBefore = { ...cluster.sqs.requestsByQueue };
  const linesBefore = cluster.logged.length;
  for (let count = 1; count <= Math.max(1, rollouts); count++) {
    if (rollouts > 0) await rollOut(cluster, count);
    await cluster.clock.advance((HOUR_MS * hourPart) / Math.max(1, rollouts));
  }

  const tables = [cluster.table.takeConsumed(), cluster.heartbeats.takeConsumed()];
  const counted = requestsSince(cluster, queuesBefore);
  const logBytes = cluster.logged.slice(linesBefore).reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  const use = {
    readUnits: tables.reduce((sum, { readUnits }) => sum + readUnits, 0),
    writeUnits: tables.reduce((sum, { writeUnits }) => sum + writeUnits, 0),
    ...counted,
    lambdaRequests,
    lambdaGbSeconds,
    logBytes,
  };
  await cluster.stop();
  return Object.fromEntries(Object.entries(use).map(([name, count]) => [name, count / hourPart])) as typeof use;
}

async function rollOut(cluster: CloudCluster, count: number): Promise<void> {
  const { client } = cluster;
  const ref = { namespace: 'default', name: 'web' };
  const containers = [{ name: 'web', image: `web:${count}` }];
  if (count > 0)
    await cluster.drive(client.patch(deployments, ref, 'strategic', { spec: { template: { spec: { containers } } } }));
  else
    await cluster.drive(
      client.create(deployments, {
        metadata: ref,
        spec: {
          replicas: REPLICAS,
          selector: { matchLabels: { app: 'web' } },
          template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
        },
      }),
    );
}

/**
 * Requests to SQS. Lambda's own receives from queues of functions that bring nothing are in what is billed without requests; those that bring
 * something are as many as its deletes.
 */
function requestsSince(
  cluster: CloudCluster,
  before: Readonly<Record<string, number>>,
): { sqsStandardRequests: number; sqsFifoRequests: number } {
  const ofFunctions = new Set(
    [cluster.workUrl, cluster.schedulerUrl, cluster.delayUrl].map((url) => url.slice(url.lastIndexOf('/') + 1)),
  );
  let [sqsStandardRequests, sqsFifoRequests] = [0, 0];
  for (const [name, after] of Object.entries(cluster.sqs.requestsByQueue)) {
    const [operation = '', queue = ''] = name.split(' ');
    const count = after - (before[name] ?? 0);
    const billed = !ofFunctions.has(queue)
      ? count
      : operation === 'receive'
        ? 0
        : operation === 'delete'
          ? 2 * count
          : count;
    if (queue.endsWith('.fifo')) sqsFifoRequests += billed;
    else sqsStandardRequests += billed;
  }
  return { sqsStandardRequests, sqsFifoRequests };
}

function dollars(value: number): string {
  return `$${value.toFixed(2)}`;
}
