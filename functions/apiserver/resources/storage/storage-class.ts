import type { V1StorageClass } from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { oneOfErrors } from '../shared/one-of.js';
import { allowedTopologyErrors } from './allowed-topologies.js';
import { driverNameErrors, parameterErrors } from './parameters.js';
import { defineKind } from '../kind.js';
import { AGE, nameWithDefault } from '../shared/columns.js';

const DEFAULT_ANNOTATION = 'storageclass.kubernetes.io/is-default-class';
const BETA_DEFAULT_ANNOTATION = 'storageclass.beta.kubernetes.io/is-default-class';

const RECLAIM_POLICIES = ['Delete', 'Retain'];
const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer'];
const IMMUTABLE_FIELDS = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;

export const storageClass = defineKind<V1StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.StorageClass',
  shortNames: ['sc'],
  inert: true,
  defaults(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate: (object) => [
    ...driverNameErrors('provisioner', object.provisioner),
    ...parameterErrors(object.parameters),
    ...(object.reclaimPolicy ? oneOfErrors('reclaimPolicy', object.reclaimPolicy, RECLAIM_POLICIES) : []),
    ...oneOfErrors('volumeBindingMode', object.volumeBindingMode ?? '', BINDING_MODES),
    ...allowedTopologyErrors(object.allowedTopologies ?? []),
  ],
  validateUpdate: (object, old) =>
    IMMUTABLE_FIELDS.flatMap((field) => immutableErrors(field, object[field], old[field])),
  columns: [
    nameWithDefault(DEFAULT_ANNOTATION, BETA_DEFAULT_ANNOTATION),
    {
      name: 'Provisioner',
      type: 'string',
      description: 'Provisioner of the volumes.',
      cell: (object) => object.provisioner,
    },
    {
      name: 'ReclaimPolicy',
      type: 'string',
      description: 'What becomes of a released volume.',
      cell: (object) => object.reclaimPolicy ?? 'Delete',
    },
    {
      name: 'VolumeBindingMode',
      type: 'string',
      description: 'When volumes are provisioned and bound.',
      cell: (object) => object.volumeBindingMode ?? 'Immediate',
    },
    {
      name: 'AllowVolumeExpansion',
      type: 'string',
      description: 'Whether volumes may grow.',
      cell: (object) => object.allowVolumeExpansion ?? false,
    },
    AGE,
  ],
});
