import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type {
  V1Affinity,
  V1LabelSelector,
  V1NodeSelector,
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1PodAffinityTerm,
  V1Toleration,
  V1TopologySpreadConstraint,
  V1WeightedPodAffinityTerm,
} from '../../../../../lib/schema/generated/types.js';
import {
  formatErrors,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  MUST_BE_POSITIVE,
} from '../formats.js';
import { validateLabelSelector } from '../labels.js';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const WEIGHT_MAX = 100;
export const TAINT_EFFECTS: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: readonly V1Toleration[] | undefined, path: string): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, index) => validateToleration(toleration, `${path}[${index}]`));
}

function validateToleration(toleration: V1Toleration, path: string): FieldError[] {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  const errors = key === '' ? [] : formatErrors(`${path}.key`, key, isQualifiedName);
  if (key === '' && operator !== 'Exists') {
    errors.push(
      invalid(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalid(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === '' || operator === 'Equal') {
    const messages = isLabelValue(value);
    if (messages.length > 0) errors.push(invalid(`${path}.operator`, value, messages.join(';')));
  } else if (operator === 'Exists') {
    if (value !== '') {
      errors.push(invalid(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
    }
  } else errors.push(notSupported(`${path}.operator`, operator, ['Equal', 'Exists']));
  if (effect !== '' && !TAINT_EFFECTS.includes(effect)) {
    errors.push(notSupported(`${path}.effect`, effect, TAINT_EFFECTS));
  }
  return errors;
}

export function validateAffinity(affinity: V1Affinity | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  if (node?.[REQUIRED] !== undefined) {
    errors.push(...validateNodeSelector(node[REQUIRED], `${path}.nodeAffinity.${REQUIRED}`));
  }
  for (const [index, term] of (node?.[PREFERRED] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${PREFERRED}[${index}]`;
    errors.push(
      ...weightErrors(term.weight, at),
      ...validateNodeSelectorTerm(term.preference ?? {}, `${at}.preference`),
    );
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const pods = affinity?.[kind];
    for (const [index, term] of (pods?.[REQUIRED] ?? []).entries()) {
      errors.push(...validatePodAffinityTerm(term, `${path}.${kind}.${REQUIRED}[${index}]`));
    }
    for (const [index, term] of (pods?.[PREFERRED] ?? []).entries()) {
      errors.push(...validateWeightedTerm(term, `${path}.${kind}.${PREFERRED}[${index}]`));
    }
  }
  return errors;
}

function validateWeightedTerm(term: V1WeightedPodAffinityTerm, path: string): FieldError[] {
  const pod: Partial<V1PodAffinityTerm> = term.podAffinityTerm ?? {};
  return [...weightErrors(term.weight, path), ...validatePodAffinityTerm(pod, `${path}.podAffinityTerm`)];
}

function weightErrors(weight: number | undefined, path: string): FieldError[] {
  return weight !== undefined && weight >= 1 && weight <= WEIGHT_MAX
    ? []
    : [invalid(`${path}.weight`, weight ?? 0, 'must be in the range 1-100')];
}

export function validateNodeSelector(selector: V1NodeSelector, path: string): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) {
    return [required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')];
  }
  return terms.flatMap((term, index) => validateNodeSelectorTerm(term, `${path}.nodeSelectorTerms[${index}]`));
}

function validateNodeSelectorTerm(term: V1NodeSelectorTerm, path: string): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, index) =>
      validateExpression(requirement, `${path}.matchExpressions[${index}]`),
    ),
    ...(term.matchFields ?? []).flatMap((requirement, index) =>
      validateFieldExpression(requirement, `${path}.matchFields[${index}]`),
    ),
  ];
}

function validateExpression(requirement: V1NodeSelectorRequirement, path: string): FieldError[] {
  const { key = '', operator = '', values = [] } = requirement;
  const errors: FieldError[] = [];
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  return [...errors, ...formatErrors(`${path}.key`, key, isQualifiedName)];
}

function validateFieldExpression(requirement: V1NodeSelectorRequirement, path: string): FieldError[] {
  const { key = '', operator = '', values = [] } = requirement;
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(`${path}.values`, why));
  }
  if (key !== 'metadata.name') {
    errors.push(invalid(`${path}.key`, key, 'not a valid field selector key'));
    return errors;
  }
  for (const [index, value] of values.entries()) {
    errors.push(...formatErrors(`${path}.values[${index}]`, value, isDns1123Subdomain));
  }
  return errors;
}

function validatePodAffinityTerm(term: Partial<V1PodAffinityTerm>, path: string): FieldError[] {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [], topologyKey = '' } = term;
  const errors = [
    ...validateLabelSelector(labelSelector, `${path}.labelSelector`),
    ...validateLabelSelector(term.namespaceSelector, `${path}.namespaceSelector`),
    ...(term.namespaces ?? []).flatMap((name) => formatErrors(`${path}.namespace`, name, isDns1123Label)),
    ...labelKeyErrors(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`),
    ...labelKeyErrors(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`),
  ];
  for (const [index, key] of matchLabelKeys.entries()) {
    if (mismatchLabelKeys.includes(key)) {
      const why = 'exists in both matchLabelKeys and mismatchLabelKeys';
      errors.push(invalid(`${path}.matchLabelKeys[${index}]`, key, why));
    }
  }
  if (topologyKey === '') errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  return [...errors, ...formatErrors(`${path}.topologyKey`, topologyKey, isQualifiedName)];
}

function labelKeyErrors(keys: readonly string[], selector: V1LabelSelector | undefined, path: string): FieldError[] {
  if (keys.length === 0) return [];
  if (selector === undefined) return [forbidden(path, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, index) => formatErrors(`${path}[${index}]`, key, isQualifiedName));
}

export function validateTopologySpread(
  constraints: readonly V1TopologySpreadConstraint[] | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, constraint] of (constraints ?? []).entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, matchLabelKeys = [] } = constraint;
    if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, MUST_BE_POSITIVE));
    if (topologyKey === '') errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    errors.push(...oneOf(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']));
    const repeated = (constraints ?? [])
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (repeated) {
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, MUST_BE_POSITIVE));
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.push(invalid(`${at}.minDomains`, minDomains, why));
      }
    }
    for (const policy of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const value = constraint[policy];
      if (value !== undefined) errors.push(...oneOf(`${at}.${policy}`, value, ['Honor', 'Ignore']));
    }
    errors.push(...labelKeyErrors(matchLabelKeys, constraint.labelSelector, `${at}.matchLabelKeys`));
    errors.push(...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`));
  }
  return errors;
}

function oneOf(field: string, value: string, supported: readonly string[]): FieldError[] {
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}
