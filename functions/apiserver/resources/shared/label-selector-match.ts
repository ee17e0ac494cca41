import type { V1LabelSelector } from '../../../../lib/schema/generated/types.js';

export { isEmptySelector, matchesLabelSelector as selectorMatches } from '../../../../lib/api/label-selector-match.js';

const OPERATORS = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

/** False for selectors that cannot be evaluated at all; their faults are told by `validateLabelSelector`. */
export function isUsableSelector(selector: V1LabelSelector): boolean {
  return (selector.matchExpressions ?? []).every(({ operator }) => OPERATORS.has(operator));
}
