import type { V1Affinity, V1Pod, V1Toleration } from '../../lib/schema/generated/types.js';
import { podRequests, podRequestsNonZero, type Amounts } from '../../lib/scheduling/pod-requests.js';

export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

/** A pod with what scheduling derives from it, computed once. */
export interface PodInfo {
  readonly pod: V1Pod;
  readonly uid: string;
  readonly priority: number;
  readonly requests: Amounts;
  /** Requests with defaults for those that ask for nothing: what scores count. */
  readonly scored: Amounts;
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly V1Toleration[];
  readonly affinity: V1Affinity | undefined;
}

const NO_PORTS: readonly HostPort[] = [];
const NO_TOLERATIONS: readonly V1Toleration[] = [];

export function podInfo(pod: V1Pod): PodInfo {
  return {
    pod,
    uid: pod.metadata?.uid ?? '',
    priority: pod.spec?.priority ?? 0,
    requests: podRequests(pod),
    scored: podRequestsNonZero(pod),
    hostPorts: hostPortsOf(pod),
    tolerations: pod.spec?.tolerations ?? NO_TOLERATIONS,
    affinity: pod.spec?.affinity,
  };
}

function hostPortsOf(pod: V1Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined;
  const sidecars = pod.spec?.initContainers?.filter((container) => container.restartPolicy === 'Always') ?? [];
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (!port.hostPort) continue;
      (ports ??= []).push({ ip: port.hostIP || ANY_IP, protocol: port.protocol ?? 'TCP', port: port.hostPort });
    }
  }
  return ports ?? NO_PORTS;
}

const ANY_IP = '0.0.0.0';

/** Two host ports clash when port and protocol are the same and the addresses are, or either is 0.0.0.0. */
export function clashes(one: HostPort, other: HostPort): boolean {
  return (
    one.port === other.port &&
    one.protocol === other.protocol &&
    (one.ip === other.ip || one.ip === ANY_IP || other.ip === ANY_IP)
  );
}

const signatures = new WeakMap<PodInfo, string>();

/** Pods of one signature fit the same nodes equally well, so they share one evaluation of the nodes. */
export function signatureOf(info: PodInfo): string {
  let signature = signatures.get(info);
  if (signature === undefined) signatures.set(info, (signature = makeSignature(info)));
  return signature;
}

function makeSignature(info: PodInfo): string {
  const { spec } = info.pod;
  return JSON.stringify([
    [...info.requests],
    [...info.scored],
    info.hostPorts,
    spec?.nodeSelector,
    spec?.affinity?.nodeAffinity,
    info.tolerations,
    spec?.nodeName,
    info.priority,
  ]);
}
