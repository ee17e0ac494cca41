import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from '../../../../lib/api/field-errors.js';
import type {
  V1CertificateSigningRequest,
  V1CertificateSigningRequestCondition,
  V1CertificateSigningRequestSpec,
} from '../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../shared/equality.js';
import { oneOfErrors } from '../shared/one-of.js';
import { unifiedDiff } from '../shared/unified-diff.js';
import { certificateRequestFault, certificatesFault } from './certificate-request.js';
import { signerNameErrors } from './signer-name.js';

const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const EXPIRATION_SECONDS_MIN = 600;

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

const DECISIONS = ['Approved', 'Denied'];
/** Conditions that are true once they are there, and stay. */
const LASTING = [...DECISIONS, 'Failed'];
const STATUSES = ['False', 'True', 'Unknown'];
const CONDITIONS = 'status.conditions';

export function requestSpecErrors(spec: V1CertificateSigningRequestSpec): FieldError[] {
  const { request = '', usages = [], signerName = '', expirationSeconds } = spec;
  const fault = certificateRequestFault(Buffer.from(request, 'base64').toString());
  return [
    ...(fault === undefined ? [] : [invalid('spec.request', request, fault)]),
    ...(usages.length === 0 ? [required('spec.usages')] : []),
    ...usages.flatMap((usage, index) => oneOfErrors(`spec.usages[${index}]`, usage, USAGES)),
    ...usages.flatMap((usage, index) =>
      usages.indexOf(usage) < index ? [duplicate(`spec.usages[${index}]`, usage)] : [],
    ),
    ...(signerName === LEGACY_SIGNER
      ? [invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version')]
      : signerNameErrors('spec.signerName', signerName)),
    ...(expirationSeconds !== undefined && expirationSeconds < EXPIRATION_SECONDS_MIN
      ? [
          invalid(
            'spec.expirationSeconds',
            expirationSeconds,
            'may not specify a duration less than 600 seconds (10 minutes)',
          ),
        ]
      : []),
  ];
}

/** Which part of the status a write may change: decisions through `approval`, the certificate through `status`. */
export interface StatusRights {
  readonly decisions: boolean;
  readonly certificate: boolean;
}

export function requestStatusErrors(
  object: V1CertificateSigningRequest,
  old: V1CertificateSigningRequest,
  rights: StatusRights,
): FieldError[] {
  const conditions = object.status?.conditions ?? [];
  return [
    ...conditionErrors(conditions),
    ...certificateErrors(object.status?.certificate ?? '', old.status?.certificate ?? '', rights),
    ...changeErrors(conditions, old.status?.conditions ?? [], rights),
  ];
}

function conditionErrors(conditions: readonly V1CertificateSigningRequestCondition[]): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap(({ type, status }, index) => {
    const at = `${CONDITIONS}[${index}]`;
    const allowed = LASTING.includes(type) ? ['True'] : STATUSES;
    const errors = type ? [] : [required(`${at}.type`)];
    if (!status) errors.push(required(`${at}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed));
    const opposite = DECISIONS.find((decision) => decision !== type);
    if (DECISIONS.includes(type) && opposite !== undefined && seen.has(opposite)) {
      errors.push(invalid(CONDITIONS, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
    return errors;
  });
}

function certificateErrors(certificate: string, old: string, rights: StatusRights): FieldError[] {
  if (certificate === old) return [];
  const field = 'status.certificate';
  const fault = certificate === '' ? undefined : certificatesFault(Buffer.from(certificate, 'base64').toString());
  const errors = fault === undefined ? [] : [invalid(field, '<certificate data>', fault)];
  if (!rights.certificate) return [...errors, forbidden(field, 'updates may not set certificate content')];
  return old === '' ? errors : [...errors, forbidden(field, 'updates may not modify existing certificate content')];
}

function changeErrors(
  conditions: readonly V1CertificateSigningRequestCondition[],
  old: readonly V1CertificateSigningRequestCondition[],
  rights: StatusRights,
): FieldError[] {
  return LASTING.flatMap((type) => {
    const before = old.filter((condition) => condition.type === type);
    const after = conditions.filter((condition) => condition.type === type);
    const refuse = (what: string): FieldError[] => [forbidden(CONDITIONS, `updates may not ${what} of type "${type}"`)];
    if (after.length < before.length) return refuse('remove a condition');
    if (rights.decisions || !DECISIONS.includes(type)) return [];
    if (after.length > before.length) return refuse('add a condition');
    return semanticallyEqual(before, after)
      ? []
      : [forbidden(CONDITIONS, `updates may not modify a condition of type "${type}"\n${unifiedDiff(before, after)}`)];
  });
}
