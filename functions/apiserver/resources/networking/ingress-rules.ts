import { isIP } from 'node:net';
import { invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { isPathSegmentName, isWildcardDns1123Subdomain } from '../../../../lib/api/names.js';
import type {
  V1HTTPIngressPath,
  V1IngressBackend,
  V1IngressLoadBalancerIngress,
  V1IngressRule,
  V1IngressServiceBackend,
  V1IngressSpec,
  V1IngressTLS,
  V1TypedLocalObjectReference,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain, isPortName, isPortNumber } from '../shared/formats.js';
import { ipErrors } from '../shared/ip-addresses.js';
import { requiredFormatErrors } from '../shared/required-format.js';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const FORBIDDEN_IN_PATHS = ['//', '/./', '/../', '%2f', '%2F'];
const FORBIDDEN_PATH_ENDS = ['/..', '/.'];
const NOT_AN_ADDRESS = 'must be a DNS name, not an IP address';

export function ingressSpecErrors(spec: V1IngressSpec): FieldError[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  return [
    ...(rules.length === 0 && defaultBackend === undefined
      ? [invalid('spec', spec.rules, 'either `defaultBackend` or `rules` must be specified')]
      : []),
    ...(defaultBackend === undefined ? [] : backendErrors(defaultBackend, 'spec.defaultBackend')),
    ...rules.flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`)),
    ...tls.flatMap((one, index) => tlsErrors(one, `spec.tls[${index}]`)),
    ...(ingressClassName === undefined
      ? []
      : formatErrors('spec.ingressClassName', ingressClassName, isDns1123Subdomain)),
  ];
}

function hostErrors(field: string, host: string): FieldError[] {
  return formatErrors(field, host, host.includes('*') ? isWildcardDns1123Subdomain : isDns1123Subdomain);
}

function tlsErrors({ hosts = [], secretName }: V1IngressTLS, path: string): FieldError[] {
  return [
    ...hosts.flatMap((host, index) => hostErrors(`${path}.hosts[${index}]`, host)),
    ...(secretName ? formatErrors(`${path}.secretName`, secretName, isDns1123Subdomain) : []),
  ];
}

function ruleErrors({ host, http }: V1IngressRule, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host) {
    if (isIP(host) !== 0) errors.push(invalid(`${path}.host`, host, NOT_AN_ADDRESS));
    errors.push(...hostErrors(`${path}.host`, host));
  }
  if (http === undefined) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  return [...errors, ...paths.flatMap((one, index) => pathErrors(one, `${path}.http.paths[${index}]`))];
}

function pathErrors({ path = '', pathType, backend }: V1HTTPIngressPath, at: string): FieldError[] {
  if (!pathType) return [required(`${at}.pathType`, 'pathType must be specified')];
  return [...pathTextErrors(path, pathType, at), ...backendErrors(backend, `${at}.backend`)];
}

function pathTextErrors(path: string, pathType: string, at: string): FieldError[] {
  const field = `${at}.path`;
  const notAbsolute = path.startsWith('/') ? [] : [invalid(field, path, 'must be an absolute path')];
  switch (pathType) {
    case 'Exact':
    case 'Prefix':
      return [
        ...notAbsolute,
        ...FORBIDDEN_IN_PATHS.filter((part) => path.includes(part)).map((part) =>
          invalid(field, path, `must not contain '${part}'`),
        ),
        ...FORBIDDEN_PATH_ENDS.filter((end) => path.endsWith(end)).map((end) =>
          invalid(field, path, `cannot end with '${end}'`),
        ),
      ];
    case 'ImplementationSpecific':
      return path === '' ? [] : notAbsolute;
    default:
      return [notSupported(`${at}.pathType`, pathType, PATH_TYPES)];
  }
}

function backendErrors({ service, resource }: V1IngressBackend, path: string): FieldError[] {
  if (service !== undefined && resource !== undefined) {
    return [invalid(path, '', 'cannot set both resource and service backends')];
  }
  if (resource !== undefined) return resourceErrors(resource, `${path}.resource`);
  return service === undefined
    ? [invalid(path, '', 'resource or service backend is required')]
    : serviceErrors(service, path);
}

function resourceErrors({ apiGroup, kind, name }: V1TypedLocalObjectReference, path: string): FieldError[] {
  return [
    ...(apiGroup === undefined ? [] : formatErrors(`${path}.apiGroup`, apiGroup, isDns1123Subdomain)),
    ...requiredFormatErrors(`${path}.kind`, kind, isPathSegmentName),
    ...requiredFormatErrors(`${path}.name`, name, isPathSegmentName),
  ];
}

function serviceErrors({ name: serviceName, port }: V1IngressServiceBackend, path: string): FieldError[] {
  const errors = requiredFormatErrors(`${path}.service.name`, serviceName, isDns1123Label);
  const { name = '', number = 0 } = port ?? {};
  if (name !== '' && number !== 0) {
    errors.push(invalid(path, '', 'cannot set both port name & port number'));
  } else if (name !== '') {
    errors.push(...formatErrors(`${path}.service.port.name`, name, isPortName));
  } else if (number !== 0) {
    errors.push(...isPortNumber(number).map((message) => invalid(`${path}.service.port.number`, number, message)));
  } else {
    errors.push(required(path, 'port name or number is required'));
  }
  return errors;
}

export function loadBalancerErrors(points: readonly V1IngressLoadBalancerIngress[]): FieldError[] {
  return points.flatMap(({ ip, hostname }, index) => {
    const at = `status.loadBalancer.ingress[${index}]`;
    return [
      ...(ip ? ipErrors(`${at}.ip`, ip) : []),
      ...(hostname ? formatErrors(`${at}.hostname`, hostname, isDns1123Subdomain) : []),
      ...(hostname && isIP(hostname) !== 0 ? [invalid(`${at}.hostname`, hostname, NOT_AN_ADDRESS)] : []),
    ];
  });
}
