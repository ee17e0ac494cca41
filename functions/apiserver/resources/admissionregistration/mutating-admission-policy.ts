import type { V1MutatingAdmissionPolicy, V1Mutation } from '../../../../lib/schema/generated/types.js';
import { forbidden, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { listOf, type CelType } from '../../../../lib/cel/types.js';
import { oneOfErrors } from '../shared/one-of.js';
import type { ExpressionScope } from '../../admission/dynamic/cel-environment.js';
import { expressions } from './expressions.js';
import { defaultMatchResources, expressionErrors, isBlank, MUTATING_OPERATIONS } from './match-rules.js';
import { policyErrors, scopeWithVariables } from './policy-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { paramKindText } from './params.js';

const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];

export const mutatingAdmissionPolicy = defineKind<V1MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  singular: 'mutatingadmissionpolicy',
  namespaced: false,
  definition: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy',
  categories: ['api-extensions'],
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  load: expressions.load,
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  validate({ spec }) {
    const { mutations = [], reinvocationPolicy = '' } = spec ?? {};
    return [
      ...policyErrors(spec ?? {}, MUTATING_OPERATIONS),
      ...(mutations.length === 0 ? [required('spec.mutations', 'mutations must contain at least one item')] : []),
      ...mutations.flatMap((mutation, index) =>
        mutationErrors(mutation, `spec.mutations[${index}]`, scopeWithVariables(spec ?? {})),
      ),
      ...(reinvocationPolicy === ''
        ? [required('spec.reinvocationPolicy')]
        : oneOfErrors('spec.reinvocationPolicy', reinvocationPolicy, REINVOCATION_POLICIES)),
    ];
  },
  columns: [
    {
      name: 'Mutations',
      type: 'integer',
      description: 'Mutation indicates the number of mutations rules defined in this configuration',
      cell: (object) => object.spec?.mutations?.length ?? 0,
    },
    {
      name: 'ParamKind',
      type: 'string',
      description: 'ParamKind specifies the kind of resources used to parameterize this policy',
      cell: (object) => paramKindText(object.spec?.paramKind),
    },
    AGE,
  ],
});

/** The type of a mutation says which of its two expressions is the one that is set. */
function mutationErrors(
  { patchType, applyConfiguration, jsonPatch }: V1Mutation,
  path: string,
  scope: ExpressionScope,
): FieldError[] {
  if (!patchType) return [required(`${path}.patchType`)];
  switch (patchType) {
    case 'ApplyConfiguration':
      return [
        ...mutationExpressionErrors(
          applyConfiguration,
          `${path}.applyConfiguration`,
          expressions.module.OBJECT_TYPE,
          scope,
        ),
        ...(jsonPatch === undefined
          ? []
          : [forbidden(`${path}.jsonPatch`, 'must not be specified when patchType is ApplyConfiguration')]),
      ];
    case 'JSONPatch':
      return [
        ...mutationExpressionErrors(jsonPatch, `${path}.jsonPatch`, listOf(expressions.module.JSON_PATCH_TYPE), scope),
        ...(applyConfiguration === undefined
          ? []
          : [forbidden(`${path}.applyConfiguration`, 'must not be specified when patchType is JSONPatch')]),
      ];
    default:
      return [notSupported(`${path}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])];
  }
}

function mutationExpressionErrors(
  holder: { expression?: string } | undefined,
  path: string,
  type: CelType,
  scope: ExpressionScope,
): FieldError[] {
  if (holder === undefined) return [required(path)];
  const { expression = '' } = holder;
  return isBlank(expression)
    ? [required(`${path}.expression`, 'expression is not specified')]
    : expressionErrors(expression, `${path}.expression`, [type], { ...scope, makesObjects: true });
}
