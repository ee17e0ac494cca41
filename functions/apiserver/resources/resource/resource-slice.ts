import type { V1ResourceSlice } from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { resourceSliceErrors } from './slice-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const resourceSlice = defineKind<V1ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  definition: 'io.k8s.api.resource.v1.ResourceSlice',
  hasGeneration: true,
  inert: true,
  fieldLabels: {
    'spec.nodeName': (object) => object.spec?.nodeName ?? '',
    'spec.driver': (object) => object.spec?.driver ?? '',
  },
  validateCreate: ({ spec }) => (spec === undefined ? [] : resourceSliceErrors(spec)),
  validateUpdate: ({ spec }, old) => [
    ...(spec === undefined ? [] : resourceSliceErrors(spec, old.spec)),
    ...immutableErrors('spec.pool.name', spec?.pool.name, old.spec?.pool.name),
    ...immutableErrors('spec.driver', spec?.driver, old.spec?.driver),
    ...immutableErrors('spec.nodeName', spec?.nodeName, old.spec?.nodeName),
  ],
  columns: [
    {
      name: 'Node',
      type: 'string',
      description: 'The node that has the devices.',
      cell: (object) => object.spec?.nodeName ?? '',
    },
    {
      name: 'Driver',
      type: 'string',
      description: 'The driver of the devices.',
      cell: (object) => object.spec?.driver ?? '',
    },
    {
      name: 'Pool',
      type: 'string',
      description: 'The pool the devices belong to.',
      cell: (object) => object.spec?.pool.name ?? '',
    },
    AGE,
  ],
});
