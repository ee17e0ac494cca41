import { quantityMilliValue, quantityValue } from '../api/quantity-number.js';
import type { V1Pod, V1PodSpec, V1ResourceRequirements } from '../schema/generated/types.js';

/** Amounts by resource name: cpu in thousandths of a core, everything else in its own unit (bytes, pieces). */
export type Amounts = Map<string, number>;

/** A resource list as numbers. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  const amounts: Amounts = new Map();
  for (const [name, quantity] of Object.entries(list ?? {})) {
    amounts.set(name, name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity));
  }
  return amounts;
}

export function addAmounts(into: Amounts, amounts: Amounts, sign: 1 | -1 = 1): void {
  for (const [name, amount] of amounts) {
    const sum = (into.get(name) ?? 0) + sign * amount;
    if (sum === 0) into.delete(name);
    else into.set(name, sum);
  }
}

function raiseTo(amounts: Amounts, least: Amounts): void {
  for (const [name, amount] of least) if (amount > (amounts.get(name) ?? 0)) amounts.set(name, amount);
}

/** What the scheduler counts for a container that asks for no cpu or memory when it scores nodes. */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

/**
 * What a pod asks of a node: the sum of its containers and sidecars, or the most an init container needs together with the
 * sidecars before it, if that is more; pod-level requests override the sum; overhead comes on top.
 */
export function podRequests(pod: Pick<V1Pod, 'spec'>): Amounts {
  return sumRequests(pod.spec, (resources) => amountsOf(resources?.requests));
}

/** The same for scoring: containers without cpu or memory requests count with Kubernetes' defaults, so that they spread too. */
export function podRequestsNonZero(pod: Pick<V1Pod, 'spec'>): Amounts {
  return sumRequests(pod.spec, (resources) => {
    const amounts = amountsOf(resources?.requests);
    if (!amounts.has('cpu')) amounts.set('cpu', DEFAULT_MILLI_CPU);
    if (!amounts.has('memory')) amounts.set('memory', DEFAULT_MEMORY_BYTES);
    return amounts;
  });
}

function sumRequests(
  spec: V1PodSpec | undefined,
  requestsOf: (resources: V1ResourceRequirements | undefined) => Amounts,
): Amounts {
  const total: Amounts = new Map();
  for (const container of spec?.containers ?? []) addAmounts(total, requestsOf(container.resources));
  const sidecars: Amounts = new Map();
  const initMaximum: Amounts = new Map();
  for (const container of spec?.initContainers ?? []) {
    const requests = requestsOf(container.resources);
    if (container.restartPolicy === 'Always') {
      addAmounts(total, requests);
      addAmounts(sidecars, requests);
      raiseTo(initMaximum, sidecars);
    } else {
      addAmounts(requests, sidecars);
      raiseTo(initMaximum, requests);
    }
  }
  raiseTo(total, initMaximum);
  for (const [name, amount] of amountsOf(spec?.resources?.requests)) total.set(name, amount);
  addAmounts(total, amountsOf(spec?.overhead));
  return total;
}
