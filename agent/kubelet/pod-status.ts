import { formatTime } from '../../lib/clock/clock.js';
import type {
  V1Container,
  V1ContainerState,
  V1ContainerStatus,
  V1Pod,
  V1PodCondition,
  V1PodStatus,
} from '../../lib/schema/generated/types.js';
import type { Container } from '../runtime/runtime.js';
import { initProgress, isSidecar, newest, shouldRestart, type PodState } from './pod-state.js';
import type { Prober } from './prober.js';

export interface StatusContext {
  nowMs: number;
  hostIp: string;
  /** `containerd`, `simulated`: the scheme of container ids. */
  runtimeName: string;
  prober: Prober;
}

/** The part of a pod's status that is the kubelet's, from what the runtime says. Times of conditions that did not change are kept. */
export function computePodStatus(pod: V1Pod, state: PodState, context: StatusContext): V1PodStatus {
  const containerStatuses = (pod.spec?.containers ?? []).map((spec) => containerStatus(pod, spec, state, context));
  const initContainerStatuses = (pod.spec?.initContainers ?? []).map((spec) =>
    containerStatus(pod, spec, state, context),
  );
  const phase = state.rejection === undefined ? phaseOf(pod, state) : 'Failed';
  const ips = pod.spec?.hostNetwork ? [context.hostIp] : (state.sandbox?.ips ?? []);
  // The address of a pod that has ended is still told, as long as it is the last it had.
  const podIPs = ips.length > 0 ? ips.map((ip) => ({ ip })) : pod.status?.podIPs;
  const status: V1PodStatus = {
    phase,
    hostIP: context.hostIp,
    hostIPs: [{ ip: context.hostIp }],
    startTime: pod.status?.startTime ?? formatTime(context.nowMs),
    ...(podIPs === undefined || podIPs.length === 0 ? {} : { podIP: podIPs[0]?.ip, podIPs }),
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    ...state.rejection,
  };
  if (state.rejection === undefined || state.containers.size > 0) {
    status.containerStatuses = containerStatuses.sort((one, other) => (one.name < other.name ? -1 : 1));
    if (initContainerStatuses.length > 0) status.initContainerStatuses = initContainerStatuses;
    const ephemeral = pod.spec?.ephemeralContainers ?? [];
    if (ephemeral.length > 0) {
      // They are never part of what makes a pod ready.
      status.ephemeralContainerStatuses = ephemeral.map((spec) => ({
        ...containerStatus(pod, spec, state, context),
        ready: false,
      }));
    }
  }
  status.conditions = conditions(pod, phase, state, { containerStatuses, initContainerStatuses }, context);
  return status;
}

/** As the kubelet's getPhase: what has run, runs and will run again decides. */
function phaseOf(pod: V1Pod, state: PodState): string {
  const specs = pod.spec?.containers ?? [];
  const init = initProgress(pod, state);
  if (init.failed) return 'Failed';
  const sidecarsAndMain = specs.map((spec) => newest(state, spec.name));
  if (init.next !== undefined || sidecarsAndMain.some((container) => container === undefined)) {
    return pod.status?.phase === 'Running' ? 'Running' : 'Pending';
  }
  const containers = sidecarsAndMain as Container[];
  if (containers.some((container) => container.state !== 'exited')) return 'Running';
  const isEnding = pod.metadata?.deletionTimestamp !== undefined;
  if (!isEnding && containers.some((container) => shouldRestart(pod, container))) return 'Running';
  return containers.every((container) => container.exitCode === 0) ? 'Succeeded' : 'Failed';
}

