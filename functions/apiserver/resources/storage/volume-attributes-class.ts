import type { V1VolumeAttributesClass } from '../../../../lib/schema/generated/types.js';
import { forbidden, required } from '../../../../lib/api/field-errors.js';

import { semanticallyEqual } from '../shared/equality.js';
import { driverNameErrors, parameterErrors } from './parameters.js';
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
  validate: (object) => [
    ...driverNameErrors('driverName', object.driverName),
    ...parameterErrors(object.parameters),
    ...(Object.keys(object.parameters ?? {}).length === 0
      ? [required('parameters', 'must contain at least one key/value pair')]
      : []),
  ],
  validateUpdate: (object, old) => [
    ...(object.driverName === old.driverName ? [] : [forbidden('driverName', 'updates to driverName are forbidden.')]),
    ...(semanticallyEqual(object.parameters, old.parameters)
      ? []
      : [forbidden('parameters', 'updates to parameters are forbidden.')]),
  ],
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
