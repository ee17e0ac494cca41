import type { V1VolumeAttributesClass } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const volumeAttributesClass = defineKind<V1VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.VolumeAttributesClass',
  shortNames: ['vac'],
  inert: true,
  columns: [
    {
      name: 'DriverName',
      type: 'string',
      description: 'The driver the class is for.',
      cell: (object) => object.driverName,
    },
    AGE,
  ],
});
