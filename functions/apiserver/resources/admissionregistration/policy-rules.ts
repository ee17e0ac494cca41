import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1MatchCondition,
  V1MatchResources,
  V1ParamKind,
  V1Variable,
} from '../../../../lib/schema/generated/types.js';
import { parseApiVersion } from '../../../../lib/api/meta.js';
import type { ExpressionScope } from '../../admission/dynamic/cel-environment.js';
import { isDns1035Label, isDns1123Subdomain } from '../shared/formats.js';
import { oneOfErrors } from '../shared/one-of.js';
import { expressions } from './expressions.js';
import { isBlank, matchConditionErrors, matchResourcesErrors } from './match-rules.js';

const FAILURE_POLICIES = ['Fail', 'Ignore'];
const CEL_IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/** What policies that validate and policies that mutate have in common. */
export interface PolicySpec {
  failurePolicy?: string;
  paramKind?: V1ParamKind;
  matchConstraints?: V1MatchResources;
  matchConditions?: V1MatchCondition[];
  variables?: V1Variable[];
}

export function policyErrors(spec: PolicySpec, operations: readonly string[]): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions = [], variables = [] } = spec;
  return [
    ...(failurePolicy === undefined
      ? [required('spec.failurePolicy')]
      : oneOfErrors('spec.failurePolicy', failurePolicy, FAILURE_POLICIES)),
    ...(paramKind === undefined ? [] : paramKindErrors(paramKind)),
    ...(matchConstraints === undefined ? [required('spec.matchConstraints')] : []),
    ...matchResourcesErrors(matchConstraints, 'spec.matchConstraints', operations),
    ...(matchConstraints !== undefined && (matchConstraints.resourceRules ?? []).length === 0
      ? [required('spec.matchConstraints.resourceRules')]
      : []),
    ...matchConditionErrors(matchConditions, 'spec.matchConditions', scopeOf(spec)),
    ...variables.flatMap((variable, index) => variableErrors(variable, `spec.variables[${index}]`)),
    ...compilationErrors(variables, scopeOf(spec)),
  ];
}

/** What the expressions of a policy may look at, its variables aside. */
export function scopeOf({ paramKind }: Pick<PolicySpec, 'paramKind'>): ExpressionScope {
  return { hasParams: paramKind !== undefined, hasAuthorizer: true };
}

/** The same, with its variables. */
export function scopeWithVariables(spec: PolicySpec): ExpressionScope {
  const scope = scopeOf(spec);
  return { ...scope, variables: expressions.module.compileVariables(spec.variables, scope, () => undefined).types };
}

function compilationErrors(variables: readonly V1Variable[], scope: ExpressionScope): FieldError[] {
  if (!variables.every(({ name, expression }) => CEL_IDENTIFIER.test(name ?? '') && !isBlank(expression))) return [];
  const errors: FieldError[] = [];
  expressions.module.compileVariables(variables, scope, (index, error) =>
    errors.push(invalid(`spec.variables[${index}].expression`, variables[index]?.expression, error.message)),
  );
  return errors;
}

function paramKindErrors({ apiVersion = '', kind = '' }: V1ParamKind): FieldError[] {
  const path = 'spec.paramKind';
  const kindFaults = isDns1035Label(kind.toLowerCase());
  const kindErrors =
    kindFaults.length === 0
      ? []
      : [invalid(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${kindFaults.join(',')}`)];
  return [
    ...paramVersionErrors(`${path}.apiVersion`, apiVersion),
    ...(kind === '' ? [required(`${path}.kind`)] : kindErrors),
  ];
}

function paramVersionErrors(field: string, apiVersion: string): FieldError[] {
  if (apiVersion === '') return [required(field)];
  if (apiVersion.split('/').length > 2) {
    return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  }
  const { group, version } = parseApiVersion(apiVersion);
  const groupFaults = group === '' ? [] : isDns1123Subdomain(group);
  const versionFaults = version === '' ? ['version must be specified'] : isDns1035Label(version);
  return [
    ...(groupFaults.length === 0 ? [] : [invalid(field, group, groupFaults.join(','))]),
    ...(versionFaults.length === 0
      ? []
      : [invalid(field, version === '' ? apiVersion : version, versionFaults.join(','))]),
  ];
}

function variableErrors({ name, expression }: V1Variable, path: string): FieldError[] {
  const nameErrors = isBlank(name)
    ? [required(`${path}.name`, 'name is not specified')]
    : CEL_IDENTIFIER.test(name)
      ? []
      : [invalid(`${path}.name`, name, 'must be a valid CEL identifier')];
  return [
    ...nameErrors,
    ...(isBlank(expression) ? [required(`${path}.expression`, 'expression is not specified')] : []),
  ];
}
