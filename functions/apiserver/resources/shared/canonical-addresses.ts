import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import { canonicalIp, cidrErrors, ipErrors } from './ip-addresses.js';

/** What is wrong with an address that must be in its canonical form: messages, none when it is good. */
export function canonicalIpFaults(address: string): string[] {
  if (ipErrors('', address).length > 0) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
  const canonical = canonicalIp(address);
  return canonical === address ? [] : [notCanonical(canonical)];
}

/** A network in CIDR form that must be canonical as well. */
export function canonicalCidrErrors(field: string, cidr: string): FieldError[] {
  const errors = cidrErrors(field, cidr);
  if (errors.length > 0) return errors;
  const [address = '', bits = ''] = cidr.split('/');
  const canonical = `${canonicalIp(address)}/${bits}`;
  return canonical === cidr ? [] : [invalid(field, cidr, notCanonical(canonical))];
}

function notCanonical(canonical: string): string {
  return `must be in canonical form (${JSON.stringify(canonical)})`;
}
