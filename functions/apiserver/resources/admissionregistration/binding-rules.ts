import { forbidden, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import type { V1MatchResources, V1ParamRef } from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Subdomain } from '../shared/formats.js';
import { validateLabelSelector } from '../shared/labels.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { matchResourcesErrors } from './match-rules.js';

const EXCLUSIVE = 'name and selector are mutually exclusive';
const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];

/** What bindings of both kinds of policies have in common. */
interface BindingSpec {
  policyName?: string;
  paramRef?: V1ParamRef;
  matchResources?: V1MatchResources;
}

export function policyBindingErrors(
  { policyName, paramRef, matchResources }: BindingSpec,
  operations: readonly string[],
): FieldError[] {
  return [
    ...requiredFormatErrors('spec.policyName', policyName, isDns1123Subdomain),
    ...(paramRef === undefined ? [] : paramRefErrors(paramRef, 'spec.paramRef')),
    ...matchResourcesErrors(matchResources, 'spec.matchResources', operations),
  ];
}

function paramRefErrors({ name, selector, parameterNotFoundAction }: V1ParamRef, path: string): FieldError[] {
  const both = name && selector !== undefined;
  return [
    ...(name ? formatErrors(`${path}.name`, name, isPathSegmentName) : []),
    ...(both ? [forbidden(`${path}.name`, EXCLUSIVE)] : []),
    ...validateLabelSelector(selector, `${path}.selector`),
    ...(both ? [forbidden(`${path}.selector`, EXCLUSIVE)] : []),
    ...(!name && selector === undefined ? [required(path, 'one of name or selector must be specified')] : []),
    ...actionErrors(parameterNotFoundAction, `${path}.parameterNotFoundAction`),
  ];
}

function actionErrors(action: string | undefined, field: string): FieldError[] {
  if (!action) return [required(field)];
  return NOT_FOUND_ACTIONS.includes(action) ? [] : [notSupported(field, action, NOT_FOUND_ACTIONS)];
}
