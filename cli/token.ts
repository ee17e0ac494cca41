import { formatTime } from '../lib/clock/clock.js';
import { systemClock } from '../lib/clock/system.js';
import { callerIdentityToken } from '../lib/aws/caller-identity-token.js';
import { CLUSTER_HEADER } from '../lib/aws/token-format.js';
import { assumeRole, awsCredentials, awsRegion } from './aws-credentials.js';
import { UserError } from './errors.js';

export interface TokenFlags {
  clusterName: string;
  region?: string;
  roleArn?: string;
  clusterHeader?: string;
}

/** Names of clusters are DNS labels; those of EKS may have capitals and underscores. */
const CLUSTER_NAME = /^[A-Za-z0-9][\w-]{0,99}$/;

/** What a header may be called. */
const HEADER_NAME = /^[a-z0-9-]{1,64}$/;

const API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;

/** `zeroplane token`: prints an ExecCredential with a token for one cluster, for kubectl and everything built on client-go. */
export async function printToken(flags: TokenFlags): Promise<void> {
  process.stdout.write(`${JSON.stringify(await execCredential(flags, systemClock.now()))}\n`);
}

/** The ExecCredential of client.authentication.k8s.io. Throws a `UserError`. */
export async function execCredential(flags: TokenFlags, nowMs: number): Promise<object> {
  const { clusterName, clusterHeader = CLUSTER_HEADER } = flags;
  if (!CLUSTER_NAME.test(clusterName))
    throw new UserError(
      `--cluster-name ${JSON.stringify(clusterName)} is not the name of a cluster: use letters, digits and '-', at most 100 of them`,
    );
  if (!HEADER_NAME.test(clusterHeader))
    throw new UserError(`--cluster-header ${JSON.stringify(clusterHeader)} is not the name of a header in lower case`);
  const region = await awsRegion(flags.region);
  const own = await awsCredentials();
  const credentials =
    flags.roleArn === undefined ? own : await assumeRole({ roleArn: flags.roleArn, region, credentials: own, nowMs });
  const { token, expiresMs } = await callerIdentityToken({ clusterName, region, credentials, nowMs, clusterHeader });
  return {
    kind: 'ExecCredential',
    apiVersion: askedVersion(process.env['KUBERNETES_EXEC_INFO']),
    spec: {},
    status: { expirationTimestamp: formatTime(expiresMs), token },
  };
}

/** The version that the client said it wants in KUBERNETES_EXEC_INFO: it takes no other. */
function askedVersion(info: string | undefined): string {
  if (!info) return API_VERSIONS[0];
  let asked: unknown;
  try {
    asked = (JSON.parse(info) as { apiVersion?: unknown }).apiVersion;
  } catch {
    throw new UserError('KUBERNETES_EXEC_INFO is not JSON. It is set by kubectl; unset it to run the command by hand');
  }
  const version = API_VERSIONS.find((known) => known === asked);
  if (version === undefined)
    throw new UserError(
      `the client asks for ${JSON.stringify(asked)}, and this version knows ${API_VERSIONS.join(' and ')}. Set one of them as apiVersion under exec in the kubeconfig`,
    );
  return version;
}
