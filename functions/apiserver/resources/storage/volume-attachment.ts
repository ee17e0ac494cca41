import type { V1VolumeAttachment } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const volumeAttachment = defineKind<V1VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.VolumeAttachment',
  hasStatus: true,
  allowUnconditionalUpdate: false,
  inert: true,
  columns: [
    {
      name: 'Attacher',
      type: 'string',
      description: 'The driver that attaches.',
      cell: (object) => object.spec?.attacher ?? '',
    },
    {
      name: 'PV',
      type: 'string',
      description: 'The volume.',
      cell: (object) => object.spec?.source.persistentVolumeName ?? '',
    },
    { name: 'Node', type: 'string', description: 'The node.', cell: (object) => object.spec?.nodeName ?? '' },
    {
      name: 'Attached',
      type: 'boolean',
      description: 'Whether it is attached.',
      cell: (object) => object.status?.attached ?? false,
    },
    AGE,
  ],
});