function containerStatus(pod: V1Pod, spec: V1Container, state: PodState, context: StatusContext): V1ContainerStatus {
  const all = state.containers.get(spec.name) ?? [];
  const container = all.at(-1);
  const waiting = state.waiting.get(spec.name);
  const previous = all.at(-2);
  const isRunning = container?.state === 'running';
  const isStarted = isRunning && context.prober.isStarted(pod, spec, container);
  const isInit = (pod.spec?.initContainers ?? []).includes(spec);
  const isDone = isInit && !isSidecar(spec) && container?.state === 'exited' && container.exitCode === 0;
  // A container that waits to be restarted shows why it waits, and how it ended as its last state.
  const showsWaiting = container === undefined || container.state === 'created' || waiting !== undefined;
  const last = showsWaiting && container?.state === 'exited' ? container : previous;
  return {
    name: spec.name,
    state: showsWaiting
      ? { waiting: waiting ?? { reason: waitingReason(pod) } }
      : stateOf(container, context.runtimeName),
    lastState: last?.state === 'exited' ? stateOf(last, context.runtimeName) : {},
    ready: isInit && !isSidecar(spec) ? isDone : isStarted && context.prober.isReady(pod, spec, container),
    restartCount: container?.attempt ?? 0,
    image: container?.image ?? spec.image ?? '',
    imageID: container?.imageId ?? '',
    ...(container === undefined ? {} : { containerID: `${context.runtimeName}://${container.id}` }),
    started: isDone ? false : isStarted,
  };
}

function waitingReason(pod: V1Pod): string {
  return (pod.spec?.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating';
}

function stateOf(container: Container, runtimeName: string): V1ContainerState {
  const startedAt = container.startedAtMs === undefined ? undefined : formatTime(container.startedAtMs);
  if (container.state === 'running') return { running: { startedAt } };
  return {
    terminated: {
      exitCode: container.exitCode ?? 0,
      reason: container.reason,
      message: container.message,
      startedAt,
      finishedAt: container.finishedAtMs === undefined ? undefined : formatTime(container.finishedAtMs),
      containerID: `${runtimeName}://${container.id}`,
    },
  };
}

interface Verdict {
  isTrue: boolean;
  reason?: string;
  message?: string;
}

function conditions(
  pod: V1Pod,
  phase: string,
  state: PodState,
  statuses: { containerStatuses: V1ContainerStatus[]; initContainerStatuses: V1ContainerStatus[] },
  context: StatusContext,
): V1PodCondition[] {
  const containersReady = readiness(phase, state, statuses.containerStatuses);
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', { isTrue: state.sandbox?.state === 'ready' }],
    ['Initialized', initialized(pod, phase, statuses.initContainerStatuses)],
    ['Ready', containersReady.isTrue ? readinessGates(pod) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', { isTrue: true }],
  ];
  return verdicts.map(([type, verdict]) => {
    const status = verdict.isTrue ? 'True' : 'False';
    const present = pod.status?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime =
      present?.status === status && present.lastTransitionTime !== undefined
        ? present.lastTransitionTime
        : formatTime(context.nowMs);
    const condition: V1PodCondition = { type, status, lastTransitionTime };
    if (verdict.reason !== undefined) condition.reason = verdict.reason;
    if (verdict.message !== undefined) condition.message = verdict.message;
    if (pod.metadata?.generation !== undefined) condition.observedGeneration = pod.metadata.generation;
    return condition;
  });
}

function initialized(pod: V1Pod, phase: string, statuses: readonly V1ContainerStatus[]): Verdict {
  if (phase === 'Succeeded') return { isTrue: true, reason: 'PodCompleted' };
  const isSidecarName = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map((spec) => spec.name));
  const incomplete = statuses
    .filter((status) => (isSidecarName.has(status.name) ? status.started !== true : !status.ready))
    .map((status) => status.name);
  if (incomplete.length === 0) return { isTrue: true };
  return {
    isTrue: false,
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

function readiness(phase: string, state: PodState, statuses: readonly V1ContainerStatus[]): Verdict {
  if (phase === 'Succeeded') return { isTrue: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { isTrue: false, reason: 'PodFailed' };
  const unknown = statuses.filter((status) => newest(state, status.name) === undefined).map((status) => status.name);
  const unready = statuses.filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0) return { isTrue: true };
  const parts = [
    ...(unknown.length > 0 && unknown.length < unready.length
      ? [`containers with unknown status: [${unknown.join(' ')}]`]
      : []),
    `containers with unready status: [${unready.join(' ')}]`,
  ];
  return { isTrue: false, reason: 'ContainersNotReady', message: parts.join(', ') };
}

function readinessGates(pod: V1Pod): Verdict {
  const problems: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find((one) => one.type === conditionType);
    if (condition === undefined) {
      problems.push(`corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`);
    } else if (condition.status !== 'True') {
      problems.push(
        `the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${condition.status}`,
      );
    }
  }
  if (problems.length === 0) return { isTrue: true };
  return { isTrue: false, reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}
