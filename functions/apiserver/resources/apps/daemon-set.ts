import type { V1DaemonSet } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns, formatLabelSelector, formatLabels } from '../shared/columns.js';

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
