import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { formatErrors, isDns1123Subdomain } from './formats.js';

const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const PATH_PATTERN = new RegExp(`^${PATH}$`);

/** `example.com/name`, as controllers and signers are called. */
export function domainPrefixedPathErrors(field: string, value: string): FieldError[] {
  if (value === '') return [required(field)];
  const slash = value.indexOf('/');
  const host = value.slice(0, Math.max(slash, 0));
  const path = value.slice(slash + 1);
  if (host === '' || path === '') {
    return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  return [
    ...formatErrors(field, host, isDns1123Subdomain),
    ...(PATH_PATTERN.test(path) ? [] : [invalid(field, path, `Invalid path (regex used for validation is '${PATH}')`)]),
  ];
}
