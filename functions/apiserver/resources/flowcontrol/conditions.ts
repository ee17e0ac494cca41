import { duplicate, required, type FieldError } from '../../../../lib/api/field-errors.js';

/** Conditions have types, each once. */
export function conditionTypeErrors(conditions: readonly { type?: string }[] | undefined): FieldError[] {
  const seen = new Set<string>();
  return (conditions ?? []).flatMap(({ type = '' }, index) => {
    const at = `status.conditions[${index}].type`;
    const repeated = seen.has(type) ? [duplicate(at, type)] : [];
    seen.add(type);
    return type === '' ? [...repeated, required(at)] : repeated;
  });
}
