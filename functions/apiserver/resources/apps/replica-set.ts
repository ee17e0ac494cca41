import type { V1ReplicaSet } from '../../../../lib/schema/generated/types.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { statusCountErrors, statusPartErrors } from '../shared/status-counts.js';
import { podNamePrefixWarnings, replicaTemplateErrors, templateWarnings } from './template.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabelSelector } from '../shared/columns.js';

const STATUS_COUNTS = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
  'terminatingReplicas',
] as const;

export const replicaSet = defineKind<V1ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  namespaced: true,
  definition: 'io.k8s.api.apps.v1.ReplicaSet',
  shortNames: ['rs'],
  categories: ['all'],
  hasStatus: true,
  hasGeneration: true,
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.replicas ??= 1;
    spec.template ??= {};
    defaultPodTemplateSpec(spec.template);
  },
  validate: ({ spec }) => [
    ...nonNegativeErrors('spec.replicas', spec?.replicas),
    ...nonNegativeErrors('spec.minReadySeconds', spec?.minReadySeconds),
    ...replicaTemplateErrors({ selector: spec?.selector, template: spec?.template ?? {} }),
  ],
  validateUpdate: (object, old) => immutableErrors('spec.selector', object.spec?.selector, old.spec?.selector),
  validateStatusUpdate: ({ status }) => [
    ...statusCountErrors(status, STATUS_COUNTS),
    ...statusPartErrors(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], {
      field: 'replicas',
      message: 'cannot be greater than status.replicas',
    }),
    ...statusPartErrors(status, ['availableReplicas'], {
      field: 'readyReplicas',
      message: 'cannot be greater than readyReplicas',
    }),
  ],
  warnings: (object, old) => [
    ...(old === undefined ? podNamePrefixWarnings(object.metadata?.name) : []),
    ...templateWarnings(object.spec?.template, old?.spec?.template),
  ],
  columns: [
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', cell: (object) => object.spec?.replicas ?? 0 },
    {
      name: 'Current',
      type: 'integer',
      description: 'Pods that exist.',
      cell: (object) => object.status?.replicas ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'Pods that are ready.',
      cell: (object) => object.status?.readyReplicas ?? 0,
    },
    AGE,
    ...containerColumns<V1ReplicaSet>((object) => object.spec?.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'Label query of the pods it manages.',
      cell: (object) => formatLabelSelector(object.spec?.selector),
    },
  ],
});
