import path from 'node:path';
import { stringify } from 'yaml';
import { nodeUsername, NODES_GROUP } from '../functions/apiserver/auth/users.js';
import { UserError } from './errors.js';

export interface AwsKubeconfigFlags {
  server: string;
  clusterName?: string;
  region?: string;
  roleArn?: string;
  /** A kubeconfig for the agent of a simulated node: whoever administers the cluster may act as any node. */
  node?: string;
}

/** What a server of one's own needs beside them: an emulator's. */
export interface AwsKubeconfigExtras {
  /** PEM of the authority that the server's certificate comes from. Default: the public ones. */
  ca?: string;
  /** Environment of the command that makes tokens. */
  env?: Readonly<Record<string, string>>;
}

/**
 * A kubeconfig for a cluster on AWS. It holds no secret: kubectl runs this command line for a token, with the AWS credentials that it finds.
 * Throws a `UserError`.
 */
export function awsKubeconfig(
  flags: AwsKubeconfigFlags,
  self: { node: string; script: string } = { node: process.execPath, script: path.resolve(process.argv[1] ?? '') },
  { ca, env = {} }: AwsKubeconfigExtras = {},
): string {
  const { clusterName, region, roleArn, node } = flags;
  let server: URL;
  try {
    server = new URL(flags.server);
  } catch {
    throw new UserError(`--server ${flags.server} is not a URL such as https://….lambda-url.eu-central-1.on.aws`);
  }
  if (server.protocol !== 'https:')
    throw new UserError(
      `--server ${flags.server} is not an https URL: clients of Kubernetes send credentials over nothing else`,
    );
  if (clusterName === undefined || region === undefined)
    throw new UserError(
      '--server needs --cluster-name and --region as well: the outputs of the deployment have the whole command',
    );
  const name = `zeroplane-${clusterName}`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: server.href.replace(/\/$/, ''),
          ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            command: self.node,
            args: [
              self.script,
              'token',
              '--cluster-name',
              clusterName,
              '--region',
              region,
              ...(roleArn === undefined ? [] : ['--role-arn', roleArn]),
            ],
            ...(Object.keys(env).length === 0
              ? {}
              : { env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })) }),
            interactiveMode: 'Never',
            provideClusterInfo: false,
          },
          ...(node === undefined ? {} : { as: nodeUsername(node), 'as-groups': [NODES_GROUP] }),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
