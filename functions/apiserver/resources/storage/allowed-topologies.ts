import { duplicate, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1TopologySelectorTerm } from '../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../shared/equality.js';
import { formatErrors, isQualifiedName } from '../shared/formats.js';

/** Where volumes of a class may be made: terms must be well-formed and differ from each other. */
export function allowedTopologyErrors(terms: readonly V1TopologySelectorTerm[]): FieldError[] {
  const seen: Record<string, string[]>[] = [];
  return terms.flatMap((term, index) => {
    const path = `allowedTopologies[${index}].matchLabelExpressions`;
    const errors = termErrors(term, path);
    const valuesByKey = Object.fromEntries(
      (term.matchLabelExpressions ?? []).map(({ key, values }) => [key, [...new Set(values)].toSorted()]),
    );
    if (seen.some((other) => semanticallyEqual(other, valuesByKey))) errors.push(duplicate(path, ''));
    seen.push(valuesByKey);
    return errors;
  });
}

function termErrors({ matchLabelExpressions = [] }: V1TopologySelectorTerm, path: string): FieldError[] {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key, values = [] }, index) => {
    const at = `${path}[${index}]`;
    const errors = values.length === 0 ? [required(`${at}.values`)] : [];
    const seen = new Set<string>();
    for (const [valueIndex, value] of values.entries()) {
      if (seen.has(value)) errors.push(duplicate(`${at}.values[${valueIndex}]`, value));
      seen.add(value);
    }
    errors.push(...formatErrors(`${at}.key`, key, isQualifiedName));
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
    return errors;
  });
}
