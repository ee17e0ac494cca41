import {
  duplicate,
  invalid,
  notSupported,
  required,
  tooMany,
  type FieldError,
} from '../../../../lib/api/field-errors.js';
import type {
  V1JobSpec,
  V1PodFailurePolicyOnExitCodesRequirement,
  V1PodFailurePolicyOnPodConditionsPattern,
  V1PodFailurePolicyRule,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isQualifiedName } from '../shared/formats.js';
import { invalidWithoutValue } from '../shared/omitted-value.js';

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const CONDITIONS_MAX = 20;

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const CONDITION_STATUSES = ['False', 'True', 'Unknown'];

export function podFailurePolicyErrors(spec: V1JobSpec, path: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const at = `${path}.rules`;
  return [
    ...(rules.length > RULES_MAX ? [tooMany(at, rules.length, RULES_MAX)] : []),
    ...rules.flatMap((rule, index) => ruleErrors(rule, spec, `${at}[${index}]`)),
  ];
}

function ruleErrors(rule: V1PodFailurePolicyRule, spec: V1JobSpec, path: string): FieldError[] {
  const { onExitCodes, onPodConditions = [] } = rule;
  const errors = [
    ...actionErrors(rule.action, spec, `${path}.action`),
    ...(onExitCodes === undefined ? [] : exitCodeErrors(onExitCodes, spec, `${path}.onExitCodes`)),
    ...conditionErrors(onPodConditions, `${path}.onPodConditions`),
  ];
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    errors.push(invalidWithoutValue(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  }
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    errors.push(invalidWithoutValue(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
  return errors;
}

function actionErrors(action: string, spec: V1JobSpec, path: string): FieldError[] {
  if (!action) return [required(path, validValues(ACTIONS))];
  if (action === 'FailIndex') {
    return spec.backoffLimitPerIndex === undefined
      ? [invalid(path, action, 'requires the backoffLimitPerIndex to be set')]
      : [];
  }
  return ACTIONS.includes(action) ? [] : [notSupported(path, action, ACTIONS)];
}

function validValues(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}

function exitCodeErrors(
  requirement: V1PodFailurePolicyOnExitCodesRequirement,
  spec: V1JobSpec,
  path: string,
): FieldError[] {
  const { operator, containerName, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (!operator) errors.push(required(`${path}.operator`, validValues(OPERATORS)));
  else if (!OPERATORS.includes(operator)) errors.push(notSupported(`${path}.operator`, operator, OPERATORS));

  if (containerName !== undefined && !hasContainer(spec, containerName)) {
    errors.push(
      invalid(
        `${path}.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    );
  }
  const at = `${path}.values`;
  if (values.length === 0) errors.push(invalid(at, values, 'at least one value is required'));
  else if (values.length > EXIT_CODES_MAX) errors.push(tooMany(at, values.length, EXIT_CODES_MAX));

  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) {
      errors.push(invalid(`${at}[${index}]`, value, 'must not be 0 for the In operator'));
    }
    if (seen.has(value)) errors.push(duplicate(`${at}[${index}]`, value));
    seen.add(value);
  }
  const isOrdered = values.every((value, index) => index === 0 || (values[index - 1] ?? value) <= value);
  return isOrdered ? errors : [...errors, invalid(at, values, 'must be ordered')];
}

function hasContainer({ template }: V1JobSpec, name: string): boolean {
  const { containers = [], initContainers = [] } = template.spec ?? {};
  return [...containers, ...initContainers].some((container) => container.name === name);
}

function conditionErrors(patterns: readonly V1PodFailurePolicyOnPodConditionsPattern[], path: string): FieldError[] {
  return [
    ...(patterns.length > CONDITIONS_MAX ? [tooMany(path, patterns.length, CONDITIONS_MAX)] : []),
    ...patterns.flatMap(({ type, status = '' }, index) => {
      const at = `${path}[${index}]`;
      const errors = formatErrors(`${at}.type`, type, isQualifiedName);
      if (status === '') return [...errors, required(`${at}.status`, validValues(CONDITION_STATUSES))];
      return CONDITION_STATUSES.includes(status)
        ? errors
        : [...errors, notSupported(`${at}.status`, status, CONDITION_STATUSES)];
    }),
  ];
}
