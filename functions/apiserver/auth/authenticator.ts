import { createHash, timingSafeEqual } from 'node:crypto';
import { unauthorized } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import type { Authenticator, Credentials, TokenVerifier } from './auth.js';
import { TokenError } from './errors.js';
import { TOKEN_LENGTH_MAX } from './limits.js';
import type { ServiceAccountTokens, TokenIdentity } from './service-account-tokens.js';
import { asAuthenticated } from './users.js';

/** A token that is known beforehand, by its hash, so that the configuration holds no secret. */
export interface StaticToken {
  /** SHA-256 of the token, in hexadecimal (see `hashToken`). */
  sha256: string;
  user: UserInfo;
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export interface AuthenticatorOptions {
  staticTokens?: readonly StaticToken[];
  serviceAccountTokens: ServiceAccountTokens;
  /** Tokens of other kinds. */
  verifiers?: readonly TokenVerifier[];
}

/** Client certificates, static tokens, tokens of other kinds and service account tokens, in this order. */
export class ChainAuthenticator implements Authenticator {
  readonly #staticTokens: readonly { digest: Buffer; user: UserInfo }[];
  readonly #serviceAccountTokens: ServiceAccountTokens;
  readonly #verifiers: readonly TokenVerifier[];

  constructor(options: AuthenticatorOptions) {
    this.#staticTokens = (options.staticTokens ?? []).map(({ sha256, user }) => ({
      digest: Buffer.from(sha256, 'hex'),
      user: asAuthenticated(user),
    }));
    this.#serviceAccountTokens = options.serviceAccountTokens;
    this.#verifiers = options.verifiers ?? [];
  }

  async authenticate(credentials: Credentials): Promise<UserInfo | undefined> {
    const { certificate, authorization } = credentials;
    if (certificate !== undefined && certificate.commonName !== '')
      return asAuthenticated({ username: certificate.commonName, groups: [...certificate.organizations] });
    if (authorization === undefined) return undefined;
    const token = bearerToken(authorization);
    if (token === undefined) throw unauthorized();
    try {
      return (await this.authenticateToken(token)).user;
    } catch (error) {
      if (error instanceof TokenError) throw unauthorized();
      throw error;
    }
  }

  /** For TokenReview: who a bearer token is, for these audiences (default: the API server's). Throws a TokenError. */
  async authenticateToken(token: string, audiences?: readonly string[]): Promise<TokenIdentity> {
    if (token.length > TOKEN_LENGTH_MAX) throw new TokenError('invalid', 'invalid bearer token');
    const user = this.#staticUser(token);
    if (user !== undefined) return this.#forApiServer(user, audiences);
    const verifier = this.#verifiers.find((candidate) => candidate.owns(token));
    if (verifier !== undefined) return this.#forApiServer(asAuthenticated(await verifier.verify(token)), audiences);
    const identity = await this.#serviceAccountTokens.authenticate(token, audiences);
    if (identity === undefined) throw new TokenError('invalid', 'invalid bearer token');
    return { ...identity, user: asAuthenticated(identity.user) };
  }

  /** Tokens that name no audience are for the API server alone. */
  #forApiServer(user: UserInfo, audiences: readonly string[] | undefined): TokenIdentity {
    const own = this.#serviceAccountTokens.audiences;
    const matching = own.filter((audience) => (audiences ?? own).includes(audience));
    if (matching.length === 0) throw new TokenError('audience', 'invalid bearer token');
    return { user, audiences: matching };
  }

  /** Compares with every entry in constant time, so that answers do not tell how much of a token was right. */
  #staticUser(token: string): UserInfo | undefined {
    if (this.#staticTokens.length === 0) return undefined;
    const digest = createHash('sha256').update(token).digest();
    let found: UserInfo | undefined;
    for (const entry of this.#staticTokens)
      if (entry.digest.length === digest.length && timingSafeEqual(entry.digest, digest)) found ??= entry.user;
    return found;
  }
}

function bearerToken(authorization: string): string | undefined {
  const match = /^bearer +(\S+) *$/i.exec(authorization);
  return match?.[1];
}
