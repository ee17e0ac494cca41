import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { clusterNames, HEARTBEAT_TABLE_OUTPUT, TABLE_OUTPUT } from '../lib/aws/function-environment.js';
import type { Clock } from '../lib/clock/clock.js';
import { makeDynamoDbClient, SdkTable } from '../lib/store/dynamodb/sdk-table.js';
import type { Table } from '../lib/store/dynamodb/table.js';
import { awsCredentials, awsRegion } from './aws-credentials.js';
import { UserError } from './errors.js';

const API_VERSION = '2010-05-15';
const TIMEOUT_MS = 15_000;

const CLUSTER_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export interface ClusterTables {
  table: Table;
  heartbeatTable: Table;
}

/** The tables of a cluster on AWS, as its stack names them. Throws a `UserError`. */
export async function clusterTables(
  options: { cluster: string; region: string | undefined },
  clock: Clock,
): Promise<ClusterTables> {
  const { cluster } = options;
  if (!CLUSTER_NAME.test(cluster))
    throw new UserError(`--cluster ${cluster} is not the name of a cluster: use a-z, 0-9 and '-', at most 63 of them`);
  const region = await awsRegion(options.region);
  const credentials = await awsCredentials();
  const { stack } = clusterNames(cluster);
  const outputs = await stackOutputs(stack, { region, credentials, nowMs: clock.now() });
  const name = outputs.get(TABLE_OUTPUT);
  const heartbeatName = outputs.get(HEARTBEAT_TABLE_OUTPUT);
  if (name === undefined || heartbeatName === undefined)
    throw new UserError(
      `the stack ${stack} does not name its tables: it was deployed by an older version. Deploy it again with: npx cdk deploy -c cluster=${cluster}`,
    );
  const client = makeDynamoDbClient({ region, credentials });
  const open = (tableName: string): Table => new SdkTable({ client, tableName, clock });
  return { table: open(name), heartbeatTable: open(heartbeatName) };
}

/** CloudFormation's DescribeStacks: the one operation of it that the command line needs. */
async function stackOutputs(
  stack: string,
  context: { region: string; credentials: Awaited<ReturnType<typeof awsCredentials>>; nowMs: number },
): Promise<Map<string, string>> {
  const { region, credentials, nowMs } = context;
  const endpoint = new URL(
    process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'] ||
      process.env['AWS_ENDPOINT_URL'] ||
      `https://cloudformation.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
  );
  const body = new URLSearchParams({ Action: 'DescribeStacks', Version: API_VERSION, StackName: stack }).toString();
  const signer = new SignatureV4({ service: 'cloudformation', region, credentials, sha256: Sha256 });
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: endpoint.protocol,
      hostname: endpoint.hostname,
      path: '/',
      headers: { host: endpoint.host, 'content-type': 'application/x-www-form-urlencoded' },
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
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new UserError(
      `CloudFormation at ${endpoint.host} could not be asked for the stack ${stack}: ${String(error)}`,
      {
        cause: error,
      },
    );
  }
  const text = await response.text();
  if (response.status === 200) return readOutputs(text);
  const why = /<Message>([^<]+)<\/Message>/.exec(text)?.[1] ?? `status ${response.status}`;
  throw new UserError(
    /does not exist/.test(why)
      ? `there is no cluster ${stack.replace(/^zeroplane-/, '')} in ${region}: deploy it first with npx cdk deploy, or name another with --cluster and --region`
      : `CloudFormation did not tell about the stack ${stack}: ${why}`,
  );
}

/** Keys and values in the answer, which is XML. */
export function readOutputs(xml: string): Map<string, string> {
  const outputs = new Map<string, string>();
  const section = /<Outputs>([\s\S]*?)<\/Outputs>/.exec(xml)?.[1] ?? '';
  for (const [, member = ''] of section.matchAll(/<member>([\s\S]*?)<\/member>/g)) {
    const key = /<OutputKey>([^<]*)<\/OutputKey>/.exec(member)?.[1];
    const value = /<OutputValue>([^<]*)<\/OutputValue>/.exec(member)?.[1];
    if (key !== undefined && value !== undefined) outputs.set(key, value);
  }
  return outputs;
}
