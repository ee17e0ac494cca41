import { forbidden, invalid, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1ConfigMap } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { semanticallyEqual } from '../shared/equality.js';
import { formatErrors, isConfigMapKey } from '../shared/formats.js';

/** Of a ConfigMap or Secret, all values together. */
export const DATA_BYTES_MAX = 1024 * 1024;
export const IMMUTABLE_SET = 'field is immutable when `immutable` is set';

export const configMap = defineKind<V1ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ConfigMap',
  validate(object) {
    const { data = {}, binaryData = {} } = object;
    const errors: FieldError[] = [];
    let size = 0;
    for (const [key, value] of Object.entries(data)) {
      errors.push(...formatErrors(`data[${key}]`, key, isConfigMapKey));
      if (Object.hasOwn(binaryData, key))
        errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
      size += Buffer.byteLength(value);
    }
    for (const [key, value] of Object.entries(binaryData)) {
      errors.push(...formatErrors(`binaryData[${key}]`, key, isConfigMapKey));
      size += Buffer.byteLength(value, 'base64');
    }
    if (size > DATA_BYTES_MAX) errors.push(tooLong('[]', DATA_BYTES_MAX));
    return errors;
  },
  validateUpdate(object, old) {
    if (old.immutable !== true) return [];
    const errors: FieldError[] = [];
    if (object.immutable !== true) errors.push(forbidden('immutable', IMMUTABLE_SET));
    for (const field of ['data', 'binaryData'] as const) {
      if (!semanticallyEqual(object[field], old[field])) errors.push(forbidden(field, IMMUTABLE_SET));
    }
    return errors;
  },
  columns: [
    {
      name: 'Data',
      type: 'string',
      description: 'How many entries there are.',
      cell: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    },
    AGE,
  ],
});
