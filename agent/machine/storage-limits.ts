import path from 'node:path';
import { isStaticPod } from '../kubelet/static-pod.js';
import { quantityValue } from '../../lib/api/quantity-number.js';
import { canonicalQuantity } from '../../lib/api/quantity.js';
import type { V1Pod, V1Volume } from '../../lib/schema/generated/types.js';
import type { ContainerUsage } from '../runtime/cri/stats.js';
import { folderBytes } from './folder-size.js';

export interface StorageLimitsOptions {
  pods(): readonly V1Pod[];
  /** What containers have written into their own file systems. */
  written(): Promise<readonly Pick<ContainerUsage, 'podUid' | 'name' | 'writtenBytes'>[]>;
  /** Where a pod's empty directory is on this machine. */
  volumeFolder(podUid: string, volume: V1Volume): string;
  /** Where the logs of a pod's containers are, in a folder for each. */
  logFolder(pod: V1Pod): string;
  evict(podUid: string, rejection: { reason: string; message: string }): void;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

const STORAGE = 'ephemeral-storage';

/** Ends pods that have written more to the machine's disk than they said they would, as the kubelet's eviction manager does. */
export class StorageLimits {
  readonly #options: StorageLimitsOptions;

  constructor(options: StorageLimitsOptions) {
    this.#options = options;
  }

  /** One look at all pods that have limits; costs nothing while there are none. */
  async check(): Promise<void> {
    const { pods, written, evict, log } = this.#options;
    const limited = pods().filter((pod) => hasLimits(pod) && isAlive(pod) && !isStaticPod(pod));
    if (limited.length === 0) return;
    const all = limited.some(limitsContainers) ? await written() : [];
    for (const pod of limited) {
      const uid = pod.metadata?.uid ?? '';
      const own = new Map(all.filter(({ podUid }) => podUid === uid).map((one) => [one.name, one.writtenBytes]));
      const message =
        (await this.#fullVolume(pod)) ?? (limitsContainers(pod) ? await this.#overLimit(pod, own) : undefined);
      if (message === undefined) continue;
      log('warn', 'a pod is evicted', { pod: `${pod.metadata?.namespace}/${pod.metadata?.name}`, message });
      evict(uid, { reason: 'Evicted', message });
    }
  }

  async #fullVolume(pod: V1Pod): Promise<string | undefined> {
    for (const volume of pod.spec?.volumes ?? []) {
      const limit = sizeLimit(volume);
      if (limit === undefined) continue;
      const limitBytes = quantityValue(limit);
      const folder = this.#options.volumeFolder(pod.metadata?.uid ?? '', volume);
      if ((await folderBytes(folder, limitBytes)) <= limitBytes) continue;
      return `Usage of EmptyDir volume ${JSON.stringify(volume.name)} exceeds the limit ${JSON.stringify(canonicalQuantity(limit))}. `;
    }
    return undefined;
  }

  async #overLimit(pod: V1Pod, written: ReadonlyMap<string, number>): Promise<string | undefined> {
    const limits = limitsOf(pod);
    const totalLimit = [...limits.values()].reduce((sum, limit) => sum + quantityValue(limit), 0);
    const used = new Map<string, number>();
    for (const { name } of pod.spec?.containers ?? []) {
      const logs = await folderBytes(path.join(this.#options.logFolder(pod), name), totalLimit);
      used.set(name, logs + (written.get(name) ?? 0));
    }
    let total = [...used.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const volume of pod.spec?.volumes ?? []) {
      if (volume.emptyDir === undefined || volume.emptyDir.medium === 'Memory') continue;
      total += await folderBytes(this.#options.volumeFolder(pod.metadata?.uid ?? '', volume), totalLimit);
    }
    if (total > totalLimit) {
      const [only] = limits.values();
      const text = limits.size === 1 && only !== undefined ? canonicalQuantity(only) : canonicalQuantity(totalLimit);
      return `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. `;
    }
    for (const [name, limit] of limits) {
      if ((used.get(name) ?? 0) <= quantityValue(limit)) continue;
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(canonicalQuantity(limit))}. `;
    }
    return undefined;
  }
}

function isAlive({ metadata, status }: V1Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== 'Failed' && status?.phase !== 'Succeeded';
}

function hasLimits(pod: V1Pod): boolean {
  return limitsContainers(pod) || (pod.spec?.volumes ?? []).some((volume) => sizeLimit(volume) !== undefined);
}

function limitsContainers(pod: V1Pod): boolean {
  return limitsOf(pod).size > 0;
}

function limitsOf({ spec }: V1Pod): Map<string, string> {
  return new Map(
    (spec?.containers ?? []).flatMap(({ name, resources }) => {
      const limit = resources?.limits?.[STORAGE];
      return limit === undefined || quantityValue(limit) === 0 ? [] : [[name, limit] as const];
    }),
  );
}

/** One in memory is as large as it was made. */
function sizeLimit({ emptyDir }: V1Volume): string | undefined {
  const limit = emptyDir?.medium === 'Memory' ? undefined : emptyDir?.sizeLimit;
  return limit === undefined || quantityValue(limit) <= 0 ? undefined : limit;
}
