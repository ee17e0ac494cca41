import type { V1ResourceClaimTemplate } from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { deviceClaimErrors, defaultDeviceClaim } from './claim-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const resourceClaimTemplate = defineKind<V1ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  namespaced: true,
  definition: 'io.k8s.api.resource.v1.ResourceClaimTemplate',
  inert: true,
  defaults: ({ spec }) => defaultDeviceClaim(spec?.spec?.devices),
  validateCreate: ({ spec }) => deviceClaimErrors(spec?.spec?.devices, 'spec.spec.devices'),
  validateUpdate: (object, old) => immutableErrors('spec', object.spec, old.spec),
  columns: [AGE],
});
