import { matchesRequiredNodeAffinity } from '../../lib/scheduling/node-affinity.js';
import { addAmounts, amountsOf, podRequests, type Amounts } from '../../lib/scheduling/pod-requests.js';
import { findUntoleratedTaint } from '../../lib/scheduling/taints.js';
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
  const held = others.flatMap(hostPorts);
  if (hostPorts(pod).some((port) => held.some((other) => clash(port, other)))) {
    return {
      reason: 'NodePorts',
      message:
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  }
  // Other effects keep pods from being placed here; this one ends them.
  if (findUntoleratedTaint(node.spec?.taints, pod.spec?.tolerations, ['NoExecute']) !== undefined) {
    return {
      reason: 'TaintToleration',
      message: "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    };
  }
  return forbiddenSysctl(pod) ?? resourcesMissing(pod, node, others);
}

/** Kernel parameters that are a pod's own and harm nobody else, as the kubelet allows them; others would be the whole machine's. */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

function forbiddenSysctl(pod: V1Pod): PodState['rejection'] {
  for (const { name } of pod.spec?.securityContext?.sysctls ?? []) {
    const dotted = name.replaceAll('/', '.');
    if (SAFE_SYSCTLS.has(dotted)) continue;
    return {
      reason: 'SysctlForbidden',
      message: `Pod was rejected: forbidden sysctl: ${JSON.stringify(dotted)} not allowlisted`,
    };
  }
  return undefined;
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

interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

const ANY_ADDRESS = ['', '0.0.0.0', '::'];

/** A port on all addresses is taken on each of them. */
function clash(one: HostPort, other: HostPort): boolean {
  const isSameAddress = one.ip === other.ip || ANY_ADDRESS.includes(one.ip) || ANY_ADDRESS.includes(other.ip);
  return isSameAddress && one.protocol === other.protocol && one.port === other.port;
}

function hostPorts(pod: V1Pod): HostPort[] {
  return (pod.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).flatMap((port) =>
      port.hostPort ? [{ ip: port.hostIP ?? '', protocol: port.protocol ?? 'TCP', port: port.hostPort }] : [],
    ),
  );
}
