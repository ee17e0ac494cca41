import type { PodUsage, Usage } from './usage-source.js';

/** Prometheus' text format. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type Labels = Readonly<Record<string, string>>;

/** The kubelet's /metrics/resource: counters and sizes that metrics-server and others read, each with the time it was measured at. */
export function resourceMetrics({ timeMs, node, pods }: Usage): string {
  const lines: string[] = [];
  const family = (name: string, type: 'counter' | 'gauge', help: string): void =>
    void lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  const sample = (name: string, labels: Labels, value: number, atMs?: number): void =>
    void lines.push(`${name}${labelText(labels)} ${value}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`);
  const containers = pods.flatMap(({ pod, containers: all }) =>
    all.map((one) => ({
      ...one,
      labels: { container: one.name, namespace: pod.metadata?.namespace ?? '', pod: pod.metadata?.name ?? '' },
    })),
  );
  const eachPod = (name: string, pick: (one: PodUsage['containers'][number]) => number): void => {
    for (const { pod, containers: own } of pods) {
      const labels = { namespace: pod.metadata?.namespace ?? '', pod: pod.metadata?.name ?? '' };
      const total = own.reduce((sum, one) => sum + pick(one), 0);
      sample(name, labels, total, Math.max(...own.map((one) => one.timeMs)));
    }
  };

  family(
    'container_cpu_usage_seconds_total',
    'counter',
    '[STABLE] Cumulative cpu time consumed by the container in core-seconds',
  );
  for (const one of containers)
    sample('container_cpu_usage_seconds_total', one.labels, one.cpuNanoSeconds / 1e9, one.timeMs);
  family('container_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the container in bytes');
  for (const one of containers)
    sample('container_memory_working_set_bytes', one.labels, one.memoryWorkingSetBytes, one.timeMs);
  family('container_start_time_seconds', 'gauge', '[STABLE] Start time of the container since unix epoch in seconds');
  for (const one of containers) {
    if (one.startedAt !== undefined)
      sample('container_start_time_seconds', one.labels, Date.parse(one.startedAt) / 1000);
  }
  family(
    'node_cpu_usage_seconds_total',
    'counter',
    '[STABLE] Cumulative cpu time consumed by the node in core-seconds',
  );
  sample('node_cpu_usage_seconds_total', {}, node.cpuNanoSeconds / 1e9, timeMs);
  family('node_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the node in bytes');
  sample('node_memory_working_set_bytes', {}, node.memoryWorkingSetBytes, timeMs);
  family('pod_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the pod in core-seconds');
  eachPod('pod_cpu_usage_seconds_total', ({ cpuNanoSeconds }) => cpuNanoSeconds / 1e9);
  family('pod_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the pod in bytes');
  eachPod('pod_memory_working_set_bytes', ({ memoryWorkingSetBytes }) => memoryWorkingSetBytes);
  family(
    'resource_scrape_error',
    'gauge',
    '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
  );
  sample('resource_scrape_error', {}, 0);
  return `${lines.join('\n')}\n`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
