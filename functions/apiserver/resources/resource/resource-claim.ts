import type { ResourceV1ResourceClaim } from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { claimStatusErrors } from './claim-status-rules.js';
import { deviceClaimErrors, defaultDeviceClaim } from './claim-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const resourceClaim = defineKind<ResourceV1ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  definition: 'io.k8s.api.resource.v1.ResourceClaim',
  hasStatus: true,
  inert: true,
  defaults: ({ spec }) => defaultDeviceClaim(spec?.devices),
  validateCreate: ({ spec }) => deviceClaimErrors(spec?.devices, 'spec.devices'),
  validateUpdate: (object, old) => immutableErrors('spec', object.spec, old.spec),
  validateStatusUpdate: claimStatusErrors,
  columns: [
    {
      name: 'State',
      type: 'string',
      description: 'A summary of the current state (allocated, pending, reserved, etc.).',
      cell: (object) => claimState(object),
    },
    AGE,
  ],
});

function claimState(object: ResourceV1ResourceClaim): string {
  const deleted = object.metadata?.deletionTimestamp !== undefined;
  const allocated = object.status?.allocation !== undefined;
  const reserved = allocated && (object.status?.reservedFor ?? []).length > 0;
  return [
    ...(deleted ? ['deleted'] : []),
    ...(allocated ? ['allocated'] : deleted ? [] : ['pending']),
    ...(reserved ? ['reserved'] : []),
  ].join(',');
}
