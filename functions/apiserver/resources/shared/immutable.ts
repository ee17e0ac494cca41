import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import { semanticallyEqual } from './equality.js';
import { FIELD_IS_IMMUTABLE } from './formats.js';

/** The fault of a field that may not change and did. */
export function immutableErrors(field: string, value: unknown, old: unknown): FieldError[] {
  return semanticallyEqual(value, old) ? [] : [invalid(field, value, FIELD_IS_IMMUTABLE)];
}
