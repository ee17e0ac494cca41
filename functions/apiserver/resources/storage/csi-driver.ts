import type { V1CSIDriver } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const csiDriver = defineKind<V1CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.CSIDriver',
  allowUnconditionalUpdate: false,
  inert: true,
  columns: [
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether volumes must be attached.',
      cell: (object) => object.spec?.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether mounts are told of the pod.',
      cell: (object) => object.spec?.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether scheduling considers capacity.',
      cell: (object) => object.spec?.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      type: 'string',
      description: 'Audiences of the tokens mounts get.',
      cell: (object) => object.spec?.tokenRequests?.map((request) => request.audience).join(',') ?? '<unset>',
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether mounts are repeated.',
      cell: (object) => object.spec?.requiresRepublish ?? false,
    },
    {
      name: 'Modes',
      type: 'string',
      description: 'Kinds of volumes the driver supports.',
      cell: (object) => object.spec?.volumeLifecycleModes?.join(',') || '<none>',
    },
    AGE,
  ],
});
