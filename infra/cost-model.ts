import { UnknownPriceError } from './errors.js';

/** A month, as the prices below count it. */
export const MONTH_SECONDS = 30 * 86_400;
const MILLION = 1_000_000;

/**
 * List prices in US dollars (us-east-1, November 2026), without any free allowance: an account's first million requests of SQS, its first ten
 * alarms and more are free, but many clusters share one account.
 */
export const PRICES = {
  alarmMetricMonth: 0.1,
  compositeAlarmMonth: 0.5,
  customerKeyMonth: 1,
  secretMonth: 0.4,
  advancedParameterMonth: 0.05,
  sqsStandardRequest: 0.4 / MILLION,
  sqsFifoRequest: 0.5 / MILLION,
  writeUnit: 0.625 / MILLION,
  readUnit: 0.125 / MILLION,
  lambdaRequest: 0.2 / MILLION,
  lambdaGbSecond: 0.0000133334,
  logGb: 0.5,
  /** A control plane of EKS, to compare with. */
  eksHour: 0.1,
} as const;

/** Lambda polls an idle queue with so many pollers, each of which asks every 20 seconds. Right after traffic there are five. */
const IDLE_POLLERS = 2;
const POLL_SECONDS = 20;

export interface CostLine {
  resource: string;
  dollarsPerMonth: number;
  why: string;
}

interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
}

type Pricing = (properties: Record<string, unknown>, template: Template) => { dollars: number; why: string };

export interface Template {
  Resources: Record<string, Resource>;
}

const nothing =
  (why: string): Pricing =>
  () => ({ dollars: 0, why });

const FREE = nothing('costs nothing');
const BY_USE = nothing('billed by use alone');
const BY_NODE = nothing('billed with the nodes');

/** What a resource costs while nobody uses it. A type that is not here has no price until somebody has looked it up. */
const PRICING: Readonly<Record<string, Pricing>> = {
  'AWS::IAM::Role': FREE,
  'AWS::IAM::Policy': FREE,
  'AWS::IAM::InstanceProfile': FREE,
  'AWS::Lambda::Permission': FREE,
  'AWS::Lambda::Url': FREE,
  'AWS::Lambda::EventInvokeConfig': FREE,
  'AWS::SQS::Queue': BY_USE,
  'AWS::SQS::QueuePolicy': FREE,
  'AWS::SNS::Topic': BY_USE,
  'AWS::SNS::TopicPolicy': FREE,
  'AWS::SNS::Subscription': BY_USE,
  'AWS::Logs::LogGroup': BY_USE,
  'AWS::Events::Rule': nothing('rules on the default bus are free, and the sweep is off'),
  'AWS::CDK::Metadata': FREE,
  'AWS::EC2::VPC': FREE,
  'AWS::EC2::Subnet': FREE,
  'AWS::EC2::RouteTable': FREE,
  'AWS::EC2::SubnetRouteTableAssociation': FREE,
  'AWS::EC2::Route': FREE,
  'AWS::EC2::InternetGateway': FREE,
  'AWS::EC2::VPCGatewayAttachment': FREE,
  'AWS::EC2::SecurityGroup': FREE,
  'AWS::EC2::LaunchTemplate': FREE,
  'AWS::AutoScaling::AutoScalingGroup': BY_NODE,
  'AWS::DynamoDB::Table': ({ BillingMode }) => {
    if (BillingMode !== 'PAY_PER_REQUEST')
      throw new UnknownPriceError('a table with provisioned capacity costs money while nobody uses it');
    return {
      dollars: 0,
      why: 'billed by request; an idle cluster’s few megabytes cost less than a cent, backups included',
    };
  },
  'AWS::Lambda::Function': (properties) => {
    if (properties['SnapStart'] !== undefined) throw new UnknownPriceError('SnapStart has a price of its own');
    return { dollars: 0, why: 'billed by use alone' };
  },
  'AWS::SSM::Parameter': ({ Tier }) =>
    Tier === 'Advanced'
      ? { dollars: PRICES.advancedParameterMonth, why: 'an advanced parameter' }
      : { dollars: 0, why: 'standard parameters cost nothing' },
  'AWS::KMS::Key': () => ({ dollars: PRICES.customerKeyMonth, why: 'a key of the account’s own' }),
  'AWS::SecretsManager::Secret': () => ({ dollars: PRICES.secretMonth, why: 'a secret' }),
  'AWS::CloudWatch::CompositeAlarm': () => ({ dollars: PRICES.compositeAlarmMonth, why: 'a composite alarm' }),
  'AWS::CloudWatch::Alarm': ({ Metrics }) => {
    const count = Array.isArray(Metrics) ? Metrics.filter((metric) => hasStat(metric)).length : 1;
    return { dollars: count * PRICES.alarmMetricMonth, why: `an alarm on ${count} metric${count === 1 ? '' : 's'}` };
  },
  'AWS::Lambda::EventSourceMapping': ({ EventSourceArn, ProvisionedPollerConfig }, template) => {
    if (ProvisionedPollerConfig !== undefined)
      throw new UnknownPriceError('provisioned pollers cost money while nobody uses them');
    const source = referenced(EventSourceArn, template);
    if (source?.Type === 'AWS::DynamoDB::Table')
      return { dollars: 0, why: 'Lambda reads streams of DynamoDB at no charge' };
    if (source?.Type !== 'AWS::SQS::Queue')
      throw new UnknownPriceError('a mapping of another source than a queue or a stream');
    const price = source.Properties?.['FifoQueue'] === true ? PRICES.sqsFifoRequest : PRICES.sqsStandardRequest;
    const polls = (IDLE_POLLERS * MONTH_SECONDS) / POLL_SECONDS;
    return { dollars: polls * price, why: `${polls} empty receives` };
  },
};

