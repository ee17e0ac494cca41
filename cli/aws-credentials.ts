import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { loadConfig, NODE_REGION_CONFIG_FILE_OPTIONS, NODE_REGION_CONFIG_OPTIONS } from '@smithy/core/config';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity } from '@smithy/types';
import { STS_API_VERSION, stsHost } from '../lib/aws/token-format.js';
import { UserError } from './errors.js';

/** kubectl waits for the plugin meanwhile. */
const ASSUME_ROLE_TIMEOUT_MS = 10_000;

const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

const REGION = /^[a-z0-9-]{1,64}$/;

/** The region of a flag, of the environment (AWS_REGION, AWS_DEFAULT_REGION) or of the profile. Throws a `UserError`. */
export async function awsRegion(flag: string | undefined): Promise<string> {
  const region =
    flag ||
    process.env['AWS_REGION'] ||
    process.env['AWS_DEFAULT_REGION'] ||
    (await loadConfig({ ...NODE_REGION_CONFIG_OPTIONS, default: () => '' }, NODE_REGION_CONFIG_FILE_OPTIONS)().catch(
      () => '',
    ));
  if (!region)
    throw new UserError('no AWS region is known. Give one with --region, set AWS_REGION, or set one for the profile');
  if (!REGION.test(region)) throw new UserError(`${JSON.stringify(region)} is not the name of an AWS region`);
  return region;
}

/** Credentials as the AWS SDK finds them: environment, profile, single sign-on, container, instance. Throws a `UserError`. */
export async function awsCredentials(): Promise<AwsCredentialIdentity> {
  try {
    return await defaultProvider()();
  } catch (error) {
    throw new UserError(
      `no AWS credentials were found: ${error instanceof Error ? error.message : String(error)}. Log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
      { cause: error },
    );
  }
}

export interface AssumeRoleOptions {
  roleArn: string;
  region: string;
  credentials: AwsCredentialIdentity;
  nowMs: number;
  /** Default: the variables AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL, then STS of the region. */
  endpoint?: string;
}

/** Temporary credentials of a role that the credentials may assume. Throws a `UserError`. */
export async function assumeRole(options: AssumeRoleOptions): Promise<AwsCredentialIdentity> {
  const { roleArn, region, credentials, nowMs } = options;
  if (!ROLE_ARN.test(roleArn))
    throw new UserError(
      `--role-arn ${roleArn} is not the ARN of a role, such as arn:aws:iam::123456789012:role/cluster-admin`,
    );
  const endpoint = new URL(
    options.endpoint ||
      process.env['AWS_ENDPOINT_URL_STS'] ||
      process.env['AWS_ENDPOINT_URL'] ||
      `https://${stsHost(region)}`,
  );
  const body = new URLSearchParams({
    Action: 'AssumeRole',
    Version: STS_API_VERSION,
    RoleArn: roleArn,
    RoleSessionName: `zeroplane-${nowMs}`,
  }).toString();
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: endpoint.protocol,
      hostname: endpoint.hostname,
      path: '/',
      headers: { host: endpoint.host, 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body,
    },
    { signingDate: new Date(nowMs) },
  );
  let response: Response;
  try {
    response = await fetch(new URL('/', endpoint), {
      method: 'POST',
      headers: signed.headers,
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ASSUME_ROLE_TIMEOUT_MS),
    });
  } catch (error) {
    throw new UserError(`STS at ${endpoint.host} could not be asked for the role ${roleArn}: ${String(error)}`, {
      cause: error,
    });
  }
  const text = await response.text();
  if (response.status !== 200)
    throw new UserError(
      `AWS does not let these credentials assume ${roleArn} (status ${response.status}): ${errorMessage(text)}`,
    );
  return roleCredentials(text);
}

/** STS answers in JSON when asked to; emulators may answer in XML all the same. */
function roleCredentials(text: string): AwsCredentialIdentity {
  const field = (name: string): string =>
    new RegExp(`"${name}"\\s*:\\s*"([^"]+)"|<${name}>([^<]+)</${name}>`)
      .exec(text)
      ?.slice(1)
      .find((value) => value !== undefined) ?? '';
  const [accessKeyId, secretAccessKey, sessionToken] = [
    field('AccessKeyId'),
    field('SecretAccessKey'),
    field('SessionToken'),
  ];
  if (accessKeyId === '' || secretAccessKey === '' || sessionToken === '')
    throw new UserError('STS answered AssumeRole without credentials');
  return { accessKeyId, secretAccessKey, sessionToken };
}

function errorMessage(text: string): string {
  const match = /"[Mm]essage"\s*:\s*"([^"]+)"|<Message>([^<]+)<\/Message>/.exec(text);
  return match?.[1] ?? match?.[2] ?? 'no reason given';
}
