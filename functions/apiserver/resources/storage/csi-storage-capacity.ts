import type { V1CSIStorageCapacity } from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Subdomain } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { validateLabelSelector } from '../shared/labels.js';
import { nonNegativeQuantityErrors } from '../shared/resources.js';
import { defineKind } from '../kind.js';

export const csiStorageCapacity = defineKind<V1CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  definition: 'io.k8s.api.storage.v1.CSIStorageCapacity',
  allowUnconditionalUpdate: false,
  inert: true,
  validate: (object) => [
    ...validateLabelSelector(object.nodeTopology, 'nodeTopology'),
    ...formatErrors('storageClassName', object.storageClassName, isDns1123Subdomain),
    ...(object.capacity === undefined ? [] : nonNegativeQuantityErrors('capacity', object.capacity)),
  ],
  validateUpdate: (object, old) => [
    ...immutableErrors('nodeTopology', object.nodeTopology, old.nodeTopology),
    ...immutableErrors('storageClassName', object.storageClassName, old.storageClassName),
  ],
  columns: [
    {
      name: 'StorageClassName',
      type: 'string',
      description: 'The storage class the capacity is for.',
      cell: (object) => object.storageClassName,
    },
    { name: 'Capacity', type: 'string', description: 'Bytes left.', cell: (object) => object.capacity ?? '<unset>' },
  ],
});
