import { required, type FieldError } from '../../../../lib/api/field-errors.js';
import { formatErrors } from './formats.js';

/** The faults of a string that must be there and of a format. */
export function requiredFormatErrors(
  field: string,
  value: string | undefined,
  format: (value: string) => string[],
): FieldError[] {
  return value === undefined || value === '' ? [required(field)] : formatErrors(field, value, format);
}
