import { nodes, pods } from '../../../lib/client/resources.js';
import { matchesRequiredNodeAffinity } from '../../../lib/scheduling/node-affinity.js';
import { addAmounts, amountsOf, podRequests } from '../../../lib/scheduling/pod-requests.js';
import type { V1Node, V1Pod } from '../../../lib/schema/generated/types.js';
import type { Checker } from './cluster-state.js';
import { hasEnded, nameOf } from './pods.js';

/** A pod waits for a node only where no node has room for it, not even without the less important pods. */
export const onlyMisfitsWait: Checker = (state) => {
  const bound = state.of(pods).filter((pod) => pod.spec?.nodeName && !hasEnded(pod));
  const waiting = state.of(pods).filter((pod) => !pod.spec?.nodeName && !hasEnded(pod));
  return waiting.flatMap((pod) => {
    const room = state.of(nodes).find((node) => fits(pod, node, bound));
    return room === undefined ? [] : [`${nameOf(pod)} waits although ${nameOf(room)} has room for it`];
  });
};

function fits(pod: V1Pod, node: V1Node, bound: readonly V1Pod[]): boolean {
  if (pod.spec === undefined || !matchesRequiredNodeAffinity(pod.spec, node)) return false;
  const used = podRequests(pod);
  for (const other of bound) {
    if (other.spec?.nodeName !== node.metadata?.name) continue;
    if ((other.spec?.priority ?? 0) >= (pod.spec.priority ?? 0)) addAmounts(used, podRequests(other));
  }
  const allocatable = amountsOf(node.status?.allocatable);
  return [...used].every(([name, amount]) => amount <= (allocatable.get(name) ?? 0));
}

/** No node has more than it can take. */
export const nodesAreNotOverfull: Checker = (state) =>
  state.of(nodes).flatMap((node) => {
    const name = node.metadata?.name;
    const onNode = state.of(pods).filter((pod) => pod.spec?.nodeName === name && !hasEnded(pod));
    const used = new Map([['pods', onNode.length]]);
    for (const pod of onNode) addAmounts(used, podRequests(pod));
    const allocatable = amountsOf(node.status?.allocatable);
    return [...used]
      .filter(([resource, amount]) => amount > (allocatable.get(resource) ?? 0))
      .map(([resource, amount]) => `${nameOf(node)} has pods that request ${amount} of ${resource}`);
  });
