import type {
  V1AuditAnnotation,
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicySpec,
  V1Validation,
} from '../../../../lib/schema/generated/types.js';
import { duplicate, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { BOOL, NULL, STRING } from '../../../../lib/cel/types.js';
import { oneOfErrors } from '../shared/one-of.js';
import type { ExpressionScope } from '../../admission/dynamic/cel-environment.js';
import { expressions } from './expressions.js';
import { ALL_OPERATIONS, defaultMatchResources, expressionErrors, isBlank } from './match-rules.js';
import { policyErrors, scopeWithVariables } from './policy-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { paramKindText } from './params.js';

const AUDIT_ANNOTATIONS_MAX = 20;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const NOTHING_TO_DO = 'validations or auditAnnotations must contain at least one item';

export const validatingAdmissionPolicy = defineKind<V1ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  namespaced: false,
  definition: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  categories: ['api-extensions'],
  hasStatus: true,
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  load: expressions.load,
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  validate: ({ spec }) => (spec === undefined ? [] : [...policyErrors(spec, ALL_OPERATIONS), ...checkErrors(spec)]),
  columns: [
    {
      name: 'Validations',
      type: 'integer',
      description: 'Validations indicates the number of validation rules defined in this configuration',
      cell: (object) => object.spec?.validations?.length ?? 0,
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

function checkErrors(spec: V1ValidatingAdmissionPolicySpec): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length + auditAnnotations.length === 0) {
    return [required('spec.validations', NOTHING_TO_DO), required('spec.auditAnnotations', NOTHING_TO_DO)];
  }
  const scope = scopeWithVariables(spec);
  return [
    ...validations.flatMap((validation, index) => validationErrors(validation, `spec.validations[${index}]`, scope)),
    ...auditAnnotationErrors(auditAnnotations, scope),
  ];
}

function validationErrors(
  { expression, message, messageExpression, reason }: V1Validation,
  path: string,
  scope: ExpressionScope,
): FieldError[] {
  const emptyIfGiven = (field: string, text: string | undefined): FieldError[] =>
    text && isBlank(text) ? [invalid(`${path}.${field}`, text, 'must be non-empty if specified')] : [];
  return [
    ...(isBlank(expression)
      ? [required(`${path}.expression`, 'expression is not specified')]
      : expressionErrors(expression, `${path}.expression`, [BOOL], scope)),
    ...(messageExpression && !isBlank(messageExpression)
      ? expressionErrors(messageExpression, `${path}.messageExpression`, [STRING], { ...scope, hasAuthorizer: false })
      : []),
    ...emptyIfGiven('messageExpression', messageExpression),
    ...emptyIfGiven('message', message),
    ...((message ?? '').trim().includes('\n')
      ? [invalid(`${path}.message`, message, 'must not contain line breaks')]
      : []),
    ...(reason === undefined ? [] : oneOfErrors(`${path}.reason`, reason, REASONS)),
  ];
}

function auditAnnotationErrors(annotations: readonly V1AuditAnnotation[], scope: ExpressionScope): FieldError[] {
  const path = 'spec.auditAnnotations';
  return [
    ...(annotations.length > AUDIT_ANNOTATIONS_MAX
      ? [invalid(path, annotations, `must not have more than ${AUDIT_ANNOTATIONS_MAX} auditAnnotations`)]
      : []),
    ...annotations.flatMap(({ key, valueExpression }, index) => [
      ...(isBlank(valueExpression)
        ? [required(`${path}[${index}].valueExpression`, 'valueExpression is not specified')]
        : expressionErrors(valueExpression, `${path}[${index}].valueExpression`, [STRING, NULL], scope)),
      ...(annotations.findIndex((other) => other.key === key) < index ? [duplicate(`${path}[${index}].key`, key)] : []),
    ]),
  ];
}