/** What each resource of a template costs a month while there are no nodes and nobody asks. Throws an `UnknownPriceError`. */
export function idleCosts(template: Template): CostLine[] {
  return Object.entries(template.Resources).map(([resource, { Type, Properties = {} }]) => {
    const pricing = PRICING[Type];
    if (pricing === undefined)
      throw new UnknownPriceError(
        `${resource} is a ${Type}, whose price is not known: look it up and add it to infra/cost-model.ts`,
      );
    const { dollars, why } = pricing(Properties, template);
    return { resource: `${Type} ${resource}`, dollarsPerMonth: dollars, why };
  });
}

/** How a node uses the control plane: counted requests of an agent, by the month. */
export interface NodeUse {
  heartbeatSeconds: number;
  /** Write units of one update of the node's status (object, log and counter, doubled by the transaction). */
  statusWriteUnits: number;
  statusSeconds: number;
  apiMemoryGb: number;
  /** What a short request takes. */
  requestSeconds: number;
}

export const NODE_USE_DEFAULT: NodeUse = {
  heartbeatSeconds: 30,
  statusWriteUnits: 14,
  statusSeconds: 900,
  apiMemoryGb: 0.5,
  requestSeconds: 0.025,
};

/**
 * What a node itself asks for in a month: heartbeats, status and polls. What the control plane does for it comes on top, and its instance:
 * `npm run bench -- cloud-month` counts that.
 */
export function nodeCost(use: NodeUse = NODE_USE_DEFAULT): number {
  const heartbeats = MONTH_SECONDS / use.heartbeatSeconds;
  const updates = MONTH_SECONDS / use.statusSeconds;
  const requests = heartbeats + 2 * updates;
  const polls = MONTH_SECONDS / POLL_SECONDS;
  return (
    (heartbeats + updates * use.statusWriteUnits) * PRICES.writeUnit +
    requests * (PRICES.lambdaRequest + use.requestSeconds * use.apiMemoryGb * PRICES.lambdaGbSecond) +
    polls * PRICES.sqsStandardRequest
  );
}

/** What was counted over some time. */
export interface CountedUse {
  readUnits: number;
  writeUnits: number;
  sqsStandardRequests: number;
  sqsFifoRequests: number;
  lambdaRequests: number;
  lambdaGbSeconds: number;
  logBytes: number;
}

/** Dollars for what was counted, by service. */
export function useCost(use: CountedUse): { dynamoDb: number; sqs: number; lambda: number; logs: number; sum: number } {
  const dynamoDb = use.readUnits * PRICES.readUnit + use.writeUnits * PRICES.writeUnit;
  const sqs = use.sqsStandardRequests * PRICES.sqsStandardRequest + use.sqsFifoRequests * PRICES.sqsFifoRequest;
  const lambda = use.lambdaRequests * PRICES.lambdaRequest + use.lambdaGbSeconds * PRICES.lambdaGbSecond;
  const logs = (use.logBytes / 1e9) * PRICES.logGb;
  return { dynamoDb, sqs, lambda, logs, sum: dynamoDb + sqs + lambda + logs };
}

function hasStat(metric: unknown): boolean {
  return typeof metric === 'object' && metric !== null && 'MetricStat' in metric;
}

/** The resource whose attribute a property is. */
function referenced(value: unknown, template: Template): Resource | undefined {
  if (typeof value !== 'object' || value === null || !('Fn::GetAtt' in value)) return undefined;
  const [name] = value['Fn::GetAtt'] as [string, string];
  return template.Resources[name];
}
