import { createHash, sign, type KeyObject } from 'node:crypto';
import { formatIp, parseIp } from '../net/ip.js';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  readElements,
  sequence,
  setOf,
  time,
  utf8String,
  type Der,
} from './der.js';
import { toPem } from './pem.js';

/** Parts of RFC 5280's certificates. */

export interface Subject {
  commonName: string;
  /** Kubernetes reads them as groups. */
  organizations?: readonly string[];
}

/** Names a server answers to; an empty list of both is allowed but no client will accept such a server. */
export interface ServerNames {
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
}

export type CertificateUsage = 'server' | 'client';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of the key usage extension: digitalSignature alone, or with keyCertSign and cRLSign. */
const KEY_USAGE_LEAF = bitString(Buffer.from([0b1000_0000]), 7);
const KEY_USAGE_CA = bitString(Buffer.from([0b1000_0110]), 1);

const VERSION_3 = explicit(0, integer(Buffer.from([2])));
const SIGNATURE_ALGORITHM = sequence(objectIdentifier(OID.ecdsaWithSha256));

export interface CertificateParts {
  serialNumber: Uint8Array;
  /** Encoded names, see `distinguishedName`. */
  issuer: Der;
  subject: Der;
  notBeforeMs: number;
  notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  publicKey: Der;
  extensions: readonly Der[];
}

/** Signs a certificate with an ECDSA key; PEM. */
export function signCertificate(parts: CertificateParts, signingKey: KeyObject): string {
  const body = sequence(
    VERSION_3,
    integer(parts.serialNumber),
    SIGNATURE_ALGORITHM,
    parts.issuer,
    sequence(time(parts.notBeforeMs), time(parts.notAfterMs)),
    parts.subject,
    parts.publicKey,
    explicit(3, sequence(...parts.extensions)),
  );
  const signature = sign('sha256', body, signingKey);
  return toPem('CERTIFICATE', sequence(body, SIGNATURE_ALGORITHM, bitString(signature)));
}

/** Each organization is a part of its own, and text is UTF-8, since user names hold characters that the older string type lacks. */
export function distinguishedName({ commonName, organizations = [] }: Subject): Der {
  const part = (oid: string, value: string): Der => setOf(sequence(objectIdentifier(oid), utf8String(value)));
  return sequence(
    ...organizations.map((organization) => part(OID.organization, organization)),
    part(OID.commonName, commonName),
  );
}

export function caExtensions(publicKey: Der): Der[] {
  return [
    extension(OID.basicConstraints, sequence(boolean(true)), true),
    extension(OID.keyUsage, KEY_USAGE_CA, true),
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(publicKey))),
  ];
}

export function leafExtensions(
  usages: readonly CertificateUsage[],
  names: ServerNames | undefined,
  issuerPublicKey: Der,
): Der[] {
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, KEY_USAGE_LEAF, true),
    extension(OID.extendedKeyUsage, sequence(...usages.map((usage) => objectIdentifier(OID[usage])))),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(issuerPublicKey)))),
  ];
  const alternatives = [
    ...(names?.dnsNames ?? []).map((name) => implicit(2, Buffer.from(name, 'latin1'))),
    ...(names?.ipAddresses ?? []).map((address) => implicit(7, addressBytes(address))),
  ];
  if (alternatives.length > 0) extensions.push(extension(OID.subjectAltName, sequence(...alternatives)));
  return extensions;
}

/** The encoded subject of a certificate, as its children must name their issuer. */
export function subjectOf(certificate: Uint8Array): Der {
  const [whole] = readElements(certificate);
  const [body] = readElements(whole?.contents ?? new Uint8Array());
  // version, serialNumber, signature, issuer, validity, subject
  const subject = readElements(body?.contents ?? new Uint8Array())[5];
  if (subject === undefined) throw new RangeError('the certificate has no subject');
  return subject.bytes;
}

/** SHA-1 over the bits of the public key: the usual name of a key, not a safeguard. */
function keyIdentifier(publicKey: Der): Uint8Array {
  const [whole] = readElements(publicKey);
  const bits = readElements(whole?.contents ?? new Uint8Array())[1];
  if (bits === undefined) throw new RangeError('the public key has no bits');
  return createHash('sha1').update(bits.contents.subarray(1)).digest();
}

function extension(oid: string, value: Der, critical = false): Der {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

function addressBytes(address: string): Uint8Array {
  const ip = parseIp(address);
  if (ip === undefined) throw new RangeError(`${address} is not an IP address`);
  const bytes = ip.family === 'IPv4' ? 4 : 16;
  return Buffer.from(ip.value.toString(16).padStart(bytes * 2, '0'), 'hex');
}

/** One spelling for each address; other text as it is. */
export function canonicalAddress(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}
