import { readFile, statfs } from 'node:fs/promises';
import { isStaticPod } from '../kubelet/static-pod.js';
import { quantityValue } from '../../lib/api/quantity-number.js';
import type { Clock } from '../../lib/clock/clock.js';
import { podRequests } from '../../lib/scheduling/pod-requests.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import type { NodeInspection } from '../kubelet/node-object.js';
import {
  EVICTION_PAUSE_MS,
  INODES_RESERVED_PART,
  MEMORY_RESERVED_BYTES,
  PRESSURE_HELD_MS,
  PRESSURE_INTERVAL_MS,
  storageReserve,
} from './thresholds.js';

/** What is left of the machine. */
export interface MachineState {
  memoryAvailableBytes: number;
  storageAvailableBytes: number;
  storageBytes: number;
  inodesFree: number;
  inodes: number;
}

export interface PressureOptions {
  clock: Clock;
  read(): Promise<MachineState>;
  /** Bytes of memory that each pod uses, by uid. */
  memoryUse(): Promise<ReadonlyMap<string, number>>;
  pods(): readonly V1Pod[];
  /** Frees what nobody uses of the storage: tried before a pod has to go. */
  reclaimStorage(): Promise<void>;
  evict(podUid: string, rejection: { reason: string; message: string }): void;
  /** The node's conditions have changed. */
  onChange(): void;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

type Pressure = 'MemoryPressure' | 'DiskPressure';

const TOLD: Readonly<Record<Pressure, { reason: string; message: string }>> = {
  MemoryPressure: { reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' },
  DiskPressure: { reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' },
};

/** Pods of this priority and above keep the cluster alive: they are not evicted. */
const CRITICAL_PRIORITY = 2_000_000_000;

/** Watches memory and storage, tells of pressure as the node's conditions, and evicts one pod at a time while it lasts. */
export class PressureMonitor {
  readonly #options: PressureOptions;
  readonly #seenMs = new Map<Pressure, number>();
  #cancelTimer: () => void = () => undefined;
  #evictedMs = -Infinity;
  #isStopped = false;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  problems(): NodeInspection['problems'] {
    return Object.fromEntries([...this.#seenMs.keys()].map((pressure) => [pressure, TOLD[pressure]]));
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await this.check();
    } catch (error) {
      log('warn', 'memory and storage of the machine were not checked', { error: String(error) });
    }
    if (!this.#isStopped) this.#cancelTimer = clock.setTimer(PRESSURE_INTERVAL_MS, () => void this.#run());
  }

  /** One look at the machine, and what follows from it. */
  async check(): Promise<void> {
    const { clock, read, onChange } = this.#options;
    const state = await read();
    const nowMs = clock.now();
    const before = [...this.#seenMs.keys()].sort().join();
    const isMemoryShort = state.memoryAvailableBytes < MEMORY_RESERVED_BYTES;
    const isStorageShort = isShortOfStorage(state);
    if (isMemoryShort) this.#seenMs.set('MemoryPressure', nowMs);
    if (isStorageShort) this.#seenMs.set('DiskPressure', nowMs);
    for (const [pressure, seenMs] of this.#seenMs) {
      if (nowMs - seenMs > PRESSURE_HELD_MS) this.#seenMs.delete(pressure);
    }
    if ([...this.#seenMs.keys()].sort().join() !== before) onChange();
    if (isMemoryShort) {
      await this.#evictOne('memory', `${MEMORY_RESERVED_BYTES / 1024 ** 2}Mi`, state.memoryAvailableBytes);
    } else if (isStorageShort) {
      await this.#options.reclaimStorage();
      const left = await read();
      if (!isShortOfStorage(left)) return;
      await this.#evictOne('ephemeral-storage', String(storageReserve(left.storageBytes)), left.storageAvailableBytes);
    }
  }

  async #evictOne(resource: string, threshold: string, availableBytes: number): Promise<void> {
    const { clock, pods, memoryUse, evict, log } = this.#options;
    if (clock.now() - this.#evictedMs < EVICTION_PAUSE_MS) return;
    const use = await memoryUse();
    const [victim] = rankForEviction(pods(), use);
    if (victim === undefined) return;
    this.#evictedMs = clock.now();
    const available = `${Math.floor(availableBytes / 1024)}Ki`;
    const message = `The node was low on resource: ${resource}. Threshold quantity: ${threshold}, available: ${available}. `;
    log('warn', 'a pod is evicted', { pod: `${victim.metadata?.namespace}/${victim.metadata?.name}`, message });
    evict(victim.metadata?.uid ?? '', { reason: 'Evicted', message });
  }
}

function isShortOfStorage(state: MachineState): boolean {
  return (
    state.storageAvailableBytes < storageReserve(state.storageBytes) ||
    (state.inodes > 0 && state.inodesFree < state.inodes * INODES_RESERVED_PART)
  );
}

/** The pods that may be evicted (static pods may not), the first one first: those above their requests, of lower priority, and furthest above. */
export function rankForEviction(pods: readonly V1Pod[], memoryUse: ReadonlyMap<string, number>): V1Pod[] {
  const excess = (pod: V1Pod): number =>
    (memoryUse.get(pod.metadata?.uid ?? '') ?? 0) - (podRequests(pod).get('memory') ?? 0);
  const priority = (pod: V1Pod): number => pod.spec?.priority ?? 0;
  return pods
    .filter(
      (pod) =>
        priority(pod) < CRITICAL_PRIORITY &&
        !isStaticPod(pod) &&
        pod.metadata?.deletionTimestamp === undefined &&
        pod.status?.phase !== 'Failed' &&
        pod.status?.phase !== 'Succeeded',
    )
    .sort((one, other) => {
      const isAbove = Number(excess(other) > 0) - Number(excess(one) > 0);
      return isAbove || priority(one) - priority(other) || excess(other) - excess(one);
    });
}

/** What the kernel and the file system of `folder` say. */
export async function readMachine(folder: string): Promise<MachineState> {
  const [info, storage] = await Promise.all([readFile('/proc/meminfo', 'utf8'), statfs(folder)]);
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(info)?.[1] ?? '0';
  return {
    memoryAvailableBytes: quantityValue(`${available}Ki`),
    storageAvailableBytes: storage.bavail * storage.bsize,
    storageBytes: storage.blocks * storage.bsize,
    inodesFree: storage.ffree,
    inodes: storage.files,
  };
}
