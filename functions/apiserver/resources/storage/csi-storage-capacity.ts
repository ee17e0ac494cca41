import type { V1CSIStorageCapacity } from '../../../../lib/schema/generated/types.js';
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
