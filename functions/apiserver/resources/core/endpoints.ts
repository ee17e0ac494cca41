import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { CoreV1EndpointPort, V1EndpointAddress, V1Endpoints } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain, isPortNumber, isQualifiedName } from '../shared/formats.js';
import { ipErrors, isIpv6Address, specialIpErrors } from '../shared/ip-addresses.js';
import { PORT_PROTOCOLS, requiredOneOf } from '../shared/pod-spec/containers.js';

const SHOWN_MAX = 3;

export const endpoints = defineKind<V1Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Endpoints',
  allowCreateOnUpdate: true,
  defaults(object) {
    for (const port of (object.subsets ?? []).flatMap((subset) => subset.ports ?? [])) port.protocol ||= 'TCP';
  },
  validate(object) {
    return (object.subsets ?? []).flatMap((subset, index) => {
      const at = `subsets[${index}]`;
      const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
      return [
        ...(addresses.length === 0 && notReadyAddresses.length === 0
          ? [required(at, 'must specify `addresses` or `notReadyAddresses`')]
          : []),
        ...addresses.flatMap((address, i) => addressErrors(address, `${at}.addresses[${i}]`)),
        ...notReadyAddresses.flatMap((address, i) => addressErrors(address, `${at}.notReadyAddresses[${i}]`)),
        ...ports.flatMap((port, i) => portErrors(port, ports.length > 1, `${at}.ports[${i}]`)),
      ];
    });
  },
  columns: [
    {
      name: 'Endpoints',
      type: 'string',
      description: 'Addresses and ports that are ready.',
      cell: endpointsText,
    },
    AGE,
  ],
});

function addressErrors(address: V1EndpointAddress, path: string): FieldError[] {
  const ip = address.ip ?? '';
  const errors = ipErrors(`${path}.ip`, ip);
  if ((address.hostname ?? '') !== '') {
    errors.push(...formatErrors(`${path}.hostname`, address.hostname ?? '', isDns1123Label));
  }
  if (address.nodeName !== undefined) {
    errors.push(...formatErrors(`${path}.nodeName`, address.nodeName, isDns1123Subdomain));
  }
  return [...errors, ...specialIpErrors(`${path}.ip`, ip)];
}

function portErrors(port: CoreV1EndpointPort, needsName: boolean, path: string): FieldError[] {
  const name = port.name ?? '';
  const errors: FieldError[] = [];
  if (name !== '') errors.push(...formatErrors(`${path}.name`, name, isDns1123Label));
  else if (needsName) errors.push(required(`${path}.name`));
  const number = port.port ?? 0;
  errors.push(...isPortNumber(number).map((message) => invalid(`${path}.port`, number, message)));
  errors.push(...requiredOneOf(`${path}.protocol`, port.protocol ?? '', PORT_PROTOCOLS));
  if (port.appProtocol !== undefined) {
    errors.push(...formatErrors(`${path}.appProtocol`, port.appProtocol, isQualifiedName));
  }
  return errors;
}

/** The first few `address:port` pairs. */
function endpointsText(object: V1Endpoints): string {
  const subsets = object.subsets ?? [];
  if (subsets.length === 0) return '<none>';
  const pairs = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (isIpv6Address(ip) ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  const shown = pairs.slice(0, SHOWN_MAX).join(',');
  return pairs.length > SHOWN_MAX ? `${shown} + ${pairs.length - SHOWN_MAX} more...` : shown;
}
