import type { V1MutatingAdmissionPolicyBinding } from '../../../../lib/schema/generated/types.js';
import { policyBindingErrors } from './binding-rules.js';
import { defaultMatchResources, MUTATING_OPERATIONS } from './match-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { paramRefText } from './params.js';

export const mutatingAdmissionPolicyBinding = defineKind<V1MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  singular: 'mutatingadmissionpolicybinding',
  namespaced: false,
  definition: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  defaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
  validate: ({ spec }) => (spec === undefined ? [] : policyBindingErrors(spec, MUTATING_OPERATIONS)),
  columns: [
    {
      name: 'PolicyName',
      type: 'string',
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
      cell: (object) => object.spec?.policyName ?? '',
    },
    {
      name: 'ParamRef',
      type: 'string',
      description: 'ParamRef indicates the param resource which sets the configuration param',
      cell: (object) => paramRefText(object.spec?.paramRef),
    },
    AGE,
  ],
});
