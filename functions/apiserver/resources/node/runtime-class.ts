import type { V1RuntimeClass, V1Toleration } from '../../../../lib/schema/generated/types.js';
import { duplicate, type FieldError } from '../../../../lib/api/field-errors.js';

import { isDns1123Label } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { validateLabels } from '../shared/labels.js';
import { validateTolerations } from '../shared/pod-spec/scheduling.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { validateResourceRequirements } from '../shared/resources.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const runtimeClass = defineKind<V1RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  definition: 'io.k8s.api.node.v1.RuntimeClass',
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  validate: ({ handler, overhead, scheduling }) => [
    ...requiredFormatErrors('handler', handler, isDns1123Label),
    ...(overhead?.podFixed === undefined
      ? []
      : validateResourceRequirements({ limits: overhead.podFixed }, 'overhead', new Set())),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...tolerationErrors(scheduling?.tolerations ?? []),
  ],
  validateUpdate: (object, old) => immutableErrors('handler', object.handler, old.handler),
  columns: [
    {
      name: 'Handler',
      type: 'string',
      description: 'The runtime configuration it stands for.',
      cell: (object) => object.handler,
    },
    AGE,
  ],
});

function tolerationErrors(tolerations: readonly V1Toleration[]): FieldError[] {
  const path = 'scheduling.tolerations';
  const seen = new Set<string>();
  return [
    ...validateTolerations(tolerations, path),
    ...tolerations.flatMap((toleration, index) => {
      const { key = '', operator = '', value = '', effect = '' } = toleration;
      const id = JSON.stringify([key, operator, value, effect]);
      if (seen.has(id)) return [duplicate(`${path}[${index}]`, toleration)];
      seen.add(id);
      return [];
    }),
  ];
}
