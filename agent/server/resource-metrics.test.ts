import { expect, it } from 'vitest';
import { resourceMetrics } from './resource-metrics.js';
import { statsSummary } from './stats-summary.js';
import type { Usage } from './usage-source.js';

const container = (name: string, seconds: number, rate: number | undefined) => ({
  id: name,
  podUid: 'u',
  name,
  timeMs: 1_700_000_001_500,
  cpuNanoSeconds: seconds * 1e9,
  memoryWorkingSetBytes: 4_096,
  memoryUsageBytes: 8_192,
  memoryRssBytes: 1_024,
  writtenBytes: 0,
  rate: rate === undefined ? undefined : { nanoCores: rate, windowMs: 2_000 },
  startedAt: '2023-11-14T22:13:20Z',
});

const usage: Usage = {
  nodeName: 'here',
  timeMs: 1_700_000_002_000,
  node: {
    bootMs: 0,
    cpuNanoSeconds: 3.5e9,
    memoryAvailableBytes: 1,
    memoryUsageBytes: 2,
    memoryWorkingSetBytes: 3,
    rate: { nanoCores: 5, windowMs: 1_000 },
  },
  pods: [
    {
      pod: { metadata: { name: 'web', namespace: 'say"so', uid: 'u' } },
      containers: [container('main', 1.25, 7), container('side', 2, undefined)],
    },
  ],
};

it('counters and sizes as Prometheus and metrics-server read them', () => {
  const lines = resourceMetrics(usage).split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const pod = 'namespace="say\\"so",pod="web"';
  expect(samples).toEqual([
    `container_cpu_usage_seconds_total{container="main",${pod}} 1.25 1700000001500`,
    `container_cpu_usage_seconds_total{container="side",${pod}} 2 1700000001500`,
    `container_memory_working_set_bytes{container="main",${pod}} 4096 1700000001500`,
    `container_memory_working_set_bytes{container="side",${pod}} 4096 1700000001500`,
    `container_start_time_seconds{container="main",${pod}} 1700000000`,
    `container_start_time_seconds{container="side",${pod}} 1700000000`,
    'node_cpu_usage_seconds_total 3.5 1700000002000',
    'node_memory_working_set_bytes 3 1700000002000',
    `pod_cpu_usage_seconds_total{${pod}} 3.25 1700000001500`,
    `pod_memory_working_set_bytes{${pod}} 8192 1700000001500`,
    'resource_scrape_error 0',
  ]);
  expect(lines.filter((line) => line.startsWith('# TYPE'))).toHaveLength(8);
});

it('a rate that is not known is left out of the summary, of its pod too', () => {
  expect(statsSummary(usage)).toMatchObject({
    node: { nodeName: 'here', cpu: { usageNanoCores: 5, usageCoreNanoSeconds: 3.5e9 } },
    pods: [{ podRef: { name: 'web', uid: 'u' }, containers: [{ cpu: { usageNanoCores: 7 } }, { name: 'side' }] }],
  });
  const [pod] = (statsSummary(usage) as { pods: { cpu: object; containers: { cpu: object }[] }[] }).pods;
  expect(pod?.cpu).not.toHaveProperty('usageNanoCores');
  expect(pod?.containers[1]?.cpu).not.toHaveProperty('usageNanoCores');
});
