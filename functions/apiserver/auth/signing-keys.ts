import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactVerify, CompactSign, errors, exportJWK, type JWK } from 'jose';
import { TokenError } from './errors.js';

export const SIGNING_ALGORITHM = 'ES256';

interface SigningKey {
  id: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** A new private key for signing tokens, PKCS #8 in PEM form (ECDSA P-256). */
export function generateSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The keys that sign and verify service account tokens. The first one signs; the others verify what they once signed.
 * To rotate: put a new key first, keep the old ones as long as their tokens live.
 */
export class SigningKeys {
  readonly #keys: readonly SigningKey[];

  /** @param pems private keys, newest first; at least one. */
  constructor(pems: readonly string[]) {
    if (pems.length === 0) throw new Error('at least one token signing key is needed');
    this.#keys = pems.map(loadKey);
  }

  async sign(claims: object): Promise<string> {
    const key = this.#keys[0] as SigningKey;
    return new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: key.id })
      .sign(key.privateKey);
  }

  /** The signed bytes. Throws a TokenError `invalid`. */
  async verify(token: string): Promise<Uint8Array> {
    try {
      const { payload } = await compactVerify(
        token,
        (header) => {
          const key = this.#keys.find(({ id }) => id === header.kid);
          if (key === undefined) throw new TokenError('invalid', 'invalid bearer token');
          return key.publicKey;
        },
        { algorithms: [SIGNING_ALGORITHM] },
      );
      return payload;
    } catch (error) {
      if (error instanceof TokenError) throw error;
      if (error instanceof errors.JOSEError) throw new TokenError('invalid', 'invalid bearer token', { cause: error });
      throw error;
    }
  }

  /** JSON Web Key Set with the public keys, newest first. */
  async jwks(): Promise<{ keys: JWK[] }> {
    const keys = await Promise.all(
      this.#keys.map(async ({ id, publicKey }) => ({
        use: 'sig',
        ...(await exportJWK(publicKey)),
        kid: id,
        alg: SIGNING_ALGORITHM,
      })),
    );
    return { keys };
  }
}

/** The key id is a hash of the public key, as in Kubernetes: whoever holds the key knows the id. */
function loadKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  return { id, privateKey, publicKey };
}
