import { webcrypto } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import type { Subject } from './certificate.js';
import type { Der } from './der.js';
import { PkiError } from './errors.js';

export interface CertificateRequest {
  subject: Subject;
  /** SubjectPublicKeyInfo. */
  publicKey: Der;
}

/** Reads a PKCS #10 request that its own key has signed. Throws `malformed` or `bad-signature`. */
export async function readRequest(pem: string): Promise<CertificateRequest> {
  // Loading the library takes a fifth of a second, so only those who are sent requests do.
  await import('reflect-metadata');
  const library = await import('@peculiar/x509');
  const request = parse(library, pem);
  if (!(await request.verify(webcrypto)))
    throw new PkiError('bad-signature', 'the certificate request is not signed by its own key');
  const commonName = request.subjectName.getField('CN')[0];
  if (commonName === undefined) throw new PkiError('malformed', 'the certificate request has no common name');
  return {
    subject: { commonName, organizations: request.subjectName.getField('O') },
    publicKey: new Uint8Array(request.publicKey.rawData),
  };
}

function parse(library: typeof X509, pem: string): X509.Pkcs10CertificateRequest {
  try {
    return new library.Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new PkiError('malformed', 'not a certificate request in PEM form', { cause: error });
  }
}
