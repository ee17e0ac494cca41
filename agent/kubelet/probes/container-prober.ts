import type { Clock } from '../../../lib/clock/clock.js';
import type { V1Container, V1Pod, V1Probe } from '../../../lib/schema/generated/types.js';
import type { EventRecorder } from '../../../lib/work/event-recorder.js';
import type { Container } from '../../runtime/runtime.js';
import { newest, type PodState } from '../pod-state.js';
import type { Prober } from '../prober.js';
import { runProbe, type ExecCommand } from './probe.js';

export interface ContainerProberOptions {
  clock: Clock;
  exec: ExecCommand;
  events: EventRecorder;
  /** For pods in the host's network. */
  hostIp: string;
}

type Kind = 'startup' | 'liveness' | 'readiness';

const KINDS: readonly Kind[] = ['startup', 'liveness', 'readiness'];

const TITLES: Readonly<Record<Kind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

/** One probe of one running container. */
interface Watch {
  readonly kind: Kind;
  readonly container: Container;
  pod: V1Pod;
  spec: V1Container;
  ip: string;
  /** As found by enough probes in a row; undefined before. */
  verdict: boolean | undefined;
  /** Results in a row that are like the last one. */
  streak: number;
  last: boolean | undefined;
  isEnded: boolean;
  cancel: () => void;
}

/** Probes containers as the kubelet does: each probe in its own time, with its thresholds. */
export class ContainerProber implements Prober {
  readonly #options: ContainerProberOptions;
  /** By container id and kind. */
  readonly #watches = new Map<string, Watch>();
  #listeners: ((podUid: string) => void)[] = [];

  constructor(options: ContainerProberOptions) {
    this.#options = options;
  }

  isStarted(pod: V1Pod, spec: V1Container, container: Container): boolean {
    if (spec.startupProbe === undefined) return true;
    return this.#verdict(container, 'startup') ?? reported(pod, container)?.started ?? false;
  }

  isReady(pod: V1Pod, spec: V1Container, container: Container): boolean {
    if (spec.readinessProbe === undefined) return true;
    // After a restart of the agent what was found last holds until the first probe.
    return this.#verdict(container, 'readiness') ?? reported(pod, container)?.ready ?? false;
  }

  failedProbe(container: Container): 'liveness' | 'startup' | undefined {
    if (this.#verdict(container, 'startup') === false) return 'startup';
    return this.#verdict(container, 'liveness') === false ? 'liveness' : undefined;
  }

  follow(pod: V1Pod, state: PodState): void {
    const uid = pod.metadata?.uid ?? '';
    const ip = pod.spec?.hostNetwork ? this.#options.hostIp : (state.sandbox?.ips[0] ?? '');
    const present = new Set<string>();
    const isEnding = pod.metadata?.deletionTimestamp !== undefined;
    for (const spec of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
      const container = newest(state, spec.name);
      if (container?.state !== 'running') continue;
      for (const kind of KINDS) {
        if (probeOf(spec, kind) === undefined || (isEnding && kind !== 'readiness')) continue;
        const key = `${container.id}/${kind}`;
        present.add(key);
        const watch = this.#watches.get(key);
        if (watch !== undefined) Object.assign(watch, { pod, spec, ip });
        else this.#begin(key, { kind, container, pod, spec, ip });
      }
    }
    for (const [key, watch] of this.#watches) {
      if (watch.container.podUid === uid && !present.has(key)) this.#end(key, watch);
    }
  }

  forget(podUid: string): void {
    for (const [key, watch] of this.#watches) if (watch.container.podUid === podUid) this.#end(key, watch);
  }

  onChange(listener: (podUid: string) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => (this.#listeners = this.#listeners.filter((one) => one !== listener));
  }

  /** Ends all probes. */
  stop(): void {
    for (const [key, watch] of this.#watches) this.#end(key, watch);
  }

  #verdict(container: Container, kind: Kind): boolean | undefined {
    return this.#watches.get(`${container.id}/${kind}`)?.verdict;
  }

  #begin(key: string, options: Pick<Watch, 'kind' | 'container' | 'pod' | 'spec' | 'ip'>): void {
    const watch: Watch = {
      ...options,
      verdict: undefined,
      streak: 0,
      last: undefined,
      isEnded: false,
      cancel: () => undefined,
    };
    this.#watches.set(key, watch);
    const probe = probeOf(watch.spec, watch.kind);
    const delayMs = (probe?.initialDelaySeconds ?? 0) * 1000;
    const runsMs = this.#options.clock.now() - (watch.container.startedAtMs ?? 0);
    // The clock may have been set since it started.
    this.#after(watch, delayMs - Math.max(0, runsMs));
  }

  #end(key: string, watch: Watch): void {
    watch.isEnded = true;
    watch.cancel();
    this.#watches.delete(key);
  }

  #after(watch: Watch, delayMs: number): void {
    if (watch.isEnded) return;
    watch.cancel = this.#options.clock.setTimer(Math.max(0, delayMs), () => void this.#probe(watch));
  }

  async #probe(watch: Watch): Promise<void> {
    const { clock, exec } = this.#options;
    const probe = probeOf(watch.spec, watch.kind);
    if (probe === undefined) return;
    const startedMs = clock.now();
    const { kind, container, pod, spec } = watch;
    // The others wait until the container has started; and once it has, nobody asks again.
    const isStarted = this.isStarted(pod, spec, container);
    if (kind === 'startup' ? watch.verdict === undefined : isStarted) {
      const outcome = await runProbe(probe, { containerId: container.id, spec, ip: watch.ip }, { exec, clock });
      if (watch.isEnded) return;
      if (!outcome.isSuccess) this.#tell(watch, outcome.output);
      this.#take(watch, probe, outcome.isSuccess);
    }
    if (kind === 'startup' && watch.verdict !== undefined) return;
    const waitMs = kind !== 'startup' && !isStarted ? STARTED_CHECK_MS : (probe.periodSeconds ?? 10) * 1000;
    this.#after(watch, waitMs - (clock.now() - startedMs));
  }

  #take(watch: Watch, probe: V1Probe, isSuccess: boolean): void {
    watch.streak = watch.last === isSuccess ? watch.streak + 1 : 1;
    watch.last = isSuccess;
    const threshold = isSuccess ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (watch.streak < threshold || watch.verdict === isSuccess) return;
    watch.verdict = isSuccess;
    for (const listener of this.#listeners) listener(watch.container.podUid);
  }

  #tell({ pod, kind }: Watch, output: string): void {
    void this.#options.events.warning(pod, 'Unhealthy', `${TITLES[kind]} probe failed: ${output}`);
  }
}

/** How soon after the start-up probe the others begin. */
const STARTED_CHECK_MS = 250;

function probeOf(spec: V1Container, kind: Kind): V1Probe | undefined {
  switch (kind) {
    case 'startup':
      return spec.startupProbe;
    case 'liveness':
      return spec.livenessProbe;
    case 'readiness':
      return spec.readinessProbe;
  }
}

/** What the pod's status says of this very container. */
function reported(pod: V1Pod, container: Container): { ready: boolean; started?: boolean } | undefined {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return all.find(({ containerID }) => containerID?.endsWith(`//${container.id}`));
}
