import {
  duplicate,
  invalid,
  notSupported,
  required,
  tooMany,
  type FieldError,
} from '../../../../lib/api/field-errors.js';
import { BOOL, type CelType } from '../../../../lib/cel/types.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import type {
  V1MatchCondition,
  V1MatchResources,
  V1NamedRuleWithOperations,
} from '../../../../lib/schema/generated/types.js';
import type { ExpressionScope } from '../../admission/dynamic/cel-environment.js';
import { formatErrors, isQualifiedName } from '../shared/formats.js';
import { expressions } from './expressions.js';
import { validateLabelSelector } from '../shared/labels.js';
import { oneOfErrors } from '../shared/one-of.js';

const MATCH_POLICIES = ['Equivalent', 'Exact'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
const CONDITIONS_MAX = 64;

export const ALL_OPERATIONS: readonly string[] = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
/** Deleted objects cannot be changed. */
export const MUTATING_OPERATIONS: readonly string[] = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

export function defaultMatchResources(match: V1MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

/** What requests a policy or binding is about. */
export function matchResourcesErrors(
  match: V1MatchResources | undefined,
  path: string,
  operations: readonly string[] = ALL_OPERATIONS,
): FieldError[] {
  if (match === undefined) return [];
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...(matchPolicy === undefined
      ? [required(`${path}.matchPolicy`)]
      : oneOfErrors(`${path}.matchPolicy`, matchPolicy, MATCH_POLICIES)),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...validateLabelSelector(objectSelector, `${path}.objectSelector`),
    ...resourceRules.flatMap((rule, index) => ruleErrors(rule, `${path}.resourceRules[${index}]`, operations)),
    ...excludeResourceRules.flatMap((rule, index) =>
      ruleErrors(rule, `${path}.excludeResourceRules[${index}]`, operations),
    ),
  ];
}

export function ruleErrors(rule: V1NamedRuleWithOperations, path: string, supported: readonly string[]): FieldError[] {
  const { resourceNames = [], operations = [], apiGroups = [], apiVersions = [], scope } = rule;
  return [
    ...resourceNames.flatMap((name, index) => [
      ...formatErrors(`${path}.resourceNames[${index}]`, name, isPathSegmentName),
      ...(resourceNames.indexOf(name) < index ? [duplicate(`${path}.resourceNames[${index}]`, name)] : []),
    ]),
    ...listErrors(operations, `${path}.operations`, 'operations'),
    ...operations.flatMap((operation, index) =>
      supported.includes(operation) ? [] : [notSupported(`${path}.operations[${index}]`, operation, supported)],
    ),
    ...listErrors(apiGroups, `${path}.apiGroups`, 'API groups'),
    ...listErrors(apiVersions, `${path}.apiVersions`, 'API versions'),
    ...apiVersions.flatMap((version, index) => (version === '' ? [required(`${path}.apiVersions[${index}]`)] : [])),
    ...resourceErrors(rule.resources ?? [], `${path}.resources`),
    ...(scope === undefined ? [] : oneOfErrors(`${path}.scope`, scope, SCOPES)),
  ];
}

/** A list that must not be empty, and in which `*` stands alone. */
function listErrors(values: readonly string[], field: string, noun: string): FieldError[] {
  if (values.length === 0) return [required(field)];
  return values.length > 1 && values.includes('*')
    ? [invalid(field, values, `if '*' is present, must not specify other ${noun}`)]
    : [];
}

// Resources and subresources, with stars for all of either, none of which may cover another.
function resourceErrors(resources: readonly string[], field: string): FieldError[] {
  if (resources.length === 0) return [required(field)];
  const errors: FieldError[] = [];
  const withAllSubresources = new Set<string>();
  const subresourcesOfAll = new Set<string>();
  for (const [index, text] of resources.entries()) {
    const at = `${field}[${index}]`;
    if (text === '') errors.push(required(at));
    const slash = text.indexOf('/');
    if (slash < 0) continue;
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (withAllSubresources.has(resource)) {
      errors.push(invalid(at, text, `if '${resource}/*' is present, must not specify ${text}`));
    }
    if (subresourcesOfAll.has(subresource)) {
      errors.push(invalid(at, text, `if '*/${subresource}' is present, must not specify ${text}`));
    }
    if (subresource === '*') withAllSubresources.add(resource);
    if (resource === '*') subresourcesOfAll.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && resources.some((text) => text !== '*' && text !== '' && !text.includes('/'))) {
    errors.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return errors;
}

/** Names of conditions, and expressions that give a bool. */
export function matchConditionErrors(
  conditions: readonly V1MatchCondition[],
  path: string,
  scope: ExpressionScope = { hasAuthorizer: true },
): FieldError[] {
  const names = new Set<string>();
  return [
    ...(conditions.length > CONDITIONS_MAX ? [tooMany(path, conditions.length, CONDITIONS_MAX)] : []),
    ...conditions.flatMap(({ name, expression }, index) => {
      const at = `${path}[${index}]`;
      const errors = isBlank(expression)
        ? [required(`${at}.expression`)]
        : expressionErrors(expression, `${at}.expression`, [BOOL], scope);
      if (!name) return [...errors, required(`${at}.name`)];
      errors.push(...formatErrors(`${at}.name`, name, isQualifiedName));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
      return errors;
    }),
  ];
}

/** Why an expression cannot be used: with the compiler's own words. */
export function expressionErrors(
  expression: string,
  field: string,
  results: readonly CelType[] | undefined,
  scope: ExpressionScope,
): FieldError[] {
  const { compileExpression, ExpressionError } = expressions.module;
  try {
    compileExpression(expression, results, scope);
    return [];
  } catch (error) {
    if (error instanceof ExpressionError) return [invalid(field, expression, error.message)];
    throw error;
  }
}

export function isBlank(text: string | undefined): boolean {
  return (text ?? '').trim() === '';
}
