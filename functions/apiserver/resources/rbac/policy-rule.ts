import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1PolicyRule } from '../../../../lib/schema/generated/types.js';

/** Rules of a Role (namespaced) or ClusterRole: each is about resources or about paths, never both. */
export function policyRuleErrors(
  rules: readonly V1PolicyRule[] | undefined,
  { isNamespaced }: { isNamespaced: boolean },
): FieldError[] {
  return (rules ?? []).flatMap((rule, index) => {
    const path = `rules[${index}]`;
    const { verbs, nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
    const errors: FieldError[] = [];
    if ((verbs ?? []).length === 0) {
      errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
    }
    if (nonResourceURLs.length > 0) {
      const at = `${path}.nonResourceURLs`;
      if (isNamespaced) {
        errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
      }
      if (apiGroups.length + resources.length + resourceNames.length > 0) {
        errors.push(invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
      }
      return errors;
    }
    if (apiGroups.length === 0) {
      errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
    }
    if (resources.length === 0) {
      errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
    }
    return errors;
  });
}
