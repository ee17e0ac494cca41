import { formatTime } from '../../lib/clock/clock.js';
import type { V1Node, V1NodeCondition } from '../../lib/schema/generated/types.js';

/** What the kubelet tells the cluster of its machine. */
export interface NodeDescription {
  name: string;
  /** InternalIP. */
  ip: string;
  /** By resource name, as quantities: cpu, memory, pods, ephemeral-storage, extended resources. */
  capacity: Record<string, string>;
  /** Of it, what pods may have; default all. */
  allocatable?: Record<string, string>;
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
  systemUuid?: string;
  bootId?: string;
}

/** What may change of a machine while it runs. */
export interface NodeInspection {
  /** Conditions that are not as they should be: `MemoryPressure`, or `Ready` with why it is not. */
  problems: Partial<
    Record<'MemoryPressure' | 'DiskPressure' | 'PIDPressure' | 'Ready', { reason: string; message: string }>
  >;
  images: { names: string[]; sizeBytes: number }[];
}

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

/** The Node as the kubelet registers it: metadata and spec are only used when it does not exist yet. */
export function nodeObject(
  description: NodeDescription,
  present: V1Node | undefined,
  nowMs: number,
  inspection: NodeInspection = { problems: {}, images: [] },
): V1Node {
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
      allocatable: description.allocatable ?? description.capacity,
      addresses: [
        { type: 'InternalIP', address: description.ip },
        { type: 'Hostname', address: name },
      ],
      conditions: CONDITIONS.map((row) => condition(verdict(row, inspection), present, nowMs)),
      ...(inspection.images.length === 0 ? {} : { images: inspection.images }),
      ...(description.kubeletPort === undefined
        ? {}
        : { daemonEndpoints: { kubeletEndpoint: { Port: description.kubeletPort } } }),
      nodeInfo: {
        machineID: description.machineId,
        systemUUID: description.systemUuid ?? description.machineId,
        bootID: description.bootId ?? description.machineId,
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

type ConditionRow = readonly [type: string, status: string, reason: string, message: string];

/** The row of the table, or what is wrong instead. */
function verdict(row: (typeof CONDITIONS)[number], { problems }: NodeInspection): ConditionRow {
  const [type, status] = row;
  const problem = problems[type];
  return problem === undefined ? row : [type, status === 'True' ? 'False' : 'True', problem.reason, problem.message];
}

function condition(
  [type, status, reason, message]: ConditionRow,
  present: V1Node | undefined,
  nowMs: number,
): V1NodeCondition {
  const before = present?.status?.conditions?.find((one) => one.type === type);
  const now = formatTime(nowMs);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
  return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
}
