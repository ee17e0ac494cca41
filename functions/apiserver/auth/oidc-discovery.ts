import { SIGNING_ALGORITHM } from './signing-keys.js';
import type { ServiceAccountTokens } from './service-account-tokens.js';

export const OPENID_CONFIGURATION_PATH = '/.well-known/openid-configuration';
export const JWKS_PATH = '/openid/v1/jwks';

/** Content types and cache time of the two documents, as kube-apiserver sends them. */
export const OPENID_CONFIGURATION_TYPE = 'application/json';
export const JWKS_TYPE = 'application/jwk-set+json';
export const DISCOVERY_CACHE_CONTROL = 'public, max-age=3600';

/** OpenID provider metadata of the cluster. `serverUrl` is where clients reach this API server: `https://10.0.0.5:6443`. */
export function openIdConfiguration(tokens: ServiceAccountTokens, serverUrl: string): object {
  return {
    issuer: tokens.issuer,
    jwks_uri: `${serverUrl.replace(/\/$/, '')}${JWKS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [SIGNING_ALGORITHM],
  };
}
