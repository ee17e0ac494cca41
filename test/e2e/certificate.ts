import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../lib/clock/system.js';
import { createCertificateAuthority } from '../../lib/pki/index.js';
import { systemRandom } from '../../lib/random.js';

/** A certificate and its key, in files of the folder. */
export async function selfSignedCertificate(
  folder: string,
): Promise<{ certificate: string; certificateFile: string; keyFile: string }> {
  const { certificate, privateKey } = await createCertificateAuthority({ clock: systemClock, random: systemRandom() });
  const certificateFile = path.join(folder, 'tls.crt');
  const keyFile = path.join(folder, 'tls.key');
  writeFileSync(certificateFile, certificate);
  writeFileSync(keyFile, privateKey);
  return { certificate, certificateFile, keyFile };
}

/** A certificate request in PEM, as a CertificateSigningRequest carries it: in base64. */
export async function certificateRequest(commonName: string): Promise<string> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: algorithm,
  });
  return Buffer.from(request.toString('pem')).toString('base64');
}
