import type { FieldError } from '../../../../lib/api/field-errors.js';

/** An invalid value that the message does not repeat. */
export function invalidWithoutValue(field: string, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, body: `Invalid value: ${detail}` };
}
