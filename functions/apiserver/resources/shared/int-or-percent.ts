import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import { NOT_NEGATIVE } from './formats.js';

const PERCENT = /^[0-9]+%$/;
const NOT_A_PERCENTAGE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')";

/** A number of at least zero or a percentage. */
export function positiveIntOrPercentErrors(field: string, value: number | string): FieldError[] {
  if (typeof value === 'number') return value < 0 ? [invalid(field, value, NOT_NEGATIVE)] : [];
  return PERCENT.test(value) ? [] : [invalid(field, value, NOT_A_PERCENTAGE)];
}

export function atMost100PercentErrors(field: string, value: number | string): FieldError[] {
  return typeof value === 'string' && intOrPercentNumber(value) > 100
    ? [invalid(field, value, 'must not be greater than 100%')]
    : [];
}

/** The number in `3` and `25%`; 0 for what is neither. */
export function intOrPercentNumber(value: number | string): number {
  if (typeof value === 'number') return value;
  return /^[0-9]+%?$/.test(value) ? Number.parseInt(value, 10) : 0;
}
