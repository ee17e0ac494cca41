import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type { V1Service, V1ServicePort, V1ServiceSpec } from '../../../../../lib/schema/generated/types.js';
import {
  formatErrors,
  isDns1123Label,
  isDns1123Subdomain,
  isPortNumber,
  isQualifiedName,
  portNumberOrNameErrors,
} from '../../shared/formats.js';
import { cidrErrors, ipErrors, specialIpErrors } from '../../shared/ip-addresses.js';
import { validateLabels } from '../../shared/labels.js';
import { PORT_PROTOCOLS, requiredOneOf } from '../../shared/pod-spec/containers.js';
import { clusterIpErrors } from './cluster-ips.js';
import { isExternallyAccessible, isHeadless, isLoadBalancer, needsHealthCheck } from './predicates.js';

const KUBELET_PORT = 10_250;
const AFFINITY_SECONDS_MAX = 86_400;
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const SOURCE_RANGES_ANNOTATION = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const FOR_LOAD_BALANCERS = "may only be used when `type` is 'LoadBalancer'";

export function validateService(object: V1Service): FieldError[] {
  const spec = object.spec ?? {};
  return [
    ...typeErrors(spec),
    ...portListErrors(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...affinityErrors(spec),
    ...clusterIpErrors(spec),
    ...(spec.externalIPs ?? []).flatMap((ip, index) => {
      const errors = ipErrors(`spec.externalIPs[${index}]`, ip);
      return errors.length > 0 ? errors : specialIpErrors(`spec.externalIPs[${index}]`, ip);
    }),
    ...requiredOneOf('spec.type', spec.type ?? '', TYPES),
    ...sourceRangeErrors(object),
    ...loadBalancerErrors(spec),
    ...trafficErrors(spec),
  ];
}

function typeErrors(spec: V1ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  if (isLoadBalancer(spec)) {
    for (const [index, { port }] of ports.entries()) {
      if (port !== KUBELET_PORT) continue;
      const why = `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`;
      errors.push(invalid(`spec.ports[${index}]`, port, why));
    }
  }
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec)) {
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type !== 'ExternalName') return errors;
  const why = 'may not be set for ExternalName services';
  if ((spec.clusterIPs ?? []).length > 0) errors.push(forbidden('spec.clusterIPs', why));
  if ((spec.ipFamilies ?? []).length > 0) errors.push(forbidden('spec.ipFamilies', why));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden('spec.ipFamilyPolicy', why));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  return name === ''
    ? [...errors, required('spec.externalName')]
    : [...errors, ...formatErrors('spec.externalName', name, isDns1123Subdomain)];
}

function portListErrors(spec: V1ServiceSpec): FieldError[] {
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    const name = port.name ?? '';
    if (name === '') {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      errors.push(...formatErrors(`${at}.name`, name, isDns1123Label));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    errors.push(...portErrors(port, at));
    if (spec.type === 'ClusterIP' && (port.nodePort ?? 0) !== 0) {
      errors.push(forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  return [...errors, ...repeatedPorts(ports)];
}

function portErrors(port: V1ServicePort, path: string): FieldError[] {
  const number = port.port ?? 0;
  const errors = isPortNumber(number).map((message) => invalid(`${path}.port`, number, message));
  errors.push(...requiredOneOf(`${path}.protocol`, port.protocol ?? '', PORT_PROTOCOLS));
  errors.push(...portNumberOrNameErrors(`${path}.targetPort`, port.targetPort));
  if (port.appProtocol !== undefined) {
    errors.push(...formatErrors(`${path}.appProtocol`, port.appProtocol, isQualifiedName));
  }
  return errors;
}

function repeatedPorts(ports: readonly V1ServicePort[]): FieldError[] {
  const errors: FieldError[] = [];
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, { protocol = '', nodePort = 0 }] of ports.entries()) {
    if (nodePort === 0) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(`spec.ports[${index}].nodePort`, nodePort));
    nodePorts.add(key);
  }
  for (const [index, { protocol = '', port }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (numbers.has(key)) errors.push(duplicate(`spec.ports[${index}]`, { port, protocol }));
    numbers.add(key);
  }
  return errors;
}

function affinityErrors(spec: V1ServiceSpec): FieldError[] {
  const field = 'spec.sessionAffinityConfig';
  const errors = requiredOneOf('spec.sessionAffinity', spec.sessionAffinity ?? '', ['ClientIP', 'None']);
  if (spec.sessionAffinity === 'None') {
    return spec.sessionAffinityConfig === undefined
      ? errors
      : [...errors, forbidden(field, 'must not be set when session affinity is None')];
  }
  if (spec.sessionAffinity !== 'ClientIP') return errors;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) {
    return [...errors, required(`${field}.clientIP.timeoutSeconds`, 'when session affinity type is ClientIP')];
  }
  if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) {
    const why = `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`;
    errors.push(invalid(`${field}.clientIP.timeoutSeconds`, seconds, why));
  }
  return errors;
}

