import type { V1Lease } from '../../../../lib/schema/generated/types.js';
import { forbidden, invalid } from '../../../../lib/api/field-errors.js';

import { MUST_BE_POSITIVE, nonNegativeErrors } from '../shared/formats.js';
import { oneOfErrors } from '../shared/one-of.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const lease = defineKind<V1Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  definition: 'io.k8s.api.coordination.v1.Lease',
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  validate({ spec }) {
    const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = spec ?? {};
    return [
      ...(leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0
        ? [invalid('spec.leaseDurationSeconds', leaseDurationSeconds, MUST_BE_POSITIVE)]
        : []),
      ...nonNegativeErrors('spec.leaseTransitions', leaseTransitions),
      ...(strategy === undefined ? [] : oneOfErrors('spec.strategy', strategy, ['OldestEmulationVersion'])),
      ...(preferredHolder && !strategy
        ? [forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined')]
        : []),
    ];
  },
  columns: [
    {
      name: 'Holder',
      type: 'string',
      description: 'Who holds the lease.',
      cell: (object) => object.spec?.holderIdentity ?? '',
    },
    AGE,
  ],
});
