import type { V1PodTemplate } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const podTemplate = defineKind<V1PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  definition: 'io.k8s.api.core.v1.PodTemplate',
  hasGeneration: true,
});
