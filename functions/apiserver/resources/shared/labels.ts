export { validateLabels, validateLabelSelector } from '../../../../lib/api/label-selector.js';
export { validateAnnotations } from '../../../../lib/api/validate-metadata.js';

/** True when a plain map selector is not empty and all its pairs are among the labels. */
export function mapSelectorMatches(
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  const pairs = Object.entries(selector ?? {});
  return pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value);
}
