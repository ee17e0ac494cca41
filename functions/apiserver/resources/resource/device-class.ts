import type { V1DeviceClass } from '../../../../lib/schema/generated/types.js';
import { invalid } from '../../../../lib/api/field-errors.js';

import { isExtendedResource } from '../shared/resources.js';
import { opaqueErrors, selectorErrors } from './device-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const deviceClass = defineKind<V1DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  namespaced: false,
  definition: 'io.k8s.api.resource.v1.DeviceClass',
  hasGeneration: true,
  inert: true,
  validate({ spec }) {
    const { selectors = [], config = [], extendedResourceName } = spec ?? {};
    return [
      ...selectorErrors(selectors, 'spec.selectors'),
      ...config.flatMap(({ opaque }, index) => opaqueErrors(opaque, `spec.config[${index}].opaque`)),
      ...(extendedResourceName === undefined || isExtendedResource(extendedResourceName)
        ? []
        : [invalid('spec.extendedResourceName', extendedResourceName, 'must be a valid extended resource name')]),
    ];
  },
  columns: [AGE],
});
