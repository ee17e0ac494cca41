import { notSupported, type FieldError } from '../../../../lib/api/field-errors.js';

/** The fault of a value that is none of those supported. */
export function oneOfErrors(field: string, value: string, supported: readonly string[]): FieldError[] {
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}
