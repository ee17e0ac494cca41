import type { V1PodDisruptionBudget, V1PodDisruptionBudgetSpec } from '../../../../lib/schema/generated/types.js';
import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';

import { atMost100PercentErrors, positiveIntOrPercentErrors } from '../shared/int-or-percent.js';
import { validateLabelSelector } from '../shared/labels.js';
import { oneOfErrors } from '../shared/one-of.js';
import { statusCountErrors } from '../shared/status-counts.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const STATUS_COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;
const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];

export const podDisruptionBudget = defineKind<V1PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  namespaced: true,
  definition: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  shortNames: ['pdb'],
  hasStatus: true,
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  validate: ({ spec }) => (spec === undefined ? [] : specErrors(spec)),
  validateStatusUpdate: ({ status }) => statusCountErrors(status, STATUS_COUNTS),
  columns: [
    {
      name: 'Min Available',
      type: 'string',
      description: 'The minimum number of pods that must be available.',
      cell: (object) => String(object.spec?.minAvailable ?? 'N/A'),
    },
    {
      name: 'Max Unavailable',
      type: 'string',
      description: 'The maximum number of pods that may be unavailable.',
      cell: (object) => String(object.spec?.maxUnavailable ?? 'N/A'),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'Calculated number of pods that may be disrupted at this time.',
      cell: (object) => object.status?.disruptionsAllowed ?? 0,
    },
    AGE,
  ],
});

function specErrors(spec: V1PodDisruptionBudgetSpec): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [invalid('spec', internalForm(spec), 'minAvailable and maxUnavailable cannot be both set')]
      : []),
    ...amountErrors('spec.minAvailable', minAvailable),
    ...amountErrors('spec.maxUnavailable', maxUnavailable),
    ...validateLabelSelector(selector, 'spec.selector'),
    ...(unhealthyPodEvictionPolicy === undefined
      ? []
      : oneOfErrors('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, EVICTION_POLICIES)),
  ];
}

function amountErrors(field: string, amount: number | string | undefined): FieldError[] {
  return amount === undefined
    ? []
    : [...positiveIntOrPercentErrors(field, amount), ...atMost100PercentErrors(field, amount)];
}

/** Kubernetes shows its internal form of the spec, whose fields are named as in Go. */
function internalForm(spec: V1PodDisruptionBudgetSpec): Record<string, unknown> {
  return {
    MinAvailable: spec.minAvailable ?? null,
    Selector: spec.selector ?? null,
    MaxUnavailable: spec.maxUnavailable ?? null,
    UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
  };
}
