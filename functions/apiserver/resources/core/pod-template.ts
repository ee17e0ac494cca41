import type { V1PodTemplate } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { formatLabels } from '../shared/columns.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { validatePodTemplateSpec } from '../shared/pod-spec/template.js';
import { podSpecWarnings } from '../shared/pod-spec/warnings.js';

export const podTemplate = defineKind<V1PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  definition: 'io.k8s.api.core.v1.PodTemplate',
  hasGeneration: true,
  returnsDeletedObject: true,
  defaults: (object) => defaultPodTemplateSpec((object.template ??= {})),
  validate: (object) => validatePodTemplateSpec(object.template ?? {}, 'template'),
  warnings: (object) =>
    podSpecWarnings(object.template?.spec ?? { containers: [] }, object.template?.metadata, 'template'),
  columns: [
    {
      name: 'Containers',
      type: 'string',
      description: 'Names of each container in the template.',
      cell: (object) => (object.template?.spec?.containers ?? []).map((container) => container.name).join(','),
    },
    {
      name: 'Images',
      type: 'string',
      description: 'Images referenced by each container in the template.',
      cell: (object) => (object.template?.spec?.containers ?? []).map((container) => container.image ?? '').join(','),
    },
    {
      name: 'Pod Labels',
      type: 'string',
      description: 'The labels for the pod template.',
      cell: (object) => formatLabels(object.template?.metadata?.labels),
    },
  ],
});
