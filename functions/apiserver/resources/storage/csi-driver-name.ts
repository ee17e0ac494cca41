import { invalid, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import { isDns1123Subdomain } from '../shared/formats.js';

const NAME_BYTES_MAX = 63;

/** Where a CSI driver is named by a field. */
export function csiDriverNameErrors(field: string, name: string | undefined): FieldError[] {
  if (!name) return [required(field)];
  return [
    ...(Buffer.byteLength(name) > NAME_BYTES_MAX ? [tooLong(field, NAME_BYTES_MAX)] : []),
    ...isDns1123Subdomain(name.toLowerCase()).map((message) => invalid(field, name, message)),
  ];
}
