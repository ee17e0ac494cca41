import { invalid, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import { isDns1123Label, isDns1123Subdomain } from '../shared/formats.js';

const DOMAIN_BYTES_MAX = 253;
const LABEL_BYTES_MAX = 63;
/** A domain, a slash, and a path that has room for a namespace and a name. */
const SIGNER_BYTES_MAX = DOMAIN_BYTES_MAX + 1 + (DOMAIN_BYTES_MAX + LABEL_BYTES_MAX + 1);

/** `example.com/my-signer` */
export function signerNameErrors(field: string, name: string): FieldError[] {
  if (name === '') return [required(field)];
  const [domain = '', path = '', ...more] = name.split('/');
  if (!name.includes('/') || more.length > 0) {
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const labels = domain.split('.');
  return [
    ...(Buffer.byteLength(domain) > DOMAIN_BYTES_MAX ? [tooLong(field, DOMAIN_BYTES_MAX)] : []),
    ...firstLabelErrors(field, domain, isDns1123Label),
    ...(labels.length < 2
      ? [invalid(field, domain, 'should be a domain with at least two segments separated by dots')]
      : []),
    ...firstLabelErrors(field, path, isDns1123Subdomain),
    ...(Buffer.byteLength(name) > SIGNER_BYTES_MAX ? [tooLong(field, SIGNER_BYTES_MAX)] : []),
  ];
}

/** Of several bad labels only the first is told, since all would read the same. */
function firstLabelErrors(field: string, segment: string, format: (label: string) => string[]): FieldError[] {
  const wrong = segment.split('.').find((label) => format(label).length > 0);
  return wrong === undefined
    ? []
    : format(wrong).map((message) => invalid(field, segment, `validating label ${JSON.stringify(wrong)}: ${message}`));
}
