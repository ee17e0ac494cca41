/**
 * The bearer token that `aws eks get-token` and aws-iam-authenticator use: a presigned GetCallerIdentity, base64url-encoded behind a
 * prefix. Whoever holds it can prove to STS who made it, but only beside the header with the cluster's name, which is signed too.
 */
export const AWS_TOKEN_PREFIX = 'k8s-aws-v1.';

/** The signed header that binds a token to one cluster. */
export const CLUSTER_HEADER = 'x-k8s-aws-id';

/** STS takes a presigned GetCallerIdentity for so long after its X-Amz-Date, whatever X-Amz-Expires says. */
export const AWS_TOKEN_LIFE_MS = 15 * 60 * 1_000;

/** X-Amz-Expires of the tokens that are made here; old authenticators take no more. */
export const AWS_TOKEN_URL_EXPIRES_SECONDS = 60;

export const GET_CALLER_IDENTITY = 'GetCallerIdentity';
export const STS_API_VERSION = '2011-06-15';

/** Names of STS: the global host and those of regions, in the partitions of AWS. */
export function stsHost(region: string): string {
  return `sts.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`;
}

export const STS_GLOBAL_HOST = 'sts.amazonaws.com';

export function encodeAwsToken(presignedUrl: string): string {
  return AWS_TOKEN_PREFIX + Buffer.from(presignedUrl).toString('base64url');
}
