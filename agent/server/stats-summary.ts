import { readFile } from 'node:fs/promises';
import { formatTime, type Clock } from '../../lib/clock/clock.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import type { ContainerUsage, CriStats } from '../runtime/cri/stats.js';

/** Clock ticks of /proc/stat in a second: fixed for user space on Linux. */
const TICKS_PER_SECOND = 100;

/** How long an older measurement counts for a rate of CPU use. */
const RATE_MAX_MS = 120_000;

interface CpuReading {
  timeMs: number;
  nanoSeconds: number;
}

/** The kubelet's /stats/summary (stats.k8s.io): what the node and its pods use. */
export class StatsSummary {
  readonly #options: { clock: Clock; nodeName: string; stats: CriStats; pods(): readonly V1Pod[] };
  #before: CpuReading | undefined;

  constructor(options: { clock: Clock; nodeName: string; stats: CriStats; pods(): readonly V1Pod[] }) {
    this.#options = options;
  }

  async read(): Promise<object> {
    const { nodeName, stats, pods } = this.#options;
    const [node, usage] = await Promise.all([this.#node(), stats.containers()]);
    const byPod = new Map<string, ContainerUsage[]>();
    for (const one of usage) byPod.set(one.podUid, [...(byPod.get(one.podUid) ?? []), one]);
    return {
      node: { nodeName, ...node },
      pods: pods().flatMap((pod) => {
        const containers = byPod.get(pod.metadata?.uid ?? '');
        return containers === undefined ? [] : [podStats(pod, containers)];
      }),
    };
  }

  async #node(): Promise<object> {
    const { clock } = this.#options;
    const [stat, info] = await Promise.all([readFile('/proc/stat', 'utf8'), readFile('/proc/meminfo', 'utf8')]);
    const nowMs = clock.now();
    const time = formatTime(nowMs);
    const reading = { timeMs: nowMs, nanoSeconds: busyNanoSeconds(stat) };
    const before = this.#before;
    if (before === undefined || nowMs > before.timeMs) this.#before = reading;
    const seconds = before === undefined ? 0 : (nowMs - before.timeMs) / 1000;
    const isUsable = before !== undefined && seconds > 0 && seconds * 1000 < RATE_MAX_MS;
    const total = memory(info, 'MemTotal');
    const available = memory(info, 'MemAvailable');
    return {
      startTime: formatTime(bootMs(stat)),
      cpu: {
        time,
        usageNanoCores: isUsable ? Math.round((reading.nanoSeconds - before.nanoSeconds) / seconds) : 0,
        usageCoreNanoSeconds: reading.nanoSeconds,
      },
      memory: {
        time,
        availableBytes: available,
        usageBytes: total - memory(info, 'MemFree'),
        workingSetBytes: total - available,
      },
    };
  }
}

function podStats(pod: V1Pod, containers: readonly ContainerUsage[]): object {
  const { name, namespace, uid } = pod.metadata ?? {};
  const sum = (pick: (one: ContainerUsage) => number): number =>
    containers.reduce((total, one) => total + pick(one), 0);
  const newestMs = Math.max(...containers.map(({ timeMs }) => timeMs));
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime,
    cpu: {
      time: formatTime(newestMs),
      usageNanoCores: sum((one) => one.cpuNanoCores),
      usageCoreNanoSeconds: sum((one) => one.cpuNanoSeconds),
    },
    memory: {
      time: formatTime(newestMs),
      workingSetBytes: sum((one) => one.memoryWorkingSetBytes),
      usageBytes: sum((one) => one.memoryUsageBytes),
    },
    containers: containers.map((one) => ({
      name: one.name,
      startTime: pod.status?.startTime,
      cpu: {
        time: formatTime(one.timeMs),
        usageNanoCores: one.cpuNanoCores,
        usageCoreNanoSeconds: one.cpuNanoSeconds,
      },
      memory: {
        time: formatTime(one.timeMs),
        workingSetBytes: one.memoryWorkingSetBytes,
        usageBytes: one.memoryUsageBytes,
        rssBytes: one.memoryRssBytes,
      },
      rootfs: { time: formatTime(one.timeMs), usedBytes: one.writtenBytes },
    })),
  };
}

/** All but the fourth and fifth column (idle, and waiting for a disk). */
function busyNanoSeconds(stat: string): number {
  const columns = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').slice(0, 8).map(Number);
  const busy = columns.reduce((sum, ticks, index) => (index === 3 || index === 4 ? sum : sum + ticks), 0);
  return Math.round((busy / TICKS_PER_SECOND) * 1e9);
}

function bootMs(stat: string): number {
  return Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000;
}

function memory(info: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(info)?.[1] ?? 0) * 1024;
}
