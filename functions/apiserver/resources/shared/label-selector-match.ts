import { labelMatcherOf, SelectorError, type LabelMatcher } from '../../../../lib/api/label-selector.js';
import type { V1LabelSelector } from '../../../../lib/schema/generated/types.js';

export function isEmptySelector(selector: V1LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** False for selectors that cannot be evaluated at all; their faults are told by `validateLabelSelector`. */
export function isUsableSelector(selector: V1LabelSelector): boolean {
  return matcherOf(selector) !== undefined;
}

/** An empty selector selects everything, an absent or unusable one nothing. */
export function selectorMatches(
  selector: V1LabelSelector | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  return matcherOf(selector)?.matches(labels) ?? false;
}

function matcherOf(selector: V1LabelSelector | undefined): LabelMatcher | undefined {
  try {
    return labelMatcherOf(selector);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

/** Labels as error texts show them: Kubernetes writes maps sorted by key. */
export function sortedLabels(labels: Record<string, string> | undefined): Record<string, string> | undefined {
  return labels && Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
