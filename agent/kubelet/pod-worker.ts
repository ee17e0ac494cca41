import { deepEqual } from '../../lib/api/equality.js';
import { refOf } from '../../lib/client/client.js';
import { sleep } from '../../lib/clock/clock.js';
import type { V1Pod, V1PodStatus } from '../../lib/schema/generated/types.js';
import type { PodApi } from './pod-api.js';
import { computePodStatus, type StatusContext } from './pod-status.js';
import { endContainer, readPodState, syncPod, type SyncContext } from './pod-sync.js';
import { isSidecar, type PodState } from './pod-state.js';
import { pickStatus } from './status-patch.js';
import type { Container } from '../runtime/runtime.js';

export interface PodWorkerContext extends Omit<SyncContext, 'signal'> {
  api: PodApi;
  status: Omit<StatusContext, 'nowMs'>;
  /** Undefined when the node takes the pod; otherwise why not. Asked once, before anything of the pod has started. */
  admit(pod: V1Pod): PodState['rejection'];
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** After an error of the API or the runtime. */
const RETRY_MS = 1_000;

/** So long a pod's containers wait for the API server to take its status. */
const REPORT_PATIENCE_MS = 2_000;

/** A start that takes longer than this shows what it waits for meanwhile; one that does not saves the write. */
const SLOW_START_MS = 100;

/**
 * Everything the kubelet does for one pod, one step after the other: it brings it up, keeps it as it should be, reports its status, and
 * takes it down. Steps are triggered by changes of the pod, of its containers, and by its own waits.
 */
export class PodWorker {
  readonly #context: PodWorkerContext;
  readonly #onGone: () => void;
  #pod: V1Pod;
  /** The API, or the file of a static pod, no longer has the pod: what is left of it here goes without a report. */
  #isRemoved = false;
  /** So long its containers have then. Undefined: as long as its deletion said. */
  #removalGraceSeconds: number | undefined;
  #isAdmitted = false;
  #rejection: PodState['rejection'];
  #isDirty = false;
  #running: Promise<void> | undefined;
  #cancelTimer: () => void = () => undefined;
  #isStopped = false;
  /** Ends what delays the pod's own end: a pull. */
  readonly #ending = new AbortController();
  /** The containers that are being stopped now, and until when they have time. */
  readonly #stopping = new Set<string>();
  #stoppingUntilMs = Infinity;
  /** The status that is on its way to the API server, and the one that it last acknowledged. */
  #reporting: V1PodStatus | undefined;
  #reported: V1PodStatus | undefined;
  /** What is to be told next, and the telling that is under way. */
  #untold: { pod: V1Pod; state: PodState } | undefined;
  #telling: Promise<void> | undefined;
  /** The resourceVersion it got. A pod of the watch that is older does not have it yet; one that is newer may have been changed by others. */
  #reportedRevision = 0;

  constructor(pod: V1Pod, context: PodWorkerContext, onGone: () => void) {
    this.#pod = pod;
    this.#context = context;
    this.#onGone = onGone;
  }

  get pod(): V1Pod {
    return this.#pod;
  }

  /** Whether the node has taken the pod; undefined as long as that is not decided. */
  get isTaken(): boolean | undefined {
    if (this.#rejection !== undefined) return false;
    return this.#isAdmitted ? true : undefined;
  }

  /** What the kubelet has told of the pod last. */
  get status(): V1PodStatus | undefined {
    return this.#reported ?? this.#pod.status;
  }

  /** The node cannot keep the pod: it ends and fails with this reason. */
  evict(rejection: NonNullable<PodState['rejection']>): void {
    this.#rejection ??= rejection;
    this.#ending.abort();
    this.poke();
  }

  update(pod: V1Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) {
      this.#ending.abort();
      this.#hasten(pod.metadata.deletionGracePeriodSeconds ?? 0);
    }
    if (before === pod || !this.#isOwnEcho(before, pod)) this.poke();
  }

  /** Nothing is new to us but the status that we are reporting ourselves. */
  #isOwnEcho(before: V1Pod, after: V1Pod): boolean {
    const reported = this.#reporting ?? this.#reported;
    return (
      reported !== undefined &&
      // With its end told, what is left of a pod is to be stopped.
      isTerminal(before) === isTerminal(after) &&
      deepEqual(pickStatus(after.status, reported), reported) &&
      deepEqual(othersConditions(before, reported), othersConditions(after, reported)) &&
      deepEqual(before.spec, after.spec) &&
      deepEqual(ownMetadata(before), ownMetadata(after))
    );
  }

  /** The pod is no more. The API has given one that was deleted its time already; a static pod gets it now. */
  remove(graceSeconds?: number): void {
    this.#isRemoved = true;
    this.#removalGraceSeconds = graceSeconds;
    this.#ending.abort();
    this.#hasten(graceSeconds ?? 0);
    this.poke();
  }

