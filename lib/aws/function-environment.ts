/**
 * What infra/ tells the functions, as environment variables. Names of things, never secrets: keys are read from the parameters named here.
 */
export const FUNCTION_ENVIRONMENT = {
  /** Name of the cluster: partition of the tables, and what tokens of AWS are bound to. */
  cluster: 'ZEROPLANE_CLUSTER',
  table: 'ZEROPLANE_TABLE',
  heartbeatTable: 'ZEROPLANE_HEARTBEAT_TABLE',
  /** URL of the FIFO queue of the controllers' keys. */
  workQueueUrl: 'ZEROPLANE_WORK_QUEUE_URL',
  /** URL of the FIFO queue of the scheduler's one key. */
  schedulerQueueUrl: 'ZEROPLANE_SCHEDULER_QUEUE_URL',
  /** URL of the standard queue that delays; the dispatcher forwards what it delivers. */
  delayQueueUrl: 'ZEROPLANE_DELAY_QUEUE_URL',
  /** URL of the FIFO queue of dead letters of work and scheduler queue; the sweep makes Events of them. */
  deadLetterQueueUrl: 'ZEROPLANE_DEAD_LETTER_QUEUE_URL',
  /** Name of the SecureString parameter with the PEM private keys of service account tokens, newest first; made at the first use. */
  signingKeysParameter: 'ZEROPLANE_SIGNING_KEYS_PARAMETER',
  /** Name of the SecureString parameter with the cluster's certificate authority (certificate and key, PEM); made at the first use. */
  authorityParameter: 'ZEROPLANE_AUTHORITY_PARAMETER',
  /** Name of the SecureString parameter with the authority of the front proxy: who the API server is to API servers behind it. */
  frontProxyParameter: 'ZEROPLANE_FRONT_PROXY_PARAMETER',
  /** ARN of the customer's key for all of them; where it is missing, the account's key of AWS is used. */
  secretsKey: 'ZEROPLANE_SECRETS_KEY',
  /** Name of the String parameter with the URL of the API server's function: its own environment cannot hold it. */
  endpointParameter: 'ZEROPLANE_ENDPOINT_PARAMETER',
  /** Name of the EventBridge rule that runs the sweep each minute: enabled when there is something to sweep, disabled by the sweep itself. */
  sweepRule: 'ZEROPLANE_SWEEP_RULE',
  /** JSON of `AwsIdentityConfig` (functions/apiserver/auth/aws-iam). */
  awsIdentity: 'ZEROPLANE_AWS_IDENTITY',
  serviceCidr: 'ZEROPLANE_SERVICE_CIDR',
  podCidr: 'ZEROPLANE_POD_CIDR',
  clusterDns: 'ZEROPLANE_CLUSTER_DNS',
  /** A streamed watch ends after so many seconds at the latest, and its client resumes. */
  watchSeconds: 'ZEROPLANE_WATCH_SECONDS',
  /** Watches open at one time, over all environments of the API server's function. */
  watchesMax: 'ZEROPLANE_WATCHES_MAX',
  /** on or off: numbers for CloudWatch in the log, each of which is billed by the month. */
  metrics: 'ZEROPLANE_METRICS',
  /** debug, info, warn or error. */
  logLevel: 'ZEROPLANE_LOG_LEVEL',
} as const;

export type FunctionEnvironment = typeof FUNCTION_ENVIRONMENT;

/** The functions of a control plane: the names of their bundles in dist/lambda, and of what infra/ makes of them. */
export const FUNCTION_NAMES = ['apiserver', 'dispatcher', 'scheduler', 'controllers', 'sweep'] as const;

export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Tag of a doorbell's queue: the node whose it is. Nodes' rights go by it. */
export const DOORBELL_NODE_TAG = 'zeroplane-node';

/** Outputs of a cluster's stack that name its tables, for the command line. */
export const TABLE_OUTPUT = 'ObjectsTable';
export const HEARTBEAT_TABLE_OUTPUT = 'HeartbeatsTable';

/** Names of what is outside of a cluster's stack, or must be known before it is made. */
export function clusterNames(cluster: string): {
  stack: string;
  sweepRule: string;
  signingKeysParameter: string;
  authorityParameter: string;
  frontProxyParameter: string;
  endpointParameter: string;
  /** Beginning of the names of the nodes' doorbell queues. */
  doorbellPrefix: string;
} {
  return {
    stack: `zeroplane-${cluster}`,
    sweepRule: `zeroplane-${cluster}-sweep`,
    signingKeysParameter: `/zeroplane/${cluster}/signing-keys`,
    authorityParameter: `/zeroplane/${cluster}/authority`,
    frontProxyParameter: `/zeroplane/${cluster}/front-proxy`,
    endpointParameter: `/zeroplane/${cluster}/endpoint`,
    doorbellPrefix: `zeroplane-${cluster}-node-`,
  };
}
