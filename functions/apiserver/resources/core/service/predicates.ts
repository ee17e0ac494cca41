import type { V1ServiceSpec } from '../../../../../lib/schema/generated/types.js';

/** What a type of Service has and has not. */

export function isHeadless(spec: V1ServiceSpec): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';
}

export function hasClusterIp(spec: V1ServiceSpec): boolean {
  return spec.type !== 'ExternalName';
}

/** Also a load balancer that asks for none: it keeps those it has. */
export function hasNodePorts(spec: V1ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

export function isLoadBalancer(spec: V1ServiceSpec): boolean {
  return spec.type === 'LoadBalancer';
}

/** Reached from outside the cluster. */
export function isExternallyAccessible(spec: V1ServiceSpec): boolean {
  return (
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
  );
}

export function needsHealthCheck(spec: V1ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}
