import { webcrypto } from 'node:crypto';
import { PkiError } from './errors.js';
import { fromPem, toPem } from './pem.js';

/** ECDSA on P-256 with SHA-256: the only kind of key the cluster makes. A key takes well under a millisecond. */
export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export type KeyPair = { publicKey: webcrypto.CryptoKey; privateKey: webcrypto.CryptoKey };

export async function generateKeyPair(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

/** PKCS #8, `PRIVATE KEY`. */
export async function privateKeyToPem(key: webcrypto.CryptoKey): Promise<string> {
  return toPem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key));
}

export async function privateKeyFromPem(pem: string): Promise<webcrypto.CryptoKey> {
  const der = fromPem('PRIVATE KEY', pem);
  if (der === undefined) throw new PkiError('malformed', 'not a PKCS #8 private key in PEM form');
  try {
    return await webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, true, ['sign']);
  } catch (error) {
    throw new PkiError('malformed', 'not an ECDSA P-256 private key', { cause: error });
  }
}
