import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { Subject } from './certificate.js';
import { readElements, readObjectIdentifier, TAG, type Der, type Element } from './der.js';
import { PkiError } from './errors.js';
import { fromPem } from './pem.js';

export interface CertificateRequest {
  subject: Subject;
  /** SubjectPublicKeyInfo. */
  publicKey: Der;
}

/** Hashes by signature algorithm (RFC 5758, RFC 8017); Ed25519 (RFC 8410) has its own. */
const HASHES: Readonly<Record<string, string | null>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': null,
};

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';

/** Reads a PKCS #10 request (RFC 2986) that its own key has signed. Throws `malformed` or `bad-signature`. */
export function readRequest(pem: string): CertificateRequest {
  const { subject, publicKey, key, signed, hash, signature } = parse(pem);
  if (!verify(hash, signed, key, signature))
    throw new PkiError('bad-signature', 'the certificate request is not signed by its own key');
  const { [COMMON_NAME]: [commonName] = [], [ORGANIZATION]: organizations = [] } = subject;
  if (commonName === undefined) throw new PkiError('malformed', 'the certificate request has no common name');
  return { subject: { commonName, organizations }, publicKey };
}

interface ParsedRequest {
  /** Values by the type of the name's part. */
  subject: Record<string, string[]>;
  publicKey: Der;
  key: KeyObject;
  signed: Der;
  hash: string | null;
  signature: Uint8Array;
}

function parse(pem: string): ParsedRequest {
  try {
    const [whole] = readElements(fromPem('CERTIFICATE REQUEST', pem));
    const [info, algorithm, signature] = membersOf(whole);
    const [, subject, publicKey] = membersOf(info);
    const [identifier] = membersOf(algorithm);
    const hash = HASHES[readObjectIdentifier(contentsOf(identifier))];
    if (hash === undefined) throw new RangeError('the request is signed by an algorithm that is not known here');
    const der = bytesOf(publicKey);
    return {
      subject: readName(subject),
      publicKey: der,
      key: createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }),
      signed: bytesOf(info),
      hash,
      // The first byte says how many bits of the last one do not count: none.
      signature: contentsOf(signature).subarray(1),
    };
  } catch (error) {
    throw new PkiError('malformed', 'not a certificate request in PEM form', { cause: error });
  }
}

function readName(name: Element | undefined): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const part of membersOf(name)) {
    for (const pair of membersOf(part)) {
      const [type, value] = membersOf(pair);
      (values[readObjectIdentifier(contentsOf(type))] ??= []).push(readText(value));
    }
  }
  return values;
}

function readText(value: Element | undefined): string {
  const bytes = Buffer.from(contentsOf(value));
  if (value?.tag === TAG.bmpString) return bytes.swap16().toString('utf16le');
  return bytes.toString(value?.tag === TAG.utf8String ? 'utf8' : 'latin1');
}

function membersOf(element: Element | undefined): Element[] {
  return readElements(contentsOf(element));
}

function contentsOf(element: Element | undefined): Uint8Array {
  if (element === undefined) throw new RangeError('a part of the request is missing');
  return element.contents;
}

function bytesOf(element: Element | undefined): Uint8Array {
  if (element === undefined) throw new RangeError('a part of the request is missing');
  return element.bytes;
}