function sourceRangeErrors(object: V1Service): FieldError[] {
  const spec = object.spec ?? {};
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) {
    const field = 'spec.LoadBalancerSourceRanges';
    return [
      ...(isLoadBalancer(spec) ? [] : [forbidden(field, FOR_LOAD_BALANCERS)]),
      ...ranges.flatMap((range, index) => cidrErrors(`${field}[${index}]`, range.trim())),
    ];
  }
  const annotation = object.metadata?.annotations?.[SOURCE_RANGES_ANNOTATION];
  if (annotation === undefined) return [];
  const field = `metadata.annotations[${SOURCE_RANGES_ANNOTATION}]`;
  const list = annotation.trim() === '' ? [] : annotation.split(',');
  return [
    ...(isLoadBalancer(spec) ? [] : [forbidden(field, FOR_LOAD_BALANCERS)]),
    ...list.flatMap((range) => cidrErrors(field, range.trim())),
  ];
}

function loadBalancerErrors(spec: V1ServiceSpec): FieldError[] {
  const { allocateLoadBalancerNodePorts, loadBalancerClass } = spec;
  if (isLoadBalancer(spec)) {
    return [
      ...(allocateLoadBalancerNodePorts === undefined ? [required('allocateLoadBalancerNodePorts')] : []),
      ...(loadBalancerClass === undefined
        ? []
        : formatErrors('spec.loadBalancerClass', loadBalancerClass, isQualifiedName)),
    ];
  }
  return [
    ...(allocateLoadBalancerNodePorts === undefined
      ? []
      : [forbidden('spec.allocateLoadBalancerNodePorts', FOR_LOAD_BALANCERS)]),
    ...(loadBalancerClass === undefined ? [] : [forbidden('spec.loadBalancerClass', FOR_LOAD_BALANCERS)]),
  ];
}

function trafficErrors(spec: V1ServiceSpec): FieldError[] {
  const { externalTrafficPolicy = '', healthCheckNodePort = 0, internalTrafficPolicy, trafficDistribution } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec)) {
    errors.push(...requiredOneOf('spec.externalTrafficPolicy', externalTrafficPolicy, POLICIES));
  } else if (externalTrafficPolicy !== '') {
    const why = 'may only be set for externally-accessible services';
    errors.push(invalid('spec.externalTrafficPolicy', externalTrafficPolicy, why));
  }
  if (healthCheckNodePort !== 0) {
    const field = 'spec.healthCheckNodePort';
    if (needsHealthCheck(spec)) {
      errors.push(...isPortNumber(healthCheckNodePort).map((message) => invalid(field, healthCheckNodePort, message)));
    } else {
      const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.push(invalid(field, healthCheckNodePort, why));
    }
  }
  if (internalTrafficPolicy === undefined) {
    if (spec.type !== 'ExternalName') errors.push(required('spec.internalTrafficPolicy'));
  } else if (!POLICIES.includes(internalTrafficPolicy)) {
    errors.push(notSupported('spec.internalTrafficPolicy', internalTrafficPolicy, POLICIES));
  }
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.push(notSupported('spec.trafficDistribution', trafficDistribution, DISTRIBUTIONS));
  }
  return errors;
}

/** Status of the load balancer's addresses. */
export function validateServiceStatus(object: V1Service): FieldError[] {
  const path = 'status.loadBalancer.ingress';
  const ingress = object.status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && object.spec?.type !== 'LoadBalancer') {
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap(({ ip = '', ipMode, hostname = '' }, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = ip === '' ? [] : ipErrors(`${at}.ip`, ip);
    if (ip !== '' && ipMode === undefined) errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    else if (ip === '' && ipMode !== undefined) {
      errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    } else if (ipMode !== undefined && ipMode !== 'VIP' && ipMode !== 'Proxy') {
      errors.push(notSupported(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']));
    }
    if (hostname === '') return errors;
    errors.push(...formatErrors(`${at}.hostname`, hostname, isDns1123Subdomain));
    if (ipErrors('', hostname).length === 0) {
      errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
    }
    return errors;
  });
}
