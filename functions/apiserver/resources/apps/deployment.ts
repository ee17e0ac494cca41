import type { V1Deployment, V1DeploymentSpec, V1DeploymentStrategy } from '../../../../lib/schema/generated/types.js';
import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { atMost100PercentErrors, intOrPercentNumber, positiveIntOrPercentErrors } from '../shared/int-or-percent.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { semanticallyEqual } from '../shared/equality.js';
import { collisionCountErrors, statusCountErrors, statusPartErrors } from '../shared/status-counts.js';
import { podNamePrefixWarnings, replicaTemplateErrors, templateWarnings } from './template.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, labelSelectorText } from '../shared/columns.js';

const STATUS_COUNTS = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
] as const;

export const deployment = defineKind<V1Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  namespaced: true,
  definition: 'io.k8s.api.apps.v1.Deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  hasStatus: true,
  hasGeneration: true,
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    defaultStrategy(spec.strategy);
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    defaultPodTemplateSpec(spec.template);
  },
  prepareForUpdate(object, old) {
    // Annotations are copied to replica sets, so that the controller must see their changes as well.
    const { metadata } = object;
    if (metadata?.generation === undefined || metadata.generation !== old.metadata?.generation) return;
    if (!semanticallyEqual(metadata.annotations, old.metadata.annotations)) metadata.generation += 1;
  },
  validate: ({ spec }) => (spec === undefined ? [] : specErrors(spec)),
  validateUpdate: (object, old) => immutableErrors('spec.selector', object.spec?.selector, old.spec?.selector),
  validateStatusUpdate: ({ status }, old) => [
    ...statusCountErrors(status, STATUS_COUNTS),
    ...statusPartErrors(status, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], {
      field: 'replicas',
      message: 'cannot be greater than status.replicas',
    }),
    ...statusPartErrors(status, ['availableReplicas'], {
      field: 'readyReplicas',
      message: 'cannot be greater than readyReplicas',
    }),
    ...collisionCountErrors(status, old.status),
  ],
  warnings: (object, old) => [
    ...(old === undefined ? podNamePrefixWarnings(object.metadata?.name) : []),
    ...templateWarnings(object.spec?.template, old?.spec?.template),
  ],
  columns: [
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    },
    {
      name: 'Up-to-date',
      type: 'string',
      description: 'Pods of the current template.',
      cell: (object) => object.status?.updatedReplicas ?? 0,
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Pods ready for at least minReadySeconds.',
      cell: (object) => object.status?.availableReplicas ?? 0,
    },
    AGE,
    ...containerColumns<V1Deployment>((object) => object.spec?.template.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'Label query of the pods it manages.',
      cell: (object) => labelSelectorText(object.spec?.selector),
    },
  ],
});

function defaultStrategy(strategy: V1DeploymentStrategy): void {
  strategy.type ||= 'RollingUpdate';
  if (strategy.type !== 'RollingUpdate') return;
  strategy.rollingUpdate ??= {};
  strategy.rollingUpdate.maxUnavailable ??= '25%';
  strategy.rollingUpdate.maxSurge ??= '25%';
}

function specErrors(spec: V1DeploymentSpec): FieldError[] {
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  return [
    ...nonNegativeErrors('spec.replicas', spec.replicas),
    ...replicaTemplateErrors(spec),
    ...strategyErrors(spec.strategy ?? {}),
    ...nonNegativeErrors('spec.minReadySeconds', minReadySeconds),
    ...nonNegativeErrors('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...nonNegativeErrors('spec.progressDeadlineSeconds', progressDeadlineSeconds),
    ...(progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds
      ? [invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')]
      : []),
  ];
}

function strategyErrors({ type = '', rollingUpdate }: V1DeploymentStrategy): FieldError[] {
  switch (type) {
    case 'Recreate':
      return rollingUpdate === undefined
        ? []
        : [forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")];
    case 'RollingUpdate':
      return rollingUpdate === undefined
        ? [required('spec.strategy.rollingUpdate', 'this should be defaulted and never be nil')]
        : rollingUpdateErrors(rollingUpdate);
    default:
      return [
        notSupported('spec.strategy', { Type: type, RollingUpdate: rollingUpdate ?? null }, [
          'Recreate',
          'RollingUpdate',
        ]),
      ];
  }
}

function rollingUpdateErrors({
  maxUnavailable = 0,
  maxSurge = 0,
}: NonNullable<V1DeploymentStrategy['rollingUpdate']>): FieldError[] {
  const path = 'spec.strategy.rollingUpdate';
  const bothZero = intOrPercentNumber(maxUnavailable) === 0 && intOrPercentNumber(maxSurge) === 0;
  return [
    ...positiveIntOrPercentErrors(`${path}.maxUnavailable`, maxUnavailable),
    ...positiveIntOrPercentErrors(`${path}.maxSurge`, maxSurge),
    ...(bothZero ? [invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : []),
    ...atMost100PercentErrors(`${path}.maxUnavailable`, maxUnavailable),
  ];
}
