import { readFile } from 'node:fs/promises';

/** Clock ticks of /proc/stat in a second: fixed for user space on Linux. */
const TICKS_PER_SECOND = 100;

/** What the whole machine uses, as the kernel counts it. */
export interface NodeUsage {
  bootMs: number;
  /** Since boot, all cores together. */
  cpuNanoSeconds: number;
  memoryAvailableBytes: number;
  memoryUsageBytes: number;
  /** What cannot be reclaimed. */
  memoryWorkingSetBytes: number;
}

export async function readNodeUsage(): Promise<NodeUsage> {
  const [stat, info] = await Promise.all([readFile('/proc/stat', 'utf8'), readFile('/proc/meminfo', 'utf8')]);
  const total = memory(info, 'MemTotal');
  const available = memory(info, 'MemAvailable');
  return {
    bootMs: Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000,
    cpuNanoSeconds: busyNanoSeconds(stat),
    memoryAvailableBytes: available,
    memoryUsageBytes: total - memory(info, 'MemFree'),
    memoryWorkingSetBytes: total - available,
  };
}

/** All but the fourth and fifth column (idle, and waiting for a disk). */
function busyNanoSeconds(stat: string): number {
  const columns = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').slice(0, 8).map(Number);
  const busy = columns.reduce((sum, ticks, index) => (index === 3 || index === 4 ? sum : sum + ticks), 0);
  return Math.round((busy / TICKS_PER_SECOND) * 1e9);
}

function memory(info: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(info)?.[1] ?? 0) * 1024;
}
