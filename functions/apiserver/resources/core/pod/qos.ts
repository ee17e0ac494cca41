import type { V1Pod, V1PodSpec, V1ResourceRequirements } from '../../../../../lib/schema/generated/types.js';
import { compareQuantities, sumOfQuantities } from '../../shared/quantities.js';

const COMPUTE = ['cpu', 'memory'] as const;

type Amounts = Partial<Record<(typeof COMPUTE)[number], string>>;

/** Guaranteed when each container's cpu and memory limits equal its requests, BestEffort when there are none at all. */
export function qosClassOf(spec: V1PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const requests: Amounts = {};
  const limits: Amounts = {};
  const holders: (V1ResourceRequirements | undefined)[] =
    spec.resources === undefined || isUnset(spec.resources)
      ? [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.resources)
      : [spec.resources];
  let guaranteed = true;
  for (const resources of holders) {
    add(requests, resources?.requests);
    if (add(limits, resources?.limits) < COMPUTE.length) guaranteed = false;
  }
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return 'BestEffort';
  const equal = COMPUTE.every((name) => {
    const request = requests[name];
    const limit = limits[name];
    return request === undefined ? limit === undefined : limit !== undefined && compareQuantities(request, limit) === 0;
  });
  return guaranteed && equal ? 'Guaranteed' : 'Burstable';
}

/** The class in the status, which stays as it was at creation. */
export function recordedQosClass(pod: V1Pod): string {
  return pod.status?.qosClass ?? qosClassOf(pod.spec ?? { containers: [] });
}

function isUnset(resources: V1ResourceRequirements): boolean {
  return Object.keys(resources.limits ?? {}).length === 0 && Object.keys(resources.requests ?? {}).length === 0;
}

/** How many of cpu and memory were more than zero. */
function add(total: Amounts, resources: Record<string, string> | undefined): number {
  let found = 0;
  for (const name of COMPUTE) {
    const amount = resources?.[name];
    if (amount === undefined || compareQuantities(amount, '0') <= 0) continue;
    total[name] = sumOfQuantities(total[name], amount);
    found += 1;
  }
  return found;
}
