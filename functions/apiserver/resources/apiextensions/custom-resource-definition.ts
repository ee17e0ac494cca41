import type { V1CustomResourceDefinition } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { CREATED_AT } from '../shared/columns.js';

export const customResourceDefinition = defineKind<V1CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  namespaced: false,
  definition: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  hasStatus: true,
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  inert: true,
  columns: [CREATED_AT],
});
