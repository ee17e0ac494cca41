import { invalid, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import { formatErrors, isQualifiedName } from '../shared/formats.js';

const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX = 256 * 1024;

/** Options that a class hands to its driver. */
export function parameterErrors(parameters: Record<string, string> | undefined): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > PARAMETERS_MAX) return [tooLong('parameters', PARAMETERS_MAX)];
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...entries.filter(([key]) => key === '').map(([key]) => invalid('parameters', key, 'field can not be empty.')),
    ...(bytes > PARAMETERS_BYTES_MAX ? [tooLong('parameters', PARAMETERS_BYTES_MAX)] : []),
  ];
}

/** Provisioners and drivers are called by qualified names, in any case. */
export function driverNameErrors(field: string, name: string | undefined): FieldError[] {
  return name ? formatErrors(field, name.toLowerCase(), isQualifiedName) : [required(field)];
}
