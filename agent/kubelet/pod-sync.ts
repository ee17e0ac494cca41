import type { EventRecorder } from '../../lib/work/event-recorder.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import { RuntimeError, type Container, type Runtime, type SandboxConfig } from '../runtime/runtime.js';
import type { BackOff } from './back-off.js';
import { initProgress, isSidecar, newest, shouldRestart, type PodState } from './pod-state.js';

export interface SyncContext {
  runtime: Runtime;
  clock: Clock;
  backOff: BackOff;
  events: EventRecorder;
}

/** Ended containers of one name that are kept for `lastState` and `logs --previous`. */
const ENDED_CONTAINERS_KEPT = 1;

/** Reads what the runtime has of a pod. Waiting reasons are not the runtime's: they start out empty. */
export async function readPodState(runtime: Runtime, podUid: string): Promise<PodState> {
  const sandboxes = (await runtime.listSandboxes()).filter((sandbox) => sandbox.podUid === podUid);
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
  const config = sandboxConfig(pod, state);
  if (state.sandbox?.state !== 'ready') {
    if (hasEnded(pod, state)) return undefined;
    try {
      await context.runtime.runSandbox(config);
    } catch (error) {
      await context.events.warning(pod, 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
      return context.clock.now() + SANDBOX_RETRY_MS;
    }
    Object.assign(state, { sandbox: (await readPodState(context.runtime, config.podUid)).sandbox });
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
  const init = initProgress(pod, state);
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
    if (present.image === (spec.image ?? '')) return undefined;
    return replaceContainer(pod, spec, present, state, sandbox, context);
  }
  const key = `${sandbox.podUid}/${spec.name}`;
  if (present?.state === 'exited') {
    if (!isSidecar(spec) && !shouldRestart(pod, present)) return undefined;
    const failedMs = present.finishedAtMs ?? context.clock.now();
    const untilMs = context.backOff.waitUntil(key, failedMs);
    if (untilMs !== undefined) {
      const text = `back-off ${goDuration(context.backOff.delayMs(key))} restarting failed container=${spec.name} pod=${sandbox.name}_${sandbox.namespace}(${sandbox.podUid})`;
      state.waiting.set(spec.name, { reason: 'CrashLoopBackOff', message: text });
      await context.events.warning(
        pod,
        'BackOff',
        `Back-off restarting failed container ${spec.name} in pod ${sandbox.name}_${sandbox.namespace}(${sandbox.podUid})`,
      );
      return untilMs;
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
  const { runtime, events } = context;
  await events.normal(pod, 'Killing', `Container ${spec.name} definition changed, will be restarted`);
  await runtime.stopContainer(present.id, pod.spec?.terminationGracePeriodSeconds ?? 0);
  return startContainer(pod, spec, state, sandbox, context);
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
  const untilMs = failed === undefined ? undefined : context.backOff.waitUntil(pullKey, failed.atMs);
  if (failed !== undefined && untilMs !== undefined) {
    const message = `Back-off pulling image ${JSON.stringify(image)}: ErrImagePull: ${failed.message}`;
    state.waiting.set(spec.name, { reason: 'ImagePullBackOff', message });
    return untilMs;
  }
  try {
    const imageId = await runtime.pullImage(image, sandbox);
    await events.normal(pod, 'Pulled', `Successfully pulled image ${JSON.stringify(image)}`);
    const attempt = (newest(state, spec.name)?.attempt ?? -1) + 1;
    const containerId = await runtime.createContainer(
      sandboxId,
      { name: spec.name, attempt, image, imageId, command: spec.command ?? [], args: spec.args ?? [] },
      sandbox,
    );
    await events.normal(pod, 'Created', `Container created`);
    await runtime.startContainer(containerId);
    await events.normal(pod, 'Started', `Container started`);
  } catch (error) {
    return failedStart(pod, spec, state, pullKey, error, context);
  }
  const fresh = await readPodState(runtime, sandbox.podUid);
  state.containers = fresh.containers;
  await removeOld(runtime, state.containers.get(spec.name) ?? []);
  return undefined;
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
  await context.events.warning(
    pod,
    'Failed',
    `Error: ${error.code === 'ErrImagePull' ? 'ErrImagePull' : error.message}`,
  );
  if (error.code === 'ErrImagePull') {
    context.backOff.next(pullKey, nowMs, error.message);
    // The status shows the failure itself first, then the waiting for the next attempt.
    return nowMs + PULL_FAILURE_SHOWN_MS;
  }
  return nowMs + SANDBOX_RETRY_MS;
}

const PULL_FAILURE_SHOWN_MS = 1_000;

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
