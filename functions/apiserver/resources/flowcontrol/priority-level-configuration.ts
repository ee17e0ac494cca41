import type {
  V1ExemptPriorityLevelConfiguration,
  V1LimitResponse,
  V1LimitedPriorityLevelConfiguration,
  V1PriorityLevelConfiguration,
  V1PriorityLevelConfigurationSpec,
} from '../../../../lib/schema/generated/types.js';
import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { conditionTypeErrors } from './conditions.js';
import { queuingErrors } from './queuing-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const priorityLevelConfiguration = defineKind<V1PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  definition: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  hasStatus: true,
  hasGeneration: true,
  inert: true,
  defaults({ spec }) {
    if (spec?.exempt !== undefined) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.limited !== undefined) defaultLimited(spec.limited);
  },
  validate: ({ metadata, spec }) => (spec === undefined ? [] : specErrors(spec, metadata?.name ?? '')),
  validateStatusUpdate: ({ status }) => conditionTypeErrors(status?.conditions),
  columns: [
    {
      name: 'Type',
      type: 'string',
      description: 'Whether the level is limited or exempt.',
      cell: (object) => object.spec?.type ?? '',
    },
    {
      name: 'NominalConcurrencyShares',
      type: 'string',
      description: 'Its share of the seats.',
      cell: (object) => object.spec?.limited?.nominalConcurrencyShares ?? '<none>',
    },
    {
      name: 'Queues',
      type: 'string',
      description: 'Number of queues.',
      cell: (object) => object.spec?.limited?.limitResponse?.queuing?.queues ?? '<none>',
    },
    {
      name: 'HandSize',
      type: 'string',
      description: 'Queues a flow is spread over.',
      cell: (object) => object.spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>',
    },
    {
      name: 'QueueLengthLimit',
      type: 'string',
      description: 'Requests that may wait in a queue.',
      cell: (object) => object.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>',
    },
    AGE,
  ],
});

function defaultLimited(limited: V1LimitedPriorityLevelConfiguration): void {
  limited.nominalConcurrencyShares ??= 30;
  limited.lendablePercent ??= 0;
  const queuing = limited.limitResponse?.queuing;
  if (queuing === undefined) return;
  queuing.handSize ||= 8;
  queuing.queues ||= 64;
  queuing.queueLengthLimit ||= 50;
}

function specErrors({ type, exempt, limited }: V1PriorityLevelConfigurationSpec, name: string): FieldError[] {
  const errors =
    (name === 'exempt') === (type === 'Exempt')
      ? []
      : [invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'")];
  switch (type) {
    case 'Exempt':
      if (limited !== undefined) {
        errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
      }
      return [...errors, ...(exempt === undefined ? [] : shareErrors(exempt, 'spec.exempt'))];
    case 'Limited':
      if (exempt !== undefined) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
      return limited === undefined
        ? [...errors, required('spec.limited', 'must not be empty when type is Limited')]
        : [...errors, ...limitedErrors(limited)];
    default:
      return [...errors, notSupported('spec.type', type, ['Exempt', 'Limited'])];
  }
}

function shareErrors(
  { nominalConcurrencyShares: shares = 0, lendablePercent = 0 }: V1ExemptPriorityLevelConfiguration,
  path: string,
): FieldError[] {
  return [
    ...(shares < 0 ? [invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : []),
    ...(lendablePercent < 0 || lendablePercent > 100
      ? [invalid(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive')]
      : []),
  ];
}

function limitedErrors(limited: V1LimitedPriorityLevelConfiguration): FieldError[] {
  const { borrowingLimitPercent = 0, limitResponse } = limited;
  return [
    ...shareErrors(limited, 'spec.limited'),
    ...limitResponseErrors(limitResponse ?? { type: '' }, 'spec.limited.limitResponse'),
    ...(borrowingLimitPercent < 0
      ? [
          invalid(
            'spec.limited.borrowingLimitPercent',
            borrowingLimitPercent,
            'if specified, must be a non-negative integer',
          ),
        ]
      : []),
  ];
}

function limitResponseErrors({ type, queuing }: V1LimitResponse, path: string): FieldError[] {
  switch (type) {
    case 'Reject':
      return queuing === undefined
        ? []
        : [forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')];
    case 'Queue':
      return queuing === undefined
        ? [required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')]
        : queuingErrors(queuing, `${path}.queuing`);
    default:
      return [notSupported(`${path}.type`, type, ['Queue', 'Reject'])];
  }
}
