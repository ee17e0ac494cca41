import type { V1FlowSchema } from '../../../../lib/schema/generated/types.js';
import { conditionTypeErrors } from './conditions.js';
import { flowSchemaErrors } from './flow-schema-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const flowSchema = defineKind<V1FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  singular: 'flowschema',
  namespaced: false,
  definition: 'io.k8s.api.flowcontrol.v1.FlowSchema',
  hasStatus: true,
  hasGeneration: true,
  inert: true,
  defaults({ spec }) {
    if (spec !== undefined) spec.matchingPrecedence ||= 1000;
  },
  validate: ({ metadata, spec }) => (spec === undefined ? [] : flowSchemaErrors(spec, metadata?.name ?? '')),
  validateStatusUpdate: ({ status }) => conditionTypeErrors(status?.conditions),
  columns: [
    {
      name: 'PriorityLevel',
      type: 'string',
      description: 'The priority level of matching requests.',
      cell: (object) => object.spec?.priorityLevelConfiguration.name ?? '',
    },
    {
      name: 'MatchingPrecedence',
      type: 'string',
      description: 'Lower numbers are tried first.',
      cell: (object) => object.spec?.matchingPrecedence ?? 0,
    },
    {
      name: 'DistinguisherMethod',
      type: 'string',
      description: 'How requests are told apart into flows.',
      cell: (object) => object.spec?.distinguisherMethod?.type ?? '<none>',
    },
    AGE,
    {
      name: 'MissingPL',
      type: 'string',
      description: 'references a broken or non-existent PriorityLevelConfiguration',
      cell: (object) => object.status?.conditions?.find((condition) => condition.type === 'Dangling')?.status ?? '?',
    },
  ],
});
