import type {
  V1DaemonSet,
  V1DaemonSetSpec,
  V1DaemonSetUpdateStrategy,
  V1LabelSelector,
} from '../../../../lib/schema/generated/types.js';
import { invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { semanticallyEqual } from '../shared/equality.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { atMost100PercentErrors, intOrPercentNumber, positiveIntOrPercentErrors } from '../shared/int-or-percent.js';
import { isEmptySelector, isUsableSelector } from '../shared/label-selector-match.js';
import { validateLabelSelector } from '../shared/labels.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { validatePodTemplateSpec } from '../shared/pod-spec/template.js';
import { collisionCountErrors, statusCountErrors } from '../shared/status-counts.js';
import { runningPodErrors, templateLabelErrors, templateWarnings } from './template.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabelSelector, formatLabels } from '../shared/columns.js';

/** What was spec.templateGeneration before apps/v1; Kubernetes still keeps it, here. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

const STATUS_COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

export const daemonSet = defineKind<V1DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  namespaced: true,
  definition: 'io.k8s.api.apps.v1.DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
  hasStatus: true,
  hasGeneration: true,
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.updateStrategy ??= {};
    defaultStrategy(spec.updateStrategy);
    spec.revisionHistoryLimit ??= 10;
    defaultPodTemplateSpec(spec.template);
  },
  prepareForCreate(object) {
    setTemplateGeneration(object, Math.max(1, templateGeneration(object)));
  },
  prepareForUpdate(object, old) {
    const changed = !semanticallyEqual(object.spec?.template, old.spec?.template);
    setTemplateGeneration(object, templateGeneration(old) + (changed ? 1 : 0));
  },
  validate: ({ spec }) => (spec === undefined ? [] : specErrors(spec)),
  validateUpdate: (object, old) => immutableErrors('spec.selector', object.spec?.selector, old.spec?.selector),
  validateStatusUpdate: ({ status }, old) => [
    ...statusCountErrors(status, STATUS_COUNTS),
    ...collisionCountErrors(status, old.status),
  ],
  warnings: (object, old) => templateWarnings(object.spec?.template, old?.spec?.template),
  columns: [
    {
      name: 'Desired',
      type: 'integer',
      description: 'Nodes that should run the pod.',
      cell: (object) => object.status?.desiredNumberScheduled ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description: 'Nodes that run the pod and should.',
      cell: (object) => object.status?.currentNumberScheduled ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'Nodes whose pod is ready.',
      cell: (object) => object.status?.numberReady ?? 0,
    },
    {
      name: 'Up-to-date',
      type: 'integer',
      description: 'Nodes whose pod is of the current template.',
      cell: (object) => object.status?.updatedNumberScheduled ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      description: 'Nodes whose pod is available.',
      cell: (object) => object.status?.numberAvailable ?? 0,
    },
    {
      name: 'Node Selector',
      type: 'string',
      description: 'Labels a node must have.',
      cell: (object) => formatLabels(object.spec?.template.spec?.nodeSelector),
    },
    AGE,
    ...containerColumns<V1DaemonSet>((object) => object.spec?.template.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'Label query of the pods it manages.',
      cell: (object) => formatLabelSelector(object.spec?.selector),
    },
  ],
});

function templateGeneration({ metadata }: V1DaemonSet): number {
  const text = metadata?.annotations?.[TEMPLATE_GENERATION] ?? '';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

function setTemplateGeneration({ metadata }: V1DaemonSet, generation: number): void {
  if (metadata === undefined) return;
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

function defaultStrategy(strategy: V1DaemonSetUpdateStrategy): void {
  strategy.type ||= 'RollingUpdate';
  if (strategy.type !== 'RollingUpdate') return;
  strategy.rollingUpdate ??= {};
  strategy.rollingUpdate.maxUnavailable ??= 1;
  strategy.rollingUpdate.maxSurge ??= 0;
}

function specErrors(spec: V1DaemonSetSpec): FieldError[] {
  const { selector, template } = spec as { selector?: V1LabelSelector } & V1DaemonSetSpec;
  const isEmpty = selector !== undefined && isEmptySelector(selector);
  return [
    ...validateLabelSelector(selector, 'spec.selector'),
    ...(selector === undefined || isUsableSelector(selector) ? templateLabelErrors(template, selector) : []),
    ...(isEmpty ? [invalid('spec.selector', selector, 'empty selector is invalid for daemonset')] : []),
    ...validatePodTemplateSpec(template, 'spec.template'),
    ...runningPodErrors(template, 'DaemonSet'),
    ...nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds),
    ...strategyErrors(spec.updateStrategy ?? {}),
    ...nonNegativeErrors('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
}

function strategyErrors({ type = '', rollingUpdate }: V1DaemonSetUpdateStrategy): FieldError[] {
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') {
    return [
      notSupported('spec.updateStrategy', { Type: type, RollingUpdate: rollingUpdate ?? null }, [
        'RollingUpdate',
        'OnDelete',
      ]),
    ];
  }
  if (rollingUpdate === undefined) return [required('spec.updateStrategy.rollingUpdate')];

  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const unavailablePath = 'spec.updateStrategy.rollingUpdate.maxUnavailable';
  const surgePath = 'spec.updateStrategy.rollingUpdate.maxSurge';
  const errors = [
    ...positiveIntOrPercentErrors(unavailablePath, maxUnavailable),
    ...positiveIntOrPercentErrors(surgePath, maxSurge),
    ...atMost100PercentErrors(unavailablePath, maxUnavailable),
    ...atMost100PercentErrors(surgePath, maxSurge),
  ];
  const hasUnavailable = intOrPercentNumber(maxUnavailable) !== 0;
  const hasSurge = intOrPercentNumber(maxSurge) !== 0;
  if (hasUnavailable && hasSurge) {
    errors.push(invalid(surgePath, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  } else if (!hasUnavailable && !hasSurge) {
    errors.push(required(unavailablePath, 'cannot be 0 when maxSurge is 0'));
  }
  return errors;
}
