import type { V1LabelSelector, V1LabelSelectorRequirement } from '../../../../lib/schema/generated/types.js';

const OPERATORS = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

export function isEmptySelector(selector: V1LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** False for selectors that cannot be evaluated at all; their faults are told by `validateLabelSelector`. */
export function isUsableSelector(selector: V1LabelSelector): boolean {
  return (selector.matchExpressions ?? []).every(({ operator }) => OPERATORS.has(operator));
}

/** An empty selector selects everything, an absent one nothing. */
export function selectorMatches(
  selector: V1LabelSelector | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  if (selector === undefined) return false;
  const has = labels ?? {};
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => has[key] === value) &&
    (selector.matchExpressions ?? []).every((requirement) => requirementMatches(requirement, has))
  );
}

function requirementMatches(requirement: V1LabelSelectorRequirement, labels: Record<string, string>): boolean {
  const value = labels[requirement.key];
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** Labels as error texts show them: Kubernetes writes maps sorted by key. */
export function sortedLabels(labels: Record<string, string> | undefined): Record<string, string> | undefined {
  return labels && Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
