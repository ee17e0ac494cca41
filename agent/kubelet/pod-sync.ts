import type { EventRecorder } from '../../lib/work/event-recorder.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import {
  RuntimeError,
  type Container,
  type ContainerConfig,
  type Runtime,
  type SandboxConfig,
} from '../runtime/runtime.js';
import type { BackOff } from './back-off.js';
import { VolumeError, type PodEnvironment } from './pod-environment.js';
import type { Prober } from './prober.js';
import { initProgress, isSidecar, newest, shouldRestart, type PodState } from './pod-state.js';

export interface SyncContext {
  runtime: Runtime;
  clock: Clock;
  backOff: BackOff;
  events: EventRecorder;
  prober: Prober;
  /** Real machines have one. */
  environment?: PodEnvironment;
  /** Aborts when the pod is to end: a pull then ends too. */
  signal: AbortSignal;
}

/** Ended containers of one name that are kept for `lastState` and `logs --previous`. */
const ENDED_CONTAINERS_KEPT = 1;

/** Reads what the runtime has of a pod. Waiting reasons are not the runtime's: they start out empty. */
export async function readPodState(runtime: Runtime, podUid: string): Promise<PodState> {
  const sandboxes = await runtime.listSandboxes(podUid);
  const sandbox = sandboxes.reduce<PodState['sandbox']>(
    (latest, one) => (latest === undefined || one.attempt > latest.attempt ? one : latest),
    undefined,
  );
  const containers = new Map<string, Container[]>();
  for (const one of sandboxes) {
    for (const container of await runtime.listContainers(one.id)) {
      containers.set(container.name, [...(containers.get(container.name) ?? []), container]);
    }
  }
  for (const all of containers.values()) all.sort((one, other) => one.attempt - other.attempt);
  return { sandbox, containers, waiting: new Map() };
}

/**
 * One step of a pod towards running: a sandbox, then init containers one after the other, then the others. Resolves with when to look
 * again without a change, or undefined. Fills `state.waiting` with why containers do not run.
 */
