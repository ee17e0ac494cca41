import { formatTime } from '../../lib/clock/clock.js';
import type { CpuRate } from '../machine/cpu-rates.js';
import type { PodUsage, Usage } from './usage-source.js';

/** The kubelet's /stats/summary (stats.k8s.io): what the node and its pods use. */
export function statsSummary({ nodeName, timeMs, node, pods }: Usage): object {
  const time = formatTime(timeMs);
  return {
    node: {
      nodeName,
      startTime: formatTime(node.bootMs),
      cpu: { time, ...rateOf(node.rate), usageCoreNanoSeconds: node.cpuNanoSeconds },
      memory: {
        time,
        availableBytes: node.memoryAvailableBytes,
        usageBytes: node.memoryUsageBytes,
        workingSetBytes: node.memoryWorkingSetBytes,
      },
    },
    pods: pods.map(podStats),
  };
}

function podStats({ pod, containers }: PodUsage): object {
  const { name, namespace, uid } = pod.metadata ?? {};
  const sum = (pick: (one: PodUsage['containers'][number]) => number): number =>
    containers.reduce((total, one) => total + pick(one), 0);
  const time = formatTime(Math.max(...containers.map(({ timeMs }) => timeMs)));
  const rates = containers.flatMap(({ rate }) => rate ?? []);
  const together = {
    nanoCores: rates.reduce((total, { nanoCores }) => total + nanoCores, 0),
    windowMs: Math.max(...rates.map(({ windowMs }) => windowMs)),
  };
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime,
    cpu: {
      time,
      ...rateOf(rates.length === containers.length ? together : undefined),
      usageCoreNanoSeconds: sum((one) => one.cpuNanoSeconds),
    },
    memory: {
      time,
      workingSetBytes: sum((one) => one.memoryWorkingSetBytes),
      usageBytes: sum((one) => one.memoryUsageBytes),
    },
    containers: containers.map((one) => {
      const measured = formatTime(one.timeMs);
      return {
        name: one.name,
        startTime: one.startedAt ?? pod.status?.startTime,
        cpu: { time: measured, ...rateOf(one.rate), usageCoreNanoSeconds: one.cpuNanoSeconds },
        memory: {
          time: measured,
          workingSetBytes: one.memoryWorkingSetBytes,
          usageBytes: one.memoryUsageBytes,
          rssBytes: one.memoryRssBytes,
        },
        rootfs: { time: measured, usedBytes: one.writtenBytes },
      };
    }),
  };
}

/** A rate that is not known is left out, as the kubelet does; `usageWindowMilliSeconds` is ours. */
function rateOf(rate: CpuRate | undefined): { usageNanoCores?: number; usageWindowMilliSeconds?: number } {
  return rate === undefined ? {} : { usageNanoCores: rate.nanoCores, usageWindowMilliSeconds: rate.windowMs };
}
