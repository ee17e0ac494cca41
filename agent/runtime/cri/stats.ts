import type { CriConnection } from './connection.js';
import { ownerLabels, podUidOf, type Owner } from './labels.js';
import { LIST_TIMEOUT_MS } from './limits.js';
import type { CriContainerStats } from './messages.js';

export interface ContainerUsage {
  id: string;
  podUid: string;
  name: string;
  /** When it was measured. */
  timeMs: number;
  /** Since the container started. */
  cpuNanoSeconds: number;
  memoryWorkingSetBytes: number;
  memoryUsageBytes: number;
  memoryRssBytes: number;
  writtenBytes: number;
}

/** What containers use. */
export class CriStats {
  readonly #connection: CriConnection;
  readonly #owner: Owner;

  constructor(connection: CriConnection, owner: Owner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  /** Of those that run. */
  async containers(): Promise<ContainerUsage[]> {
    const { stats } = await this.#connection.runtime<{ stats: CriContainerStats[] }>(
      'ListContainerStats',
      { filter: { label_selector: ownerLabels(this.#owner) } },
      { timeoutMs: LIST_TIMEOUT_MS },
    );
    return stats.flatMap((one) => {
      const { attributes, cpu, memory, writable_layer: layer } = one;
      if (attributes === null || memory === null || cpu === null) return [];
      return [
        {
          id: attributes.id,
          podUid: podUidOf(attributes.labels),
          name: attributes.metadata?.name ?? '',
          timeMs: Math.floor(cpu.timestamp / 1e6),
          cpuNanoSeconds: cpu.usage_core_nano_seconds?.value ?? 0,
          memoryWorkingSetBytes: memory.working_set_bytes?.value ?? 0,
          memoryUsageBytes: memory.usage_bytes?.value ?? 0,
          memoryRssBytes: memory.rss_bytes?.value ?? 0,
          writtenBytes: layer?.used_bytes?.value ?? 0,
        },
      ];
    });
  }

  /** Working sets by pod uid. */
  async memoryByPod(): Promise<Map<string, number>> {
    const sums = new Map<string, number>();
    for (const { podUid, memoryWorkingSetBytes } of await this.containers()) {
      sums.set(podUid, (sums.get(podUid) ?? 0) + memoryWorkingSetBytes);
    }
    return sums;
  }
}
