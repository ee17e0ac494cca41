import { isIPv4, isIPv6 } from 'node:net';
import { duplicate, invalid, required, tooMany, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  DiscoveryV1EndpointPort,
  V1Endpoint,
  V1EndpointHints,
  V1EndpointSlice,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '../shared/formats.js';
import { canonicalIpFaults } from '../shared/canonical-addresses.js';
import { ipErrors, specialIpErrors } from '../shared/ip-addresses.js';
import { oneOfErrors } from '../shared/one-of.js';

const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20_000;
const HINTS_MAX = 8;

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

export function endpointSliceErrors({ addressType, ports, endpoints }: V1EndpointSlice): FieldError[] {
  return [
    ...(addressType ? oneOfErrors('addressType', addressType, ADDRESS_TYPES) : [required('addressType')]),
    ...portsErrors(ports ?? []),
    ...endpointsErrors(endpoints ?? [], addressType),
  ];
}

function portsErrors(ports: readonly DiscoveryV1EndpointPort[]): FieldError[] {
  if (ports.length > PORTS_MAX) return [tooMany('ports', ports.length, PORTS_MAX)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', protocol, appProtocol }, index) => {
    const path = `ports[${index}]`;
    const errors = name === '' ? [] : formatErrors(`${path}.name`, name, isDns1123Label);
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    return [
      ...errors,
      ...(protocol === undefined
        ? [required(`${path}.protocol`)]
        : oneOfErrors(`${path}.protocol`, protocol, PROTOCOLS)),
      ...(appProtocol === undefined ? [] : formatErrors(`${path}.appProtocol`, appProtocol, isQualifiedName)),
    ];
  });
}

function endpointsErrors(endpoints: readonly V1Endpoint[], addressType: string): FieldError[] {
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany('endpoints', endpoints.length, ENDPOINTS_MAX)];
  return endpoints.flatMap(({ addresses, nodeName, hostname, hints }, index) => {
    const path = `endpoints[${index}]`;
    return [
      ...addressesErrors(addresses ?? [], addressType, `${path}.addresses`),
      ...(nodeName === undefined ? [] : formatErrors(`${path}.nodeName`, nodeName, isDns1123Subdomain)),
      ...(hostname === undefined ? [] : formatErrors(`${path}.hostname`, hostname, isDns1123Label)),
      ...(hints === undefined ? [] : hintsErrors(hints, `${path}.hints`)),
    ];
  });
}

function addressesErrors(addresses: readonly string[], addressType: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(path, 'must contain at least 1 address'));
  else if (addresses.length > ADDRESSES_MAX) errors.push(tooMany(path, addresses.length, ADDRESSES_MAX));
  return [
    ...errors,
    ...addresses.flatMap((address, index) => addressErrors(address, addressType, { list: path, index })),
  ];
}

function addressErrors(address: string, type: string, { list, index }: { list: string; index: number }): FieldError[] {
  const field = `${list}[${index}]`;
  switch (type) {
    case 'IPv4': {
      const errors = ipErrors(field, address);
      if (errors.length > 0) return errors;
      const wrongFamily = isIPv4(address) ? [] : [invalid(list, address, 'must be an IPv4 address')];
      return [...wrongFamily, ...specialIpErrors(field, address)];
    }
    case 'IPv6': {
      const faults = canonicalIpFaults(address);
      if (faults.length > 0) return faults.map((fault) => invalid(field, address, fault));
      const wrongFamily = isIPv6(address) ? [] : [invalid(list, address, 'must be an IPv6 address')];
      return [...wrongFamily, ...specialIpErrors(field, address)];
    }
    case 'FQDN':
      return domainNameErrors(field, address);
    default:
      return [];
  }
}

function domainNameErrors(field: string, address: string): FieldError[] {
  if (address === '') return [required(field)];
  const name = address.replace(/\.$/, '');
  const faults = isDns1123Subdomain(name);
  if (faults.length > 0) return [invalid(field, name, faults.join(','))];
  const labels = name.split('.');
  if (labels.length < 2) {
    return [invalid(field, name, 'should be a domain with at least two segments separated by dots')];
  }
  const wrong = labels.find((label) => isDns1123Label(label).length > 0);
  return wrong === undefined ? [] : [invalid(field, wrong, isDns1123Label(wrong).join(','))];
}

function hintsErrors({ forZones = [], forNodes = [] }: V1EndpointHints, path: string): FieldError[] {
  const errors = hintErrors(forZones, `${path}.forZones`, isLabelValue);
  return errors.some(({ type }) => type === 'FieldValueTooMany')
    ? errors
    : [...errors, ...hintErrors(forNodes, `${path}.forNodes`, isDns1123Subdomain)];
}

function hintErrors(
  hints: readonly { name: string }[],
  path: string,
  format: (value: string) => string[],
): FieldError[] {
  if (hints.length > HINTS_MAX) return [tooMany(path, hints.length, HINTS_MAX)];
  const seen = new Set<string>();
  return hints.flatMap(({ name }, index) => {
    const at = `${path}[${index}].name`;
    const repeated = seen.has(name) ? [duplicate(at, name)] : [];
    seen.add(name);
    return [...repeated, ...formatErrors(at, name, format)];
  });
}
