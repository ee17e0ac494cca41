import type { ApiResponse } from '../registry/request.js';
import { SIGNING_ALGORITHM } from './signing-keys.js';
import type { ServiceAccountTokens } from './service-account-tokens.js';

const OPENID_CONFIGURATION_PATH = '/.well-known/openid-configuration';
const JWKS_PATH = '/openid/v1/jwks';

/** Content types and cache time of the two documents, as kube-apiserver sends them. */
const OPENID_CONFIGURATION_TYPE = 'application/json';
const JWKS_TYPE = 'application/jwk-set+json';
const CACHE_CONTROL = 'public, max-age=3600';

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

/**
 * The provider metadata and the key set, by which others verify the tokens of service accounts: for the `documents` of the API server,
 * by path.
 */
export function openIdDocuments(
  tokens: ServiceAccountTokens,
  serverUrl: string,
): Record<string, () => Promise<ApiResponse>> {
  const configuration = async (): Promise<ApiResponse> =>
    document(OPENID_CONFIGURATION_TYPE, openIdConfiguration(tokens, serverUrl));
  const keys = async (): Promise<ApiResponse> => document(JWKS_TYPE, await tokens.keys.jwks());
  return {
    [OPENID_CONFIGURATION_PATH]: configuration,
    [`${OPENID_CONFIGURATION_PATH}/`]: configuration,
    [JWKS_PATH]: keys,
    [`${JWKS_PATH}/`]: keys,
  };
}

function document(type: string, content: object): ApiResponse {
  const headers = { 'content-type': type, 'cache-control': CACHE_CONTROL };
  return { status: 200, headers, body: Buffer.from(JSON.stringify(content)) };
}
