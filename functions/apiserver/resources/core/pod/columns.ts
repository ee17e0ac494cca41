import type { V1ContainerStatus, V1Pod, V1PodCondition, V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import type { Column } from '../../kind.js';
import { AGE, timeSince } from '../../shared/columns.js';

/** What `kubectl get pods` says of the containers of a pod, in one pass over their statuses. */
export interface PodSummary {
  readyContainers: number;
  totalContainers: number;
  /** Phase or reason: `Running`, `Init:0/2`, `CrashLoopBackOff`, `Completed`, `Terminating`. */
  status: string;
  restarts: number;
  /** When a container last ended before it was restarted. */
  lastRestart: string | undefined;
}

const NONE = '<none>';

export function summarizePod(pod: V1Pod): PodSummary {
  const spec: Partial<V1PodSpec> = pod.spec ?? {};
  const status = pod.status ?? {};
  const sidecars = new Set(
    (spec.initContainers ?? []).filter((one) => one.restartPolicy === 'Always').map((one) => one.name),
  );
  const gated = (status.conditions ?? []).some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  const summary: PodSummary = {
    readyContainers: 0,
    totalContainers: (spec.containers ?? []).length + sidecars.size,
    status: gated ? 'SchedulingGated' : status.reason || (status.phase ?? ''),
    restarts: 0,
    lastRestart: undefined,
  };

  const initializing = summarizeInit(summary, pod, sidecars);
  if (!initializing || hasTrueCondition(status.conditions, 'Initialized')) {
    const sidecarStatuses = (status.initContainerStatuses ?? []).filter((one) => sidecars.has(one.name));
    summary.restarts = 0;
    summary.lastRestart = undefined;
    for (const container of sidecarStatuses) countRestarts(summary, container);
    summarizeRunning(summary, pod);
  }

  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') summary.status = 'Unknown';
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.status = 'Terminating';
  }
  return summary;
}

function hasTrueCondition(conditions: V1PodCondition[] | undefined, type: string): boolean {
  return (conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

function countRestarts(summary: PodSummary, container: V1ContainerStatus): void {
  summary.restarts += container.restartCount ?? 0;
  const ended = container.lastState?.terminated?.finishedAt;
  if (ended !== undefined && (summary.lastRestart === undefined || ended > summary.lastRestart)) {
    summary.lastRestart = ended;
  }
}

/** True when an init container has yet to run, runs, or has failed; the status then says which. */
function summarizeInit(summary: PodSummary, pod: V1Pod, sidecars: ReadonlySet<string>): boolean {
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    countRestarts(summary, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated !== undefined && (terminated.exitCode ?? 0) === 0) continue;
    if (sidecars.has(container.name) && container.started === true) {
      if (container.ready) summary.readyContainers += 1;
      continue;
    }
    if (terminated !== undefined) {
      summary.status = `Init:${terminated.reason || exitText(terminated)}`;
    } else if ((waiting?.reason ?? '') !== '' && waiting?.reason !== 'PodInitializing') {
      summary.status = `Init:${waiting?.reason}`;
    } else {
      summary.status = `Init:${index}/${(pod.spec?.initContainers ?? []).length}`;
    }
    return true;
  }
  return false;
}

function exitText(terminated: { signal?: number; exitCode?: number }): string {
  return (terminated.signal ?? 0) === 0 ? `ExitCode:${terminated.exitCode ?? 0}` : `Signal:${terminated.signal}`;
}

function summarizeRunning(summary: PodSummary, pod: V1Pod): void {
  let running = false;
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container);
    const { waiting, terminated } = container.state ?? {};
    if ((waiting?.reason ?? '') !== '') summary.status = waiting?.reason ?? '';
    else if (terminated !== undefined) summary.status = terminated.reason || exitText(terminated);
    else if (container.ready && container.state?.running !== undefined) {
      running = true;
      summary.readyContainers += 1;
    }
  }
  if (summary.status === 'Completed' && running) {
    summary.status = hasTrueCondition(pod.status?.conditions, 'Ready') ? 'Running' : 'NotReady';
  }
}

function readinessGates(pod: V1Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const met = gates.filter(
    ({ conditionType }) =>
      (pod.status?.conditions ?? []).find((condition) => condition.type === conditionType)?.status === 'True',
  );
  return `${met.length}/${gates.length}`;
}

export const podColumns: readonly Column<V1Pod>[] = [
  {
    name: 'Ready',
    type: 'string',
    description: 'The aggregate readiness state of this pod for accepting traffic.',
    cell: (pod) => {
      const { readyContainers, totalContainers } = summarizePod(pod);
      return `${readyContainers}/${totalContainers}`;
    },
  },
  {
    name: 'Status',
    type: 'string',
    description: 'The aggregate status of the containers in this pod.',
    cell: (pod) => summarizePod(pod).status,
  },
  {
    name: 'Restarts',
    type: 'string',
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    cell: (pod, nowMs) => {
      const { restarts, lastRestart } = summarizePod(pod);
      return restarts === 0 || lastRestart === undefined
        ? String(restarts)
        : `${restarts} (${timeSince(lastRestart, nowMs)} ago)`;
    },
  },
  AGE as Column<V1Pod>,
  {
    name: 'IP',
    type: 'string',
    priority: 1,
    description: 'Address of the pod, reachable within the cluster.',
    cell: (pod) => pod.status?.podIPs?.[0]?.ip || NONE,
  },
  {
    name: 'Node',
    type: 'string',
    priority: 1,
    description: 'The node the pod is scheduled to.',
    cell: (pod) => pod.spec?.nodeName || NONE,
  },
  {
    name: 'Nominated Node',
    type: 'string',
    priority: 1,
    description: 'The node on which room is being made for the pod.',
    cell: (pod) => pod.status?.nominatedNodeName || NONE,
  },
  {
    name: 'Readiness Gates',
    type: 'string',
    priority: 1,
    description: 'How many of the further conditions for readiness are true.',
    cell: readinessGates,
  },
];
