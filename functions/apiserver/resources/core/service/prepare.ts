import type { V1Service, V1ServiceSpec } from '../../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../../shared/equality.js';
import { hasClusterIp, hasNodePorts, isExternallyAccessible, isLoadBalancer, needsHealthCheck } from './predicates.js';

const AFFINITY_SECONDS = 10_800;

export function defaultService(object: V1Service): void {
  const spec = (object.spec ??= {});
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    port.targetPort ||= port.port;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (!isLoadBalancer(spec)) return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of object.status?.loadBalancer?.ingress ?? []) {
    if ((ingress.ip ?? '') !== '') ingress.ipMode ??= 'VIP';
  }
}

export function prepareService(object: V1Service): void {
  object.status = { loadBalancer: {} };
  const spec = (object.spec ??= {});
  if (spec.type === 'ExternalName') return;
  if ((spec.clusterIP ?? '') !== '' && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP ?? ''];
}

/** Keeps what was allocated when the client left it out, and drops what the new type has no use for. */
export function prepareServiceUpdate(object: V1Service, old: V1Service): void {
  const spec = (object.spec ??= {});
  const before = old.spec ?? {};
  dropUnused(spec, before);
  keepAllocated(spec, before);
  alignClusterIps(spec, before);
}

function dropUnused(spec: V1ServiceSpec, before: V1ServiceSpec): void {
  const drop = (had: (spec: V1ServiceSpec) => boolean, ...fields: (keyof V1ServiceSpec)[]): void => {
    if (!had(before) || had(spec)) return;
    // A field that was changed with the type is meant, and validation has its say.
    for (const field of fields) if (semanticallyEqual(spec[field], before[field])) delete spec[field];
  };
  if (hasClusterIp(before) && !hasClusterIp(spec) && semanticallyEqual(spec.clusterIPs, before.clusterIPs)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  drop(hasClusterIp, 'ipFamilies', 'ipFamilyPolicy');
  if (hasNodePorts(before) && !hasNodePorts(spec) && sameNodePorts(spec, before)) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  drop(needsHealthCheck, 'healthCheckNodePort');
  drop(isLoadBalancer, 'allocateLoadBalancerNodePorts', 'loadBalancerClass');
  drop(isExternallyAccessible, 'externalTrafficPolicy');
}

function sameNodePorts(spec: V1ServiceSpec, before: V1ServiceSpec): boolean {
  const old = new Set((before.ports ?? []).map((port) => port.nodePort ?? 0));
  return (spec.ports ?? []).every((port) => (port.nodePort ?? 0) === 0 || old.has(port.nodePort ?? 0));
}

function keepAllocated(spec: V1ServiceSpec, before: V1ServiceSpec): void {
  if (hasClusterIp(spec) && hasClusterIp(before)) {
    if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP;
    if (
      (spec.clusterIPs ?? []).length === 0 &&
      before.clusterIPs !== undefined &&
      spec.clusterIP === before.clusterIP
    ) {
      spec.clusterIPs = [...before.clusterIPs];
    }
  }
  if (hasNodePorts(spec) && hasNodePorts(before)) {
    const used = new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0));
    const byName = new Map((before.ports ?? []).map((port) => [port.name ?? '', port.nodePort ?? 0]));
    for (const port of spec.ports ?? []) {
      const known = byName.get(port.name ?? '') ?? 0;
      if ((port.nodePort ?? 0) === 0 && known !== 0 && !used.has(known)) port.nodePort = known;
    }
  }
  if (needsHealthCheck(spec) && needsHealthCheck(before) && before.healthCheckNodePort !== undefined) {
    spec.healthCheckNodePort ||= before.healthCheckNodePort;
  }
}

/** `clusterIP` is the first of `clusterIPs`; clients that know only one of the two change that one. */
function alignClusterIps(spec: V1ServiceSpec, before: V1ServiceSpec): void {
  if (spec.type === 'ExternalName') return;
  const address = spec.clusterIP ?? '';
  if (address !== (before.clusterIP ?? '')) {
    const given = spec.clusterIPs ?? [];
    if (given.length > 0 && !semanticallyEqual(given, before.clusterIPs)) return;
    if (address === '') delete spec.clusterIPs;
    else spec.clusterIPs = [address, ...given.slice(1)];
  } else if ((spec.clusterIPs ?? []).length === 0 && (before.clusterIPs ?? []).length > 0) {
    delete spec.clusterIP;
  }
}
