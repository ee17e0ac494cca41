import type { V1Service, V1ServiceSpec } from '../../../lib/schema/generated/types.js';

/** What the type of a service demands, and what an update may leave out because it was given before. */

export const HEADLESS = 'None';

export function needsClusterIp({ type }: V1ServiceSpec): boolean {
  return type !== 'ExternalName';
}

export function needsNodePorts({ type }: V1ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer';
}

/** A load balancer with traffic policy Local asks the nodes by this port whether they have pods of the service. */
export function needsHealthCheckNodePort({ type, externalTrafficPolicy }: V1ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

export function isHeadless({ clusterIP, clusterIPs }: V1ServiceSpec): boolean {
  return clusterIP === HEADLESS || clusterIPs?.[0] === HEADLESS;
}

export function sameList(left: readonly string[] = [], right: readonly string[] = []): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

/** Different node ports of a service, in order. */
export function nodePortsOf(spec: V1ServiceSpec): number[] {
  return [...new Set((spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0).filter((port) => port !== 0))];
}

/**
 * `clusterIP` and `clusterIPs` say the same; clients that know only the first are understood: from a create the list is made, on an update
 * a field that was left alone follows the one that was changed.
 */
export function normalizeClusterIps(service: V1Service, old?: V1Service): void {
  const spec = service.spec;
  if (spec === undefined) return;
  const list = spec.clusterIPs ?? [];
  const before = old?.spec;
  if (before === undefined) {
    if (spec.clusterIP && list.length === 0) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  const beforeList = before.clusterIPs ?? [];
  const same = (spec.clusterIP ?? '') === (before.clusterIP ?? '');
  if (beforeList.length > 0 && list.length === 0 && same) spec.clusterIPs = [...beforeList];
  if (same) return;
  if (before.clusterIP && !spec.clusterIP) {
    if (sameList(list, beforeList)) delete spec.clusterIPs;
  } else if (sameList(spec.clusterIPs, beforeList)) {
    spec.clusterIPs = [spec.clusterIP ?? ''];
  }
}

/** Takes over from the old service what was allocated for it and the new one leaves out. */
export function keepAllocatedValues(service: V1Service, old: V1Service): void {
  const [spec, before] = [service.spec, old.spec];
  if (spec === undefined || before === undefined) return;
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP) spec.clusterIP = before.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && (before.clusterIPs ?? []).length > 0)
      spec.clusterIPs = [...(before.clusterIPs ?? [])];
  }
  if (needsNodePorts(before) && needsNodePorts(spec)) keepNodePorts(spec, before);
  if (needsHealthCheckNodePort(before) && needsHealthCheckNodePort(spec) && !spec.healthCheckNodePort)
    spec.healthCheckNodePort = before.healthCheckNodePort;
}

/** By port name, unless another port of the new service has that number already. */
function keepNodePorts(spec: V1ServiceSpec, before: V1ServiceSpec): void {
  const given = new Set(nodePortsOf(spec));
  const used = new Set(nodePortsOf(before).filter((port) => given.has(port)));
  const byName = new Map((before.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort]));
  for (const port of spec.ports ?? []) {
    const known = byName.get(port.name ?? '');
    if (!port.nodePort && known !== undefined && !used.has(known)) port.nodePort = known;
  }
}
