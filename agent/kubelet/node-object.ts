import { formatTime } from '../../lib/clock/clock.js';
import type { V1Node, V1NodeCondition } from '../../lib/schema/generated/types.js';

/** What the kubelet tells the cluster of its machine. */
export interface NodeDescription {
  name: string;
  /** InternalIP. */
  ip: string;
  /** By resource name, as quantities: cpu, memory, pods, ephemeral-storage, extended resources. */
  capacity: Record<string, string>;
  labels?: Record<string, string>;
  architecture: string;
  operatingSystem: string;
  osImage: string;
  kernelVersion: string;
  kubeletVersion: string;
  containerRuntimeVersion: string;
  /** Port of the kubelet's own server; absent where it has none. */
  kubeletPort?: number;
  /** Ids of the machine; made up where there is none. */
  machineId: string;
}

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

/** The Node as the kubelet registers it: metadata and spec are only used when it does not exist yet. */
export function nodeObject(description: NodeDescription, present: V1Node | undefined, nowMs: number): V1Node {
  const { name, architecture, operatingSystem } = description;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': architecture,
        'beta.kubernetes.io/os': operatingSystem,
        'kubernetes.io/arch': architecture,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': operatingSystem,
        ...description.labels,
      },
    },
    spec: {},
    status: {
      capacity: description.capacity,
      allocatable: description.capacity,
      addresses: [
        { type: 'InternalIP', address: description.ip },
        { type: 'Hostname', address: name },
      ],
      conditions: CONDITIONS.map((row) => condition(row, present, nowMs)),
      ...(description.kubeletPort === undefined
        ? {}
        : { daemonEndpoints: { kubeletEndpoint: { Port: description.kubeletPort } } }),
      nodeInfo: {
        machineID: description.machineId,
        systemUUID: description.machineId,
        bootID: description.machineId,
        kernelVersion: description.kernelVersion,
        osImage: description.osImage,
        containerRuntimeVersion: description.containerRuntimeVersion,
        kubeletVersion: description.kubeletVersion,
        kubeProxyVersion: '',
        operatingSystem,
        architecture,
      },
    },
  };
}

function condition(
  [type, status, reason, message]: (typeof CONDITIONS)[number],
  present: V1Node | undefined,
  nowMs: number,
): V1NodeCondition {
  const before = present?.status?.conditions?.find((one) => one.type === type);
  const now = formatTime(nowMs);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
  return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
}
