import type { CriConnection } from './connection.js';
import { ownerLabels, podUidOf, type Owner } from './labels.js';
import { LIST_TIMEOUT_MS } from './limits.js';
import type { CriContainerStats } from './messages.js';

export interface ContainerUsage {
  podUid: string;
  name: string;
  /** When it was measured. */
  timeMs: number;
  cpuNanoCores: number;
  cpuNanoSeconds: number;
  memoryWorkingSetBytes: number;
  memoryUsageBytes: number;
  memoryRssBytes: number;
  writtenBytes: number;
}

interface Measurement {
  timeMs: number;
  cpuNanoSeconds: number;
  cpuNanoCores: number;
}

/** How long an older measurement counts for a rate of CPU use. */
const RATE_MAX_MS = 120_000;

/** What containers use. */
export class CriStats {
  readonly #connection: CriConnection;
  readonly #owner: Owner;
  /** By container id: the last measurement, where the runtime gives no rates. */
  #before = new Map<string, Measurement>();

  constructor(connection: CriConnection, owner: Owner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  async containers(): Promise<ContainerUsage[]> {
    const { stats } = await this.#connection.runtime<{ stats: CriContainerStats[] }>(
      'ListContainerStats',
      { filter: { label_selector: ownerLabels(this.#owner) } },
      { timeoutMs: LIST_TIMEOUT_MS },
    );
    const next = new Map<string, Measurement>();
    const usage = stats.flatMap((one) => {
      const { attributes, cpu, memory, writable_layer: layer } = one;
      if (attributes === null || memory === null || cpu === null) return [];
      const timeMs = Math.floor(cpu.timestamp / 1e6);
      const cpuNanoSeconds = cpu.usage_core_nano_seconds?.value ?? 0;
      const cpuNanoCores = this.#rate(attributes.id, timeMs, cpuNanoSeconds, cpu.usage_nano_cores?.value ?? 0);
      next.set(attributes.id, { timeMs, cpuNanoSeconds, cpuNanoCores });
      return [
        {
          podUid: podUidOf(attributes.labels),
          name: attributes.metadata?.name ?? '',
          timeMs,
          cpuNanoCores,
          cpuNanoSeconds,
          memoryWorkingSetBytes: memory.working_set_bytes?.value ?? 0,
          memoryUsageBytes: memory.usage_bytes?.value ?? 0,
          memoryRssBytes: memory.rss_bytes?.value ?? 0,
          writtenBytes: layer?.used_bytes?.value ?? 0,
        },
      ];
    });
    this.#before = next;
    return usage;
  }

  /** Working sets by pod uid. */
  async memoryByPod(): Promise<Map<string, number>> {
    const sums = new Map<string, number>();
    for (const { podUid, memoryWorkingSetBytes } of await this.containers()) {
      sums.set(podUid, (sums.get(podUid) ?? 0) + memoryWorkingSetBytes);
    }
    return sums;
  }

  /** The runtime's own rate where it has one, otherwise what was used since the last measurement. */
  #rate(id: string, timeMs: number, cpuNanoSeconds: number, told: number): number {
    const before = this.#before.get(id);
    if (told > 0 || before === undefined || timeMs - before.timeMs > RATE_MAX_MS) return told;
    if (timeMs <= before.timeMs) return before.cpuNanoCores;
    return Math.round((cpuNanoSeconds - before.cpuNanoSeconds) / ((timeMs - before.timeMs) / 1000));
  }
}
