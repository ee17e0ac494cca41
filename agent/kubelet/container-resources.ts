import { quantityMilliValue, quantityValue } from '../../lib/api/quantity-number.js';
import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import type { ContainerResources } from '../runtime/runtime.js';
import { isStaticPod } from './static-pod.js';

const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
const SHARES_PER_CPU = 1024;
const QUOTA_PER_MILLI_CPU = 100;
const QUOTA_MIN = 1000;

/** Scores of the kernel's out-of-memory killer, as the kubelet sets them. */
const OOM_GUARANTEED = -997;
const OOM_BEST_EFFORT = 1000;

/** Pods of the classes system-node-critical and system-cluster-critical. */
const CRITICAL_PRIORITY = 2_000_000_000;
const NODE_CRITICAL_CLASS = 'system-node-critical';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** As the API server has put it into the status, or worked out again. */
export function qosClass(pod: V1Pod): QosClass {
  if (pod.status?.qosClass !== undefined) return pod.status.qosClass as QosClass;
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const asks = containers.some(({ resources }) =>
    ['cpu', 'memory'].some((name) => resources?.requests?.[name] ?? resources?.limits?.[name]),
  );
  if (!asks) return 'BestEffort';
  const isGuaranteed = containers.every(({ resources }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** A container's part of the machine. */
export function containerResources(pod: V1Pod, spec: V1Container, memoryCapacityBytes: number): ContainerResources {
  const { limits = {}, requests = {} } = spec.resources ?? {};
  const milliCpuLimit = limits.cpu === undefined ? 0 : quantityMilliValue(limits.cpu);
  const milliCpu = requests.cpu === undefined ? milliCpuLimit : quantityMilliValue(requests.cpu);
  const memoryLimit = limits.memory === undefined ? 0 : quantityValue(limits.memory);
  return {
    cpuShares: sharesOf(milliCpu),
    cpuQuota: milliCpuLimit === 0 ? undefined : quotaOf(milliCpuLimit),
    memoryLimitBytes: memoryLimit === 0 ? undefined : memoryLimit,
    oomScoreAdj: oomScore(pod, spec, memoryCapacityBytes),
  };
}

export function sharesOf(milliCpu: number): number {
  return Math.min(SHARES_MAX, Math.max(SHARES_MIN, Math.floor((milliCpu * SHARES_PER_CPU) / 1000)));
}

export function quotaOf(milliCpu: number): number {
  return Math.max(QUOTA_MIN, milliCpu * QUOTA_PER_MILLI_CPU);
}

/** No API server has put the number of its class into a static pod. */
function isCritical(pod: V1Pod): boolean {
  if ((pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY) return true;
  return isStaticPod(pod) && pod.spec?.priorityClassName === NODE_CRITICAL_CLASS;
}

function oomScore(pod: V1Pod, spec: V1Container, memoryCapacityBytes: number): number {
  if (isCritical(pod)) return OOM_GUARANTEED;
  switch (qosClass(pod)) {
    case 'Guaranteed':
      return OOM_GUARANTEED;
    case 'BestEffort':
      return OOM_BEST_EFFORT;
    case 'Burstable': {
      const request = quantityValue(spec.resources?.requests?.memory ?? '0');
      const score = OOM_BEST_EFFORT - Math.floor((1000 * request) / memoryCapacityBytes);
      return Math.min(OOM_BEST_EFFORT - 1, Math.max(OOM_BEST_EFFORT + OOM_GUARANTEED, score));
    }
  }
}
