import type { V1ValidatingAdmissionPolicyBinding } from '../../../../lib/schema/generated/types.js';
import { duplicate, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { policyBindingErrors } from './binding-rules.js';
import { ALL_OPERATIONS, defaultMatchResources } from './match-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { paramRefText } from './params.js';

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export const validatingAdmissionPolicyBinding = defineKind<V1ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  namespaced: false,
  definition: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  defaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
  validate: ({ spec }) =>
    spec === undefined
      ? []
      : [...policyBindingErrors(spec, ALL_OPERATIONS), ...actionErrors(spec.validationActions ?? [])],
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

function actionErrors(actions: readonly string[]): FieldError[] {
  const path = 'spec.validationActions';
  if (actions.length === 0) return [required(path, 'at least one validation action is required')];
  return [
    ...actions.flatMap((action, index) => [
      ...(ACTIONS.includes(action) ? [] : [notSupported(`${path}[${index}]`, action, ACTIONS)]),
      ...(actions.indexOf(action) < index ? [duplicate(`${path}[${index}]`, action)] : []),
    ]),
    ...(actions.includes('Deny') && actions.includes('Warn')
      ? [
          invalid(
            path,
            actions,
            'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
          ),
        ]
      : []),
  ];
}
