import { matchesRequiredNodeAffinity } from '../../lib/scheduling/node-affinity.js';
import { addAmounts, amountsOf, podRequests, type Amounts } from '../../lib/scheduling/pod-requests.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import type { PodState } from './pod-state.js';

/**
 * Whether the node takes a pod that was bound to it, past the scheduler or from an outdated view: as the kubelet's predicate admit
 * handler. `others` are the pods it has already and that have not ended.
 */
export function admitPod(pod: V1Pod, node: V1Node, others: readonly V1Pod[]): PodState['rejection'] {
  if (!matchesRequiredNodeAffinity(pod.spec ?? { containers: [] }, node)) {
    return {
      reason: 'NodeAffinity',
      message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  }
  const held = new Set(others.flatMap(hostPorts));
  if (hostPorts(pod).some((port) => held.has(port))) {
    return {
      reason: 'NodePorts',
      message:
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  }
  return resourcesMissing(pod, node, others);
}

function resourcesMissing(pod: V1Pod, node: V1Node, others: readonly V1Pod[]): PodState['rejection'] {
  const allocatable = amountsOf(node.status?.allocatable);
  const used: Amounts = new Map([['pods', others.length]]);
  for (const other of others) addAmounts(used, podRequests(other));
  for (const [name, requested] of [...podRequests(pod), ['pods', 1] as const]) {
    const capacity = allocatable.get(name) ?? 0;
    const inUse = used.get(name) ?? 0;
    if (requested <= capacity - inUse) continue;
    return {
      reason: `OutOf${name}`,
      message: `Pod was rejected: Node didn't have enough resource: ${name}, requested: ${requested}, used: ${inUse}, capacity: ${capacity}`,
    };
  }
  return undefined;
}

function hostPorts(pod: V1Pod): string[] {
  return (pod.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).flatMap((port) =>
      port.hostPort ? [`${port.hostIP ?? ''}/${port.protocol ?? 'TCP'}/${port.hostPort}`] : [],
    ),
  );
}
