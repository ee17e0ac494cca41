import type { V1IPAddress, V1ParentReference } from '../../../../lib/schema/generated/types.js';
import { required, type FieldError } from '../../../../lib/api/field-errors.js';

import { isPathSegmentName } from '../../../../lib/api/names.js';
import { formatErrors, isDns1123Subdomain } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { canonicalIpFaults } from '../shared/canonical-addresses.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { defineKind } from '../kind.js';

export const ipAddress = defineKind<V1IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  namespaced: false,
  definition: 'io.k8s.api.networking.v1.IPAddress',
  shortNames: ['ip'],
  validateName: (name) => canonicalIpFaults(name),
  validate: ({ spec }) => parentErrors(spec?.parentRef),
  validateUpdate: (object, old) => immutableErrors('spec.parentRef', object.spec?.parentRef, old.spec?.parentRef),
  columns: [
    {
      name: 'ParentRef',
      type: 'string',
      description: 'The resource that uses the address.',
      cell: (object) => parent(object),
    },
  ],
});

/** `services/default/web` */
function parent(object: V1IPAddress): string {
  const reference = object.spec?.parentRef;
  if (reference === undefined) return '<none>';
  const { group, resource, namespace, name } = reference;
  const qualified = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [qualified, ...(namespace ? [namespace] : []), name].join('/');
}

function parentErrors(reference: V1ParentReference | undefined): FieldError[] {
  const path = 'spec.parentRef';
  if (reference === undefined) return [required(path)];
  const { group, resource, name, namespace } = reference;
  return [
    ...(group ? formatErrors(`${path}.group`, group, isDns1123Subdomain) : []),
    ...requiredFormatErrors(`${path}.resource`, resource, isPathSegmentName),
    ...requiredFormatErrors(`${path}.name`, name, isPathSegmentName),
    ...(namespace ? formatErrors(`${path}.namespace`, namespace, isPathSegmentName) : []),
  ];
}
