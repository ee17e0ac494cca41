import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity } from '@smithy/types';
import {
  AWS_TOKEN_LIFE_MS,
  AWS_TOKEN_URL_EXPIRES_SECONDS,
  CLUSTER_HEADER,
  encodeAwsToken,
  GET_CALLER_IDENTITY,
  STS_API_VERSION,
  stsHost,
} from './token-format.js';

/** Clients renew a token so long before STS stops taking it. */
const RENEWAL_MARGIN_MS = 60_000;

export interface CallerIdentityTokenOptions {
  /** Binds the token to this cluster: no other takes it. */
  clusterName: string;
  region: string;
  credentials: AwsCredentialIdentity;
  nowMs: number;
  /** Default: x-k8s-aws-id. */
  clusterHeader?: string;
  /** Default: STS of the region. */
  host?: string;
}

/** A bearer token as `aws eks get-token` makes it, and until when it may be used. Signing needs no network. */
export async function callerIdentityToken(
  options: CallerIdentityTokenOptions,
): Promise<{ token: string; expiresMs: number }> {
  const { clusterName, region, credentials, nowMs } = options;
  const host = options.host ?? stsHost(region);
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
  const clusterHeader = options.clusterHeader ?? CLUSTER_HEADER;
  const presigned = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: host,
      path: '/',
      query: { Action: GET_CALLER_IDENTITY, Version: STS_API_VERSION },
      headers: { host, [clusterHeader]: clusterName },
    },
    {
      expiresIn: AWS_TOKEN_URL_EXPIRES_SECONDS,
      signingDate: new Date(nowMs),
      // The signer moves headers of AWS into the query unless told not to; the cluster's must stay one.
      unhoistableHeaders: new Set([clusterHeader]),
    },
  );
  const query = Object.entries(presigned.query ?? {})
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join('&');
  return {
    token: encodeAwsToken(`https://${host}/?${query}`),
    expiresMs: nowMs + AWS_TOKEN_LIFE_MS - RENEWAL_MARGIN_MS,
  };
}
