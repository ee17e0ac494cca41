import type { V1Endpoint, V1EndpointSlice, V1Service, V1ServiceSpec } from '../../lib/schema/generated/types.js';

/** A service `default/NAME` with one TCP port 80 unless said otherwise. */
export function service(name: string, spec: V1ServiceSpec, status?: V1Service['status']): V1Service {
  const families = (spec.clusterIPs ?? [spec.clusterIP ?? '']).map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4'));
  return {
    metadata: { name, namespace: 'default' },
    spec: { type: 'ClusterIP', ipFamilies: families, ports: [{ port: 80, protocol: 'TCP' }], ...spec },
    ...(status && { status }),
  };
}

/** A slice of `default/NAME`; addresses stand for ready endpoints on node-1. */
export function slice(
  name: string,
  endpoints: readonly (string | V1Endpoint)[],
  ports: V1EndpointSlice['ports'] = [{ port: 8080, protocol: 'TCP', name: '' }],
): V1EndpointSlice {
  const all = endpoints.map((one) => (typeof one === 'string' ? { addresses: [one], nodeName: 'node-1' } : one));
  return {
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: all[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: all,
    ports,
  };
}
