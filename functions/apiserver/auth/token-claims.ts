import { TokenError } from './errors.js';

export interface ObjectClaim {
  name: string;
  uid?: string;
}

/** The claims of a service account token, exactly as Kubernetes writes them. Times are seconds since the epoch. */
export interface TokenClaims {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  jti: string;
  'kubernetes.io': {
    namespace: string;
    node?: ObjectClaim;
    pod?: ObjectClaim;
    secret?: ObjectClaim;
    serviceaccount: ObjectClaim;
    warnafter?: number;
  };
  nbf: number;
  sub: string;
}

/** Checks the form of signed claims: our own keys signed them, but perhaps another version of us. Throws `invalid`. */
export function parseClaims(payload: Uint8Array): TokenClaims {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload).toString());
  } catch (error) {
    throw new TokenError('invalid', 'invalid bearer token', { cause: error });
  }
  if (!isTokenClaims(claims)) throw new TokenError('invalid', 'invalid bearer token');
  return claims;
}

/** The issuer that a token names, unverified; undefined when it is no JSON Web Token. */
export function unverifiedIssuer(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString());
    return isRecord(payload) && typeof payload.iss === 'string' ? payload.iss : undefined;
  } catch {
    return undefined;
  }
}

function isTokenClaims(claims: unknown): claims is TokenClaims {
  if (!isRecord(claims)) return false;
  const bound = claims['kubernetes.io'];
  return (
    Array.isArray(claims.aud) &&
    claims.aud.every((audience) => typeof audience === 'string') &&
    typeof claims.exp === 'number' &&
    typeof claims.nbf === 'number' &&
    typeof claims.iat === 'number' &&
    typeof claims.iss === 'string' &&
    typeof claims.sub === 'string' &&
    isRecord(bound) &&
    typeof bound.namespace === 'string' &&
    isObjectClaim(bound.serviceaccount) &&
    [bound.pod, bound.node, bound.secret].every((claim) => claim === undefined || isObjectClaim(claim))
  );
}

function isObjectClaim(claim: unknown): claim is ObjectClaim {
  return (
    isRecord(claim) && typeof claim.name === 'string' && (claim.uid === undefined || typeof claim.uid === 'string')
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