  /** Containers that are being stopped get less time than they were promised. */
  #hasten(graceSeconds: number): void {
    const untilMs = this.#context.clock.now() + graceSeconds * 1000;
    if (this.#stopping.size === 0 || untilMs >= this.#stoppingUntilMs) return;
    this.#stoppingUntilMs = untilMs;
    for (const id of this.#stopping) {
      this.#context.runtime
        .stopContainer(id, graceSeconds)
        .catch((error: unknown) =>
          this.#context.log('warn', 'a container was not stopped sooner', { container: id, error: String(error) }),
        );
    }
  }

  /** Looks again soon. */
  poke(): void {
    this.#isDirty = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Whoever came when the last look was over but this was not yet known.
      if (this.#isDirty && !this.#isStopped) this.poke();
    });
  }

  /** Stops working; what runs keeps running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#ending.abort();
    this.#cancelTimer();
    await this.#running;
    await this.#telling?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false;
      this.#cancelTimer();
      let wakeUpMs: number | undefined;
      try {
        wakeUpMs = await this.#step();
      } catch (error) {
        this.#context.log('warn', 'pod step failed', { pod: refOf(this.#pod), error: String(error) });
        wakeUpMs = this.#context.clock.now() + RETRY_MS;
      }
      if (wakeUpMs !== undefined && !this.#isStopped) {
        const delayMs = wakeUpMs - this.#context.clock.now();
        this.#cancelTimer = this.#context.clock.setTimer(delayMs, () => this.poke());
      }
    }
  }

  async #step(): Promise<number | undefined> {
    const pod = this.#pod;
    const { runtime, clock } = this.#context;
    const state = await readPodState(runtime, pod.metadata?.uid ?? '');
    if (this.#isRemoved) {
      await this.#takeDown(pod, state, this.#removalGraceSeconds ?? pod.metadata?.deletionGracePeriodSeconds ?? 0);
      if (state.sandbox !== undefined) await this.#removeSandboxes();
      this.#context.prober.forget?.(pod.metadata?.uid ?? '');
      await this.#context.environment?.release(pod.metadata?.uid ?? '');
      this.#isStopped = true;
      this.#context.backOff.forget(`${pod.metadata?.uid}/`);
      this.#onGone();
      return undefined;
    }
    if (pod.metadata?.deletionTimestamp !== undefined) return this.#end(pod, state);
    this.#rejection ??= this.#expiry(pod) ?? this.#admission(pod, state);
    if (this.#rejection !== undefined || isTerminal(pod)) {
      await this.#takeDown(pod, state, pod.spec?.terminationGracePeriodSeconds ?? 0);
      const ended = await readPodState(runtime, pod.metadata?.uid ?? '');
      await this.#tellLast(pod, { ...ended, rejection: this.#rejection });
      return undefined;
    }
    const wakeUpMs = await this.#sync(pod, state);
    await this.#tell(pod, state);
    const deadlineMs = this.#deadlineMs(pod);
    if (deadlineMs === undefined) return wakeUpMs;
    return Math.min(wakeUpMs ?? Infinity, Math.max(deadlineMs, clock.now()));
  }

  /** One step towards running, which a pull can make long: then its status is reported in between. */
  async #sync(pod: V1Pod, state: PodState): Promise<number | undefined> {
    let inBetween: Promise<void> = Promise.resolve();
    const cancelTimer = this.#context.clock.setTimer(SLOW_START_MS, () => {
      inBetween = this.#tell(pod, state).catch((error: unknown) =>
        this.#context.log('warn', 'pod status was not reported', { pod: refOf(pod), error: String(error) }),
      );
    });
    try {
      return await syncPod(pod, state, { ...this.#context, signal: this.#ending.signal });
    } finally {
      this.#context.prober.follow?.(pod, state);
      cancelTimer();
      await inBetween;
    }
  }

  /** A pod that is being deleted: its containers end, the last status is told, and then the API object goes. */
  async #end(pod: V1Pod, before: PodState): Promise<undefined> {
    const { runtime, api } = this.#context;
    const uid = pod.metadata?.uid ?? '';
    await this.#takeDown(pod, before, pod.metadata?.deletionGracePeriodSeconds ?? 0);
    const state = await readPodState(runtime, uid);
    await this.#tellLast(pod, { ...state, rejection: this.#rejection });
    await api.finish(pod);
    return undefined;
  }

  /** Ends all containers: first the main ones at the same time, then the sidecars, the last one first, in the time that is left. */
  async #takeDown(pod: V1Pod, state: PodState, graceSeconds: number): Promise<void> {
    const { runtime, clock, prober } = this.#context;
    prober.follow?.(pod, state);
    const running = [...state.containers.values()].flat().filter((container) => container.state === 'running');
    const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const isMain = ({ name }: Container): boolean => !sidecars.includes(name);
    this.#stoppingUntilMs = clock.now() + graceSeconds * 1000;
    try {
      await Promise.all(running.filter(isMain).map((container) => this.#endContainer(pod, container, state)));
      for (const name of sidecars.reverse()) {
        for (const container of running) {
          if (container.name === name) await this.#endContainer(pod, container, state);
        }
      }
    } finally {
      this.#stoppingUntilMs = Infinity;
    }
    if (state.sandbox?.state === 'ready') await runtime.stopSandbox(state.sandbox.id);
  }

  async #endContainer(pod: V1Pod, container: Container, state: PodState): Promise<void> {
    const { containers = [], initContainers = [] } = pod.spec ?? {};
    const spec = [...containers, ...initContainers].find(({ name }) => name === container.name);
    const leftMs = Math.max(0, this.#stoppingUntilMs - this.#context.clock.now());
    this.#stopping.add(container.id);
    try {
      await endContainer(pod, spec, container, Math.round(leftMs / 1000), state, this.#context);
    } finally {
      this.#stopping.delete(container.id);
    }
  }

  async #removeSandboxes(): Promise<void> {
    const { runtime } = this.#context;
    const uid = this.#pod.metadata?.uid;
    for (const sandbox of await runtime.listSandboxes()) {
      if (sandbox.podUid === uid) await runtime.removeSandbox(sandbox.id);
    }
  }

  #admission(pod: V1Pod, state: PodState): PodState['rejection'] {
    if (this.#isAdmitted) return undefined;
    this.#isAdmitted = true;
    // What already runs here was admitted before a restart.
    return state.sandbox === undefined ? this.#context.admit(pod) : undefined;
  }

  #deadlineMs(pod: V1Pod): number | undefined {
    const { activeDeadlineSeconds } = pod.spec ?? {};
    const startTime = pod.status?.startTime ?? this.#reported?.startTime;
    if (activeDeadlineSeconds === undefined || startTime === undefined) return undefined;
    return Date.parse(startTime) + activeDeadlineSeconds * 1000;
  }

  #expiry(pod: V1Pod): PodState['rejection'] {
    const deadlineMs = this.#deadlineMs(pod);
    if (deadlineMs === undefined || this.#context.clock.now() < deadlineMs) return undefined;
    return { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
  }

  /**
   * Reports the status, one report after the other and the newest last. Containers do not wait for an API server that does not answer: then it
   * resolves while that is still tried.
   */
  async #tell(pod: V1Pod, state: PodState): Promise<void> {
    this.#untold = { pod, state };
    this.#telling ??= this.#tellAll().finally(() => (this.#telling = undefined));
    const telling = this.#telling;
    const patience = new AbortController();
    let isLate = false;
    const waited = sleep(this.#context.clock, REPORT_PATIENCE_MS, patience.signal).then(() => {
      isLate = true;
    });
    try {
      await Promise.race([telling, waited]);
    } finally {
      patience.abort();
    }
    // What is tried still, and fails, is tried again with the next step.
    if (isLate) telling.catch(() => this.#isStopped || this.poke());
  }

  /** Reports how the pod has ended, which has to be known before it goes on. */
  async #tellLast(pod: V1Pod, state: PodState): Promise<void> {
    this.#untold = undefined;
    await this.#telling?.catch(() => undefined);
    await this.#report(pod, state);
  }

  async #tellAll(): Promise<void> {
    for (let next = this.#untold; next !== undefined; next = this.#untold) {
      this.#untold = undefined;
      await this.#report(next.pod, next.state);
    }
  }

  /** The pod with the status we reported last, where the watch has not brought it back yet. */
  #lastSeen(pod: V1Pod): V1Pod {
    if (this.#reported === undefined || Number(pod.metadata?.resourceVersion) >= this.#reportedRevision) return pod;
    const conditions = [...(this.#reported.conditions ?? []), ...(pod.status?.conditions ?? [])];
    return { ...pod, status: { ...pod.status, ...this.#reported, conditions } };
  }

  async #report(pod: V1Pod, state: PodState): Promise<void> {
    const { api, clock, status: fixed } = this.#context;
    // A pod that has ended stays as it ended.
    if (isTerminal(pod) && pod.metadata?.deletionTimestamp === undefined) return;
    const seen = this.#lastSeen(pod);
    const status = computePodStatus(seen, state, { ...fixed, nowMs: clock.now() });
    if (isTerminal(pod)) status.phase = pod.status?.phase;
    if (deepEqual(status, pickStatus(seen.status, status))) return;
    this.#reporting = status;
    try {
      const written = await api.report(pod, status);
      if (written === undefined) return;
      this.#reportedRevision = Number(written.metadata?.resourceVersion);
    } finally {
      this.#reporting = undefined;
    }
    this.#reported = status;
  }
}

function isTerminal(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** What of a pod's metadata does not change with every write of its status. */
function ownMetadata({ metadata }: V1Pod): V1Pod['metadata'] {
  return { ...metadata, resourceVersion: '', managedFields: [] };
}

/** The conditions of a pod that are not the kubelet's. */
function othersConditions(pod: V1Pod, ours: V1PodStatus): V1PodStatus['conditions'] {
  return pod.status?.conditions?.filter((one) => !ours.conditions?.some((other) => other.type === one.type));
}