export async function syncPod(pod: V1Pod, state: PodState, context: SyncContext): Promise<number | undefined> {
  let config = sandboxConfig(pod, state);
  if (state.sandbox?.state !== 'ready' && hasEnded(pod, state)) return undefined;
  try {
    config = await completeSandbox(pod, config, context);
    if (state.sandbox?.state !== 'ready') await startSandbox(state, config, context);
  } catch (error) {
    const [reason, message] =
      error instanceof VolumeError
        ? ['FailedMount', error.message]
        : ['FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`];
    await context.events.warning(pod, reason, message);
    return context.clock.now() + SANDBOX_RETRY_MS;
  }
  const wakeUps: number[] = [];
  const ensure = async (spec: V1Container): Promise<void> => {
    const wakeUpMs = await ensureContainer(pod, spec, state, config, context);
    if (wakeUpMs !== undefined) wakeUps.push(wakeUpMs);
  };
  // For those who debug: also while init containers hang, once, and never again.
  for (const spec of pod.spec?.ephemeralContainers ?? []) {
    if (newest(state, spec.name) === undefined) await ensure(spec);
  }
  const init = initProgress(pod, state, (spec, container) => context.prober.isStarted(pod, spec, container));
  const initSpecs = pod.spec?.initContainers ?? [];
  if (init.failed) return undefined;
  for (const spec of initSpecs.slice(0, init.next ?? initSpecs.length)) if (isSidecar(spec)) await ensure(spec);
  const next = init.next === undefined ? undefined : initSpecs[init.next];
  if (next !== undefined) {
    await ensure(next);
    // A sidecar only has to have started; what comes after it can go on in the next step, which is due at once.
    if (isSidecar(next) && newest(state, next.name)?.state === 'running') return context.clock.now();
  } else {
    for (const spec of pod.spec?.containers ?? []) await ensure(spec);
  }
  return wakeUps.length === 0 ? undefined : Math.min(...wakeUps);
}

const SANDBOX_RETRY_MS = 5_000;

async function completeSandbox(
  pod: V1Pod,
  config: SandboxConfig,
  { environment }: SyncContext,
): Promise<SandboxConfig> {
  if (environment === undefined) return config;
  await environment.prepare(pod);
  return environment.sandbox(pod, config);
}

/** A new sandbox. Of the earlier ones only the last is kept, for what its containers did. */
async function startSandbox(state: PodState, config: SandboxConfig, { runtime }: SyncContext): Promise<void> {
  const before = await runtime.listSandboxes(config.podUid);
  for (const old of before) {
    if (old.id !== state.sandbox?.id) await runtime.removeSandbox(old.id);
    // Its network goes before the new one comes: they may ask for the same host ports.
    else if (config.real !== undefined) await runtime.stopSandbox(old.id);
  }
  await runtime.runSandbox(config);
  Object.assign(state, await readPodState(runtime, config.podUid));
}

function hasEnded(pod: V1Pod, state: PodState): boolean {
  const specs = pod.spec?.containers ?? [];
  if (initProgress(pod, state).failed) return true;
  return (
    specs.length > 0 &&
    specs.every((spec) => {
      const container = newest(state, spec.name);
      return container?.state === 'exited' && !shouldRestart(pod, container);
    })
  );
}

/** Starts a container that should run and does not. Resolves with when its wait is over, if it has to wait. */
async function ensureContainer(
  pod: V1Pod,
  spec: V1Container,
  state: PodState,
  sandbox: SandboxConfig,
  context: SyncContext,
): Promise<number | undefined> {
  const present = newest(state, spec.name);
  const inThisSandbox = present?.sandboxId === state.sandbox?.id;
  if (present?.state === 'running' && inThisSandbox) {
    const failed = context.prober.failedProbe?.(present);
    if (failed !== undefined) return killUnhealthy(pod, spec, present, failed, state, context);
    if (present.image === (spec.image ?? '')) return undefined;
    return replaceContainer(pod, spec, present, state, sandbox, context);
  }
  const key = `${sandbox.podUid}/${spec.name}`;
  if (present?.state === 'exited') {
    if (!isSidecar(spec) && !shouldRestart(pod, present)) return undefined;
    const failedMs = present.finishedAtMs ?? 0;
    const leftMs = context.backOff.leftMs(key, failedMs);
    if (leftMs !== undefined) {
      const text = `back-off ${goDuration(context.backOff.delayMs(key))} restarting failed container=${spec.name} pod=${sandbox.name}_${sandbox.namespace}(${sandbox.podUid})`;
      state.waiting.set(spec.name, { reason: 'CrashLoopBackOff', message: text });
      await context.events.warning(
        pod,
        'BackOff',
        `Back-off restarting failed container ${spec.name} in pod ${sandbox.name}_${sandbox.namespace}(${sandbox.podUid})`,
      );
      return context.clock.now() + leftMs;
    }
    context.backOff.next(key, failedMs);
  }
  return startContainer(pod, spec, state, sandbox, context);
}

/** The image is what may change of a running container. A new one comes at once, whatever the restart policy. */
async function replaceContainer(
  pod: V1Pod,
  spec: V1Container,
  present: Container,
  state: PodState,
  sandbox: SandboxConfig,
  context: SyncContext,
): Promise<number | undefined> {
  await context.events.normal(pod, 'Killing', `Container ${spec.name} definition changed, will be restarted`);
  await endContainer(pod, spec, present, pod.spec?.terminationGracePeriodSeconds ?? 0, state, context);
  return startContainer(pod, spec, state, sandbox, context);
}

/** A container whose probe has failed ends. The next step, due at once, decides on its restart as on that of any other that ended. */
async function killUnhealthy(
  pod: V1Pod,
  spec: V1Container,
  present: Container,
  failed: 'liveness' | 'startup',
  state: PodState,
  context: SyncContext,
): Promise<number> {
  const probe = failed === 'startup' ? spec.startupProbe : spec.livenessProbe;
  const graceSeconds = probe?.terminationGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 0;
  await context.events.normal(pod, 'Killing', `Container ${spec.name} failed ${failed} probe, will be restarted`);
  await endContainer(pod, spec, present, graceSeconds, state, context);
  state.containers = (await readPodState(context.runtime, pod.metadata?.uid ?? '')).containers;
  return context.clock.now();
}

/** At least so long a container has after its hook, as with the kubelet. */
const GRACE_AFTER_HOOK_MIN_SECONDS = 2;

/** Ends a container as it asks to be: its preStop hook, the stop signal, and when the grace period is over, KILL. */
export async function endContainer(
  pod: V1Pod,
  spec: V1Container | undefined,
  container: Container,
  graceSeconds: number,
  state: PodState,
  { runtime, environment, clock, events }: Pick<SyncContext, 'runtime' | 'environment' | 'clock' | 'events'>,
): Promise<void> {
  if (environment !== undefined && pod.metadata?.deletionTimestamp !== undefined) {
    await events.normal(pod, 'Killing', `Stopping container ${container.name}`);
  }
  let leftSeconds = graceSeconds;
  if (environment !== undefined && spec?.lifecycle?.preStop !== undefined && graceSeconds > 0) {
    const beganMs = clock.now();
    await environment.preStop({ pod, spec, container, ips: state.sandbox?.ips ?? [], graceSeconds });
    const usedSeconds = Math.ceil((clock.now() - beganMs) / 1000);
    leftSeconds = Math.max(GRACE_AFTER_HOOK_MIN_SECONDS, graceSeconds - usedSeconds);
  }
  await runtime.stopContainer(container.id, leftSeconds);
}

async function startContainer(
  pod: V1Pod,
  spec: V1Container,
  state: PodState,
  sandbox: SandboxConfig,
  context: SyncContext,
): Promise<number | undefined> {
  const { runtime, events } = context;
  const sandboxId = state.sandbox?.id ?? '';
  const image = spec.image ?? '';
  const pullKey = `${sandbox.podUid}/${spec.name}/${image}`;
  const failed = context.backOff.lastFailure(pullKey);
  const leftMs = failed === undefined ? undefined : context.backOff.leftMs(pullKey, failed.atMs);
  if (failed !== undefined && leftMs !== undefined) {
    const message = `Back-off pulling image ${JSON.stringify(image)}: ErrImagePull: ${failed.message}`;
    state.waiting.set(spec.name, { reason: 'ImagePullBackOff', message });
    return context.clock.now() + leftMs;
  }
  try {
    const imageId = await haveImage(pod, spec, sandbox, context);
    context.backOff.forget(pullKey);
    const config = await containerConfig(pod, spec, imageId, state, context);
    const containerId = await runtime.createContainer(sandboxId, config, sandbox);
    await events.normal(pod, 'Created', `Container created`);
    await runtime.startContainer(containerId);
    await events.normal(pod, 'Started', `Container started`);
    await afterStart(pod, spec, containerId, state, context);
  } catch (error) {
    return failedStart(pod, spec, state, pullKey, error, context);
  }
  const fresh = await readPodState(runtime, sandbox.podUid);
  state.containers = fresh.containers;
  await removeOld(runtime, state.containers.get(spec.name) ?? []);
  return undefined;
}

async function haveImage(pod: V1Pod, spec: V1Container, sandbox: SandboxConfig, context: SyncContext): Promise<string> {
  const { runtime, events, environment, signal } = context;
  if (environment !== undefined) return environment.image(pod, spec, sandbox, signal);
  const image = spec.image ?? '';
  const imageId = await runtime.pullImage(image, sandbox);
  await events.normal(pod, 'Pulled', `Successfully pulled image ${JSON.stringify(image)}`);
  return imageId;
}

async function containerConfig(
  pod: V1Pod,
  spec: V1Container,
  imageId: string,
  state: PodState,
  { environment }: SyncContext,
): Promise<ContainerConfig> {
  const { name, image = '', command = [], args = [] } = spec;
  const config = { name, attempt: nextAttempt(pod, spec, state), image, imageId, command, args };
  if (environment === undefined || state.sandbox === undefined) return config;
  return environment.container({
    pod,
    spec,
    config,
    sandbox: state.sandbox,
    runningContainer(other) {
      const container = newest(state, other);
      return container?.state === 'running' ? container.id : undefined;
    },
  });
}

/** One more than the last; after the machine has lost its containers, one more than the pod's status tells of. */
function nextAttempt(pod: V1Pod, spec: V1Container, state: PodState): number {
  const present = newest(state, spec.name);
  if (present !== undefined) return present.attempt + 1;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const told = [...containerStatuses, ...initContainerStatuses].find(({ name }) => name === spec.name);
  return told?.containerID ? told.restartCount + 1 : 0;
}

/** The postStart hook belongs to the start: when it fails, the container is killed. */
async function afterStart(
  pod: V1Pod,
  spec: V1Container,
  containerId: string,
  state: PodState,
  { runtime, environment }: SyncContext,
): Promise<void> {
  if (environment === undefined || spec.lifecycle?.postStart === undefined) return;
  try {
    await environment.postStart(pod, spec, containerId, state.sandbox?.ips ?? []);
  } catch (error) {
    await runtime.stopContainer(containerId, pod.spec?.terminationGracePeriodSeconds ?? 0);
    throw error;
  }
}

async function failedStart(
  pod: V1Pod,
  spec: V1Container,
  state: PodState,
  pullKey: string,
  error: unknown,
  context: SyncContext,
): Promise<number> {
  if (!(error instanceof RuntimeError)) throw error;
  const nowMs = context.clock.now();
  state.waiting.set(spec.name, { reason: error.code, message: error.message });
  await context.events.warning(pod, 'Failed', `Error: ${IMAGE_ERRORS.has(error.code) ? error.code : error.message}`);
  if (error.code === 'ErrImagePull') {
    context.backOff.next(pullKey, nowMs, error.message);
    // The status shows the failure itself first, then the waiting for the next attempt.
    return nowMs + PULL_FAILURE_SHOWN_MS;
  }
  return nowMs + SANDBOX_RETRY_MS;
}

const PULL_FAILURE_SHOWN_MS = 1_000;

/** What has been told in an event of its own already. */
const IMAGE_ERRORS: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
]);

async function removeOld(runtime: Runtime, containers: Container[]): Promise<void> {
  while (containers.length > ENDED_CONTAINERS_KEPT + 1) {
    const oldest = containers.shift();
    if (oldest !== undefined) await runtime.removeContainer(oldest.id);
  }
}

function sandboxConfig(pod: V1Pod, state: PodState): SandboxConfig {
  const { uid = '', namespace = '', name = '', labels = {}, annotations = {} } = pod.metadata ?? {};
  const hostNetwork = pod.spec?.hostNetwork ?? false;
  const attempt = state.sandbox === undefined ? 0 : state.sandbox.attempt + 1;
  const hostname = pod.spec?.hostname ?? name.slice(0, 63);
  return { podUid: uid, namespace, name, attempt, hostname, hostNetwork, labels, annotations };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** As Go prints durations of whole seconds: `10s`, `2m40s`, `5m0s`. */
function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
