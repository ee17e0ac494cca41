import { stringifyJson } from '../json/stringify.js';
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
    | 'FieldValueTooShort'
    | 'FieldValueTooMany'
    | 'FieldValueTooFew'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound'
    | 'InternalError';
  /** `spec.containers[0].name` */
  field: string;
  /** The text behind the field: `Required value: must be set`. */
  body: string;
}

/** How Go prints a value in a field error: strings quoted, objects as JSON (in which Go escapes angle brackets and ampersands). */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  const text = stringifyJson(value);
  return typeof value === 'object' ? text.replace(/[<>&]/g, (found) => HTML_ESCAPES[found] ?? found) : text;
}

const HTML_ESCAPES: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

function count(number: number, unit: string): string {
  return number === 1 ? `1 ${unit}` : `${number} ${unit}s`;
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

/** An invalid value that is too large to be shown: an object or a list. */
export function invalidOmitted(field: string, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, body: body('Invalid value', detail) };
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
    body: `Too long: may not be more than ${count(maxLength, 'byte')}`,
  };
}

/** For limits that count characters, not bytes. */
export function tooLongCharacters(field: string, maxLength: number): FieldError {
  return {
    type: 'FieldValueTooLong',
    field,
    body: `Too long: may not be more than ${count(maxLength, 'character')}`,
  };
}

export function tooShort(field: string, minLength: number): FieldError {
  return {
    type: 'FieldValueTooShort',
    field,
    body: `Too short: must be at least ${count(minLength, 'character')}`,
  };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return {
    type: 'FieldValueTooMany',
    field,
    body: `Too many: ${actual}: must have at most ${count(max, 'item')}`,
  };
}

export function tooFew(field: string, actual: number, min: number): FieldError {
  return {
    type: 'FieldValueTooFew',
    field,
    body: `Too few: ${actual}: must have at least ${count(min, 'item')}`,
  };
}

/** `message` is what went wrong inside. */
export function internal(field: string, message: string): FieldError {
  return { type: 'InternalError', field, body: `Internal error: ${message}` };
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
