import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import { makeDynamoDbClient, SdkTable } from '../../lib/store/dynamodb/sdk-table.js';
import { makeSqsClient, SdkSqs } from '../../lib/work/sqs/sdk-sqs.js';
import { AwsJsonService } from './aws-json.js';
import { readEnvironment } from './environment.js';
import { jsonLog } from './logging.js';
import { Metrics } from './metrics.js';
import { SsmParameters } from './parameters.js';
import type { CloudParts } from './parts.js';
import { EventBridgeRules } from './rules.js';

/**
 * The adapters on AWS, configured by the environment. Region, credentials and an endpoint (of an emulator) are found by the SDK itself, in
 * the environment that Lambda gives.
 */
export function awsParts(functionName: string, environment: NodeJS.ProcessEnv = process.env): CloudParts {
  const config = readEnvironment(environment);
  const { cluster } = config;
  const clock = systemClock;
  const dynamoDb = makeDynamoDbClient();
  const sqsClient = makeSqsClient();
  const stsEndpoint = environment['AWS_ENDPOINT_URL_STS'] ?? environment['AWS_ENDPOINT_URL'];
  const service = (name: string, target: string, endpointVariable: string): AwsJsonService => {
    const endpoint = environment[`AWS_ENDPOINT_URL_${endpointVariable}`] ?? environment['AWS_ENDPOINT_URL'];
    return new AwsJsonService({
      service: name,
      target,
      credentials: () => dynamoDb.config.credentials(),
      region: environment['AWS_REGION'] ?? 'us-east-1',
      clock,
      ...(endpoint === undefined ? {} : { endpoint }),
    });
  };
  return {
    config,
    clock,
    random: systemRandom(),
    log: jsonLog({ level: config.logLevel, bindings: { cluster, function: functionName }, clock }),
    metrics: new Metrics({
      clock,
      dimensions: { Cluster: cluster, Function: functionName },
      write: config.metrics === 'on' ? (line) => void process.stdout.write(`${line}\n`) : () => undefined,
    }),
    table: new SdkTable({ client: dynamoDb, tableName: config.table, clock }),
    heartbeatTable: new SdkTable({ client: dynamoDb, tableName: config.heartbeatTable, clock }),
    sqs: new SdkSqs({ client: sqsClient, clock }),
    parameters: new SsmParameters({
      service: service('ssm', 'AmazonSSM', 'SSM'),
      ...(config.secretsKey === undefined ? {} : { keyId: config.secretsKey }),
    }),
    sts: { fetch: globalThis.fetch, ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }) },
    rules: new EventBridgeRules(service('events', 'AWSEvents', 'EVENTBRIDGE')),
  };
}
