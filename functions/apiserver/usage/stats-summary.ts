/** The part of a kubelet's /stats/summary (stats.k8s.io/v1alpha1) that is read here. What a kubelet does not know it leaves out. */
export interface StatsSummary {
  readonly node: Measurement;
  /** Containers by the uid of their pod. */
  readonly pods: ReadonlyMap<string, readonly ContainerMeasurement[]>;
}

export interface Measurement {
  /** When the CPU was measured. */
  readonly timeMs: number;
  readonly nanoCores: number | undefined;
  /** The time that the rate is the average of, where that is said. */
  readonly windowMs: number | undefined;
  readonly workingSetBytes: number | undefined;
}

export interface ContainerMeasurement extends Measurement {
  readonly name: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads what a kubelet has sent, which may be anything. Throws where it is no summary. */
export function readSummary(value: unknown): StatsSummary {
  const { node, pods } = objectOf(value, 'summary');
  const byPod = new Map<string, ContainerMeasurement[]>();
  for (const pod of listOf(pods, 'pods')) {
    const { podRef, containers } = objectOf(pod, 'pod');
    const { uid } = objectOf(podRef, 'podRef');
    if (typeof uid !== 'string') throw new Error('a pod has no uid');
    byPod.set(
      uid,
      listOf(containers, 'containers').map((one) => {
        const { name } = objectOf(one, 'container');
        if (typeof name !== 'string') throw new Error('a container has no name');
        return { name, ...measurementOf(one) };
      }),
    );
  }
  return { node: measurementOf(node), pods: byPod };
}

function measurementOf(value: unknown): Measurement {
  const { cpu, memory } = objectOf(value, 'measurement');
  // `usageWindowMilliSeconds` is our agent's own.
  const { time, usageNanoCores, usageWindowMilliSeconds } = objectOf(cpu ?? {}, 'cpu');
  const { workingSetBytes } = objectOf(memory ?? {}, 'memory');
  const timeMs = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return {
    timeMs,
    // A rate without a time is of no use.
    nanoCores: Number.isNaN(timeMs) ? undefined : amountOf(usageNanoCores),
    windowMs: amountOf(usageWindowMilliSeconds),
    workingSetBytes: amountOf(workingSetBytes),
  };
}

function amountOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null) throw new Error(`its ${what} is no object`);
  return value as Json;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`its ${what} are no list`);
  return value;
}
