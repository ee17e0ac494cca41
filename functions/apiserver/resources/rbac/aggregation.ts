import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1AggregationRule } from '../../../../lib/schema/generated/types.js';
import { isUsableSelector } from '../shared/label-selector-match.js';
import { validateLabelSelector } from '../shared/labels.js';

const PATH = 'aggregationRule.clusterRoleSelectors';

/** Which other roles a ClusterRole takes its rules from. */
export function aggregationErrors(rule: V1AggregationRule | undefined): FieldError[] {
  if (rule === undefined) return [];
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    return [required(PATH, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return selectors.flatMap((selector, index) => {
    const at = `${PATH}[${index}]`;
    const unusable = isUsableSelector(selector) ? [] : [invalid(at, null, 'invalid label selector.')];
    return [...validateLabelSelector(selector, at), ...unusable];
  });
}
