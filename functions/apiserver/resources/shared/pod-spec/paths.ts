import { invalid, type FieldError } from '../../../../../lib/api/field-errors.js';

/** A path with `..` in it. */
export function backstepErrors(field: string, path: string): FieldError[] {
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

/** A relative path that stays below its start. */
export function descendingPathErrors(field: string, path: string): FieldError[] {
  const errors = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : [];
  return [...errors, ...backstepErrors(field, path)];
}

/** The same, where names that start with `..` are kept for atomic writers. */
export function localPathErrors(field: string, path: string): FieldError[] {
  const errors = descendingPathErrors(field, path);
  if (path.startsWith('..') && !path.startsWith('../')) {
    errors.push(invalid(field, path, "must not start with '..'"));
  }
  return errors;
}
