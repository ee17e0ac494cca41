import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1ReplicationController } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabels } from '../shared/columns.js';
import { isDns1123Label, nonNegativeErrors } from '../shared/formats.js';
import { mapSelectorMatches } from '../shared/labels.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { validatePodTemplateSpec } from '../shared/pod-spec/template.js';
import { podSpecWarnings } from '../shared/pod-spec/warnings.js';

export const replicationController = defineKind<V1ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ReplicationController',
  hasStatus: true,
  hasGeneration: true,
  defaultPropagation: 'Orphan',
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
  defaults(object) {
    const spec = (object.spec ??= {});
    spec.replicas ??= 1;
    defaultPodTemplateSpec(spec.template);
    const labels = spec.template?.metadata?.labels;
    if (labels === undefined) return;
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    const metadata = (object.metadata ??= {});
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  },
  prepareForCreate(object) {
    object.status = { replicas: 0 };
  },
  validate: validateSpec,
  validateStatusUpdate: validateStatus,
  warnings(object) {
    const messages = isDns1123Label(object.metadata?.name ?? '');
    const name =
      messages.length === 0
        ? []
        : [
            `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
          ];
    const template = object.spec?.template;
    return [...name, ...podSpecWarnings(template?.spec ?? { containers: [] }, template?.metadata, 'spec.template')];
  },
  columns: [
    {
      name: 'Desired',
      type: 'integer',
      description: 'The number of desired replicas.',
      cell: (object) => object.spec?.replicas ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description: 'The number of replicas there are.',
      cell: (object) => object.status?.replicas ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'The number of ready replicas.',
      cell: (object) => object.status?.readyReplicas ?? 0,
    },
    AGE,
    ...containerColumns<V1ReplicationController>((object) => object.spec?.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'The labels by which replicas are counted.',
      cell: (object) => formatLabels(object.spec?.selector),
    },
  ],
  fieldLabels: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
});

function validateSpec(object: V1ReplicationController): FieldError[] {
  const { minReadySeconds, replicas, selector, template } = object.spec ?? {};
  const errors = nonNegativeErrors('spec.minReadySeconds', minReadySeconds);
  const hasSelector = Object.keys(selector ?? {}).length > 0;
  if (!hasSelector) errors.push(required('spec.selector'));
  errors.push(...nonNegativeErrors('spec.replicas', replicas));
  if (template === undefined) return [...errors, required('spec.template')];
  const labels = template.metadata?.labels;
  if (hasSelector && !mapSelectorMatches(selector, labels)) {
    const why = '`selector` does not match template `labels`';
    errors.push(invalid('spec.template.metadata.labels', labels ?? null, why));
  }
  errors.push(...validatePodTemplateSpec(template, 'spec.template'));
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') {
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy ?? '', ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in ReplicationController is not Supported';
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', why));
  }
  return errors;
}

function validateStatus(object: V1ReplicationController): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0, fullyLabeledReplicas = 0 } = object.status ?? {};
  const counts = { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas };
  const errors = Object.entries(counts).flatMap(([name, count]) => nonNegativeErrors(`status.${name}`, count));
  for (const [name, count] of Object.entries(counts)) {
    if (count > replicas) errors.push(invalid(`status.${name}`, count, 'cannot be greater than status.replicas'));
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'));
  }
  return errors;
}
