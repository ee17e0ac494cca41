import { forbidden, invalid, required, type FieldError } from './field-errors.js';
import {
  compareText,
  labelRequirement,
  matchesRequirement,
  requirementToString,
  type LabelOperator,
  type LabelRequirement,
} from './label-requirement.js';
import { parseLabelRequirements } from './label-selector-parser.js';
import { isLabelValue, isQualifiedName } from './names.js';
import { SelectorError } from './selector-error.js';

export { SelectorError } from './selector-error.js';
export type { LabelOperator, LabelRequirement } from './label-requirement.js';

export type Labels = Readonly<Record<string, string>>;

/** A selector ready for matching. */
export interface LabelMatcher {
  /** All must be met. Empty: matches everything, unless `isNothing`. */
  readonly requirements: readonly LabelRequirement[];
  /** Matches no object at all, as the selector that is absent in a spec. */
  readonly isNothing: boolean;
  matches(labels: Labels | undefined): boolean;
}

/** metav1.LabelSelector. */
export interface LabelSelectorObject {
  matchLabels?: Labels | undefined;
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] | undefined }[] | undefined;
}

const OBJECT_OPERATORS: Record<string, LabelOperator> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

const NOTHING: LabelMatcher = { requirements: [], isNothing: true, matches: () => false };
const EVERYTHING: LabelMatcher = { requirements: [], isNothing: false, matches: () => true };

function matcherOf(requirements: readonly LabelRequirement[]): LabelMatcher {
  if (requirements.length === 0) return EVERYTHING;
  return {
    requirements,
    isNothing: false,
    matches(labels) {
      for (const requirement of requirements) if (!matchesRequirement(requirement, labels)) return false;
      return true;
    },
  };
}

/** The selector of a `labelSelector=` parameter; empty matches everything. Throws `SelectorError`. */
export function parseLabelSelector(text: string): LabelMatcher {
  return text === '' ? EVERYTHING : matcherOf(parseLabelRequirements(text));
}

/** The selector of a `map[string]string`, as services have: absent or empty matches everything. */
export function labelMatcherOfMap(labels: Labels | undefined): LabelMatcher {
  const keys = Object.keys(labels ?? {}).toSorted(compareText);
  return matcherOf(keys.map((key) => ({ key, operator: '=', values: [labels?.[key] ?? ''] })));
}

/** The selector of a metav1.LabelSelector: absent matches nothing, empty everything. Throws `SelectorError`. */
export function labelMatcherOf(selector: LabelSelectorObject | null | undefined): LabelMatcher {
  if (selector === null || selector === undefined) return NOTHING;
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push(labelRequirement(key, '=', [value]));
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(OBJECT_OPERATORS, operator) ? OBJECT_OPERATORS[operator] : undefined;
    if (known === undefined) {
      throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`);
    }
    requirements.push(labelRequirement(key, known, values ?? []));
  }
  return matcherOf(requirements.toSorted((left, right) => compareText(left.key, right.key)));
}

/** The text form: `app=web,tier in (a,b)`; empty for everything and for nothing. */
export function labelSelectorToString(selector: LabelMatcher | LabelSelectorObject | undefined): string {
  const matcher = selector !== undefined && 'matches' in selector ? selector : labelMatcherOf(selector);
  return matcher.requirements.map(requirementToString).join(',');
}

/** What tables show of a metav1.LabelSelector: `<none>` for an empty one, `<error>` for an invalid one. */
export function formatLabelSelector(selector: LabelSelectorObject | undefined): string {
  try {
    const text = labelSelectorToString(labelMatcherOf(selector));
    return text === '' ? '<none>' : text;
  } catch (error) {
    if (error instanceof SelectorError) return '<error>';
    throw error;
  }
}

/** The value that a selector demands of a label, when it demands exactly one. */
export function requiredLabelValue(matcher: LabelMatcher, key: string): string | undefined {
  const requirement = matcher.requirements.find((one) => one.key === key);
  if (requirement === undefined || requirement.values.length !== 1) return undefined;
  const isExact = requirement.operator === '=' || requirement.operator === '==' || requirement.operator === 'in';
  return isExact ? requirement.values[0] : undefined;
}

export interface LabelSelectorRules {
  /** Selectors stored before values were checked stay valid. */
  allowInvalidValues?: boolean;
}

/** Validation of a metav1.LabelSelector in a spec. */
export function validateLabelSelector(
  selector: LabelSelectorObject | undefined,
  path: string,
  rules: LabelSelectorRules = {},
): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`);
  (selector.matchExpressions ?? []).forEach(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
    } else {
      errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    errors.push(...isQualifiedName(key).map((message) => invalid(`${at}.key`, key, message)));
    if (rules.allowInvalidValues === true) return;
    values.forEach((value, place) => {
      errors.push(...isLabelValue(value).map((message) => invalid(`${at}.values[${place}]`, value, message)));
    });
  });
  return errors;
}

/** Keys and values of labels. */
export function validateLabels(labels: Labels | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    const value = labels[key] ?? '';
    errors.push(...isQualifiedName(key).map((message) => invalid(path, key, message)));
    errors.push(...isLabelValue(value).map((message) => invalid(path, value, message)));
  }
  return errors;
}
