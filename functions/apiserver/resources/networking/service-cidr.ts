import type { V1ServiceCIDR } from '../../../../lib/schema/generated/types.js';
import { isIPv6 } from 'node:net';
import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { canonicalCidrErrors } from '../shared/canonical-addresses.js';
import { FIELD_IS_IMMUTABLE } from '../shared/formats.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const PATH = 'spec.cidrs';

export const serviceCidr = defineKind<V1ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  definition: 'io.k8s.api.networking.v1.ServiceCIDR',
  hasStatus: true,
  validate: ({ spec }) => cidrsErrors(spec?.cidrs ?? []),
  validateUpdate: (object, old) => changeErrors(object.spec?.cidrs ?? [], old.spec?.cidrs ?? []),
  columns: [
    {
      name: 'CIDRs',
      type: 'string',
      description: 'Address ranges of Services.',
      cell: (object) => object.spec?.cidrs?.join(',') ?? '',
    },
    AGE,
  ],
});

/** One network, or one of each address family. */
function cidrsErrors(cidrs: readonly string[]): FieldError[] {
  if (cidrs.length === 0) return [required(PATH, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(PATH, { CIDRs: cidrs }, 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((cidr, index) => canonicalCidrErrors(`${PATH}[${index}]`, cidr));
  if (errors.length > 0 || cidrs.length < 2) return errors;
  const [first, second] = cidrs.map((cidr) => isIPv6(cidr.split('/')[0] ?? ''));
  return first === second
    ? [invalid(PATH, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')]
    : [];
}

/** Networks stay; a second may join the first. */
function changeErrors(cidrs: readonly string[], old: readonly string[]): FieldError[] {
  const isSecondAdded = old.length === 1 && cidrs.length === 2;
  if (cidrs.length !== old.length && !isSecondAdded) return [invalid(PATH, cidrs, FIELD_IS_IMMUTABLE)];
  return old.flatMap((cidr, index) =>
    cidr === cidrs[index] ? [] : [invalid(`${PATH}[${index}]`, cidrs[index], FIELD_IS_IMMUTABLE)],
  );
}
