import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import { isPortName, isPortNumber, rangeMessage } from '../../../../lib/api/names.js';

export {
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isHttpHeaderName,
  isLabelValue,
  isPortName,
  isPortNumber,
  isQualifiedName,
  isRelaxedEnvVarName as isEnvVarName,
  rangeMessage,
} from '../../../../lib/api/names.js';

export const INT32_MAX = 2_147_483_647;

/** A user or group id. */
export function isId(id: number): string[] {
  return id >= 0 && id <= INT32_MAX ? [] : [rangeMessage(0, INT32_MAX)];
}

/** Names that may also be a prefix for `generateName`, of which a trailing dash is no fault. */
export function nameAs(format: (value: string) => string[]): (name: string, prefix: boolean) => string[] {
  return (name, prefix) => format(prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);
}

/** Field errors of a value that breaks a format. */
export function formatErrors(field: string, value: string, format: (value: string) => string[]): FieldError[] {
  return format(value).map((message) => invalid(field, value, message));
}

/** A port number or name, as probes and target ports take. */
export function portNumberOrNameErrors(field: string, port: number | string | undefined): FieldError[] {
  return typeof port === 'string'
    ? formatErrors(field, port, isPortName)
    : isPortNumber(port ?? 0).map((message) => invalid(field, port ?? 0, message));
}

export const NOT_NEGATIVE = 'must be greater than or equal to 0';
export const MUST_BE_POSITIVE = 'must be greater than 0';
export const FIELD_IS_IMMUTABLE = 'field is immutable';

export function nonNegativeErrors(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, NOT_NEGATIVE)] : [];
}
