import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { CpuRates, type CpuRate } from '../machine/cpu-rates.js';
import { readNodeUsage, type NodeUsage } from '../machine/node-usage.js';
import type { ContainerUsage, CriStats } from '../runtime/cri/stats.js';

/** What the machine and its containers use at one moment. */
export interface Usage {
  nodeName: string;
  timeMs: number;
  node: NodeUsage & { rate: CpuRate | undefined };
  pods: readonly PodUsage[];
}

export interface PodUsage {
  pod: V1Pod;
  containers: readonly (ContainerUsage & { rate: CpuRate | undefined; startedAt: string | undefined })[];
}

export interface UsageSourceOptions {
  clock: Clock;
  nodeName: string;
  stats: CriStats;
  pods(): readonly V1Pod[];
}

const NODE = 'node';

/** Who has not been looked at lately gets a second look after so long: a rate needs two. Nothing is measured while nobody asks. */
const SECOND_LOOK_MS = 1_000;

/** Measures what the node's pods use, when it is asked. */
export class UsageSource {
  readonly #options: UsageSourceOptions;
  readonly #rates = new CpuRates();
  #running: Promise<Usage> | undefined;

  constructor(options: UsageSourceOptions) {
    this.#options = options;
  }

  /** With rates of everything that has run for a second; takes a second when the last look is long ago. */
  withRates(): Promise<Usage> {
    return (this.#running ??= this.#measureTwice().finally(() => (this.#running = undefined)));
  }

  async #measureTwice(): Promise<Usage> {
    const first = await this.measure();
    const isComplete = [first.node, ...first.pods.flatMap(({ containers }) => containers)].every(
      ({ rate }) => rate !== undefined,
    );
    if (isComplete) return first;
    await sleep(this.#options.clock, SECOND_LOOK_MS);
    return this.measure();
  }

  async measure(): Promise<Usage> {
    const { clock, nodeName, stats, pods } = this.#options;
    const [node, all] = await Promise.all([readNodeUsage(), stats.containers()]);
    const timeMs = clock.now();
    const readings = new Map([[NODE, { timeMs, nanoSeconds: node.cpuNanoSeconds }]]);
    for (const one of all) readings.set(one.id, { timeMs: one.timeMs, nanoSeconds: one.cpuNanoSeconds });
    const rates = this.#rates.update(readings);
    const byPod = new Map<string, ContainerUsage[]>();
    for (const one of all) byPod.set(one.podUid, [...(byPod.get(one.podUid) ?? []), one]);
    return {
      nodeName,
      timeMs,
      node: { ...node, rate: rates.get(NODE) },
      pods: pods().flatMap((pod) => {
        const started = startTimes(pod);
        const containers = (byPod.get(pod.metadata?.uid ?? '') ?? []).map((one) => ({
          ...one,
          rate: rates.get(one.id),
          startedAt: started.get(one.name),
        }));
        return containers.length === 0 ? [] : [{ pod, containers }];
      }),
    };
  }
}

function startTimes({ status }: V1Pod): Map<string, string | undefined> {
  const all = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  return new Map(all.map(({ name, state }) => [name, state?.running?.startedAt]));
}
