import type { StatusCause } from './meta.js';

/**
 * Validation errors of single fields, worded as Kubernetes words them
 * (apimachinery's util/validation/field: type, `field: type: value: detail`).
 */
export interface FieldError {
  type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound'
    | 'InternalError';
  /** `spec.containers[0].name` */
  field: string;
  /** The text behind the field: `Required value: must be set`. */
  body: string;
}

/** How Go prints a value in a field error: strings quoted, objects as JSON, null as `null`. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'bigint'
      ? value.toString()
      : (JSON.stringify(value) ?? String(value));
}

function body(title: string, detail: string): string {
  return detail === '' ? title : `${title}: ${detail}`;
}

export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, body: body('Required value', detail) };
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, body: body(`Invalid value: ${show(value)}`, detail) };
}

/** `supported` is printed sorted as given: `supported values: "A", "B"`. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail =
    supported.length === 0 ? '' : `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`;
  return {
    type: 'FieldValueNotSupported',
    field,
    body: body(`Unsupported value: ${show(value)}`, detail),
  };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, body: `Duplicate value: ${show(value)}` };
}

export function forbidden(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, body: body('Forbidden', detail) };
}

export function tooLong(field: string, maxLength: number): FieldError {
  return {
    type: 'FieldValueTooLong',
    field,
    body: `Too long: may not be more than ${maxLength} bytes`,
  };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return {
    type: 'FieldValueTooMany',
    field,
    body: `Too many: ${actual}: must have at most ${max} items`,
  };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return {
    type: 'FieldValueTypeInvalid',
    field,
    body: body(`Invalid value: ${show(value)}`, detail),
  };
}

export function notFound(field: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, body: `Not found: ${show(value)}` };
}

export function toCause(error: FieldError): StatusCause {
  return { reason: error.type, message: error.body, field: error.field };
}
