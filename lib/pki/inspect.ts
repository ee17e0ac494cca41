import { X509Certificate } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import { canonicalAddress } from './certificate.js';
import { PkiError } from './errors.js';
import { RENEWAL_FRACTION } from './limits.js';

export interface CertificateInfo {
  commonName: string;
  organizations: string[];
  notBeforeMs: number;
  notAfterMs: number;
  dnsNames: string[];
  ipAddresses: string[];
}

/** What the first certificate of a PEM text says. Throws `malformed`. Does not verify anything. */
export function inspectCertificate(pem: string): CertificateInfo {
  const certificate = parse(pem);
  const subject = fields(certificate.subject ?? '');
  const names = (certificate.subjectAltName ?? '').split(', ');
  const ofType = (prefix: string): string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return {
    commonName: subject.get('CN')?.[0] ?? '',
    organizations: subject.get('O') ?? [],
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    dnsNames: ofType('DNS:'),
    ipAddresses: ofType('IP Address:').map(canonicalAddress),
  };
}

/** True when a certificate has expired or its last fifth has begun, is no certificate at all, or does not carry all of these names. */
export function needsRenewal(
  pem: string,
  clock: Clock,
  names: { dnsNames?: readonly string[]; ipAddresses?: readonly string[] } = {},
): boolean {
  let info: CertificateInfo;
  try {
    info = inspectCertificate(pem);
  } catch {
    return true;
  }
  const now = clock.now();
  const renewAtMs = info.notAfterMs - (info.notAfterMs - info.notBeforeMs) * RENEWAL_FRACTION;
  if (now >= renewAtMs || now < info.notBeforeMs) return true;
  const addresses = new Set(info.ipAddresses);
  return (
    (names.dnsNames ?? []).some((name) => !info.dnsNames.includes(name)) ||
    (names.ipAddresses ?? []).some((address) => !addresses.has(canonicalAddress(address)))
  );
}

/** True when `pem` was signed by the key of `caPem`. */
export function isIssuedBy(pem: string, caPem: string): boolean {
  return parse(pem).verify(parse(caPem).publicKey);
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new PkiError('malformed', 'not a certificate in PEM form', { cause: error });
  }
}

/** Lines `KEY=value` in the certificate's order. */
function fields(subject: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of subject.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const key = line.slice(0, equals);
    found.set(key, [...(found.get(key) ?? []), line.slice(equals + 1)]);
  }
  return found;
}
