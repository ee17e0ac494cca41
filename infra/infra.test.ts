import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, Aspects } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { clusterNames, FUNCTION_ENVIRONMENT, FUNCTION_NAMES } from '../lib/aws/function-environment.js';
import { ClusterStack } from './cluster-stack.js';
import { idleCosts, nodeCost } from './cost-model.js';
import { explainExceptions } from './nag-exceptions.js';
import { ALARM_NAMES, parseParameters } from './parameters.js';

const IDLE_BUDGET_DOLLARS = 0.5;
const NODE_BUDGET_DOLLARS = 0.25;

/** The CDK takes seconds to load and to write a template, on a busy machine many. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

let dist: string;

/** What is built is not looked at here: any files will do. */
beforeAll(() => {
  dist = mkdtempSync(path.join(tmpdir(), 'zeroplane-dist-'));
  for (const name of FUNCTION_NAMES) {
    mkdirSync(path.join(dist, 'lambda', name), { recursive: true });
    writeFileSync(path.join(dist, 'lambda', name, 'index.mjs'), 'export const handler = async () => undefined;\n');
  }
  writeFileSync(path.join(dist, 'zeroplane.mjs'), '');
  for (const context of CHECKED) synthesized(context);
});

afterAll(() => rmSync(dist, { recursive: true }));

const everything = { workers: '2', customerKey: 'true', alarms: ALARM_NAMES.join(','), alarmEmail: 'ops@example.com' };
const given = {
  workers: '1',
  vpcId: 'vpc-0123456789abcdef0',
  subnetIds: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1',
};

/** cdk-nag takes its time: these are what it looks at. */
const CHECKED = [{}, everything, given];

interface Synthesized {
  template: Template;
  /** What cdk-nag finds and nobody has explained. */
  findings: string[];
}

const made = new Map<string, Synthesized>();

/** The template for these parameters; made once, since that takes a moment. */
function synthesized(context: Record<string, unknown> = {}): Synthesized {
  const name = JSON.stringify(context);
  const present = made.get(name);
  if (present !== undefined) return present;
  const parameters = parseParameters(context);
  const { cluster, customerKey } = parameters;
  const app = new App({ outdir: path.join(dist, `out-${made.size}`) });
  const stack = new ClusterStack(app, clusterNames(cluster).stack, { parameters, dist });
  if (CHECKED.some((checked) => JSON.stringify(checked) === name)) {
    explainExceptions(stack, { cluster, hasKey: customerKey });
    Aspects.of(stack).add(new AwsSolutionsChecks());
  }
  const template = Template.fromStack(stack);
  const found = [
    ...Annotations.fromStack(stack).findError('*', Match.stringLikeRegexp('AwsSolutions-.*')),
    ...Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('(AwsSolutions-|CdkNag).*')),
  ];
  const findings = found.map(({ id, entry }) => `${id}: ${String(entry.data)}`);
  const result = { template, findings };
  made.set(name, result);
  return result;
}

const templateOf = (context?: Record<string, unknown>): Template => synthesized(context).template;

/** Properties of all resources of a type. */
function allOf(template: Template, type: string): Record<string, unknown>[] {
  return Object.values(template.findResources(type)).map(({ Properties }) => Properties as Record<string, unknown>);
}

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Principal?: unknown;
}

const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Every statement of every policy of every role, with where it stands. */
function statements(template: Template): { where: string; statement: Statement }[] {
  return Object.entries({ ...template.findResources('AWS::IAM::Policy'), ...template.findResources('AWS::IAM::Role') })
    .flatMap(([where, { Properties }]) =>
      [Properties, ...((Properties as { Policies?: unknown[] }).Policies ?? [])].map((policy) => ({ where, policy })),
    )
    .flatMap(({ where, policy }) => {
      const { PolicyDocument } = policy as { PolicyDocument?: { Statement: Statement[] } };
      return (PolicyDocument?.Statement ?? []).map((statement) => ({ where, statement }));
    });
}

describe('least privilege', () => {
  for (const [name, context] of Object.entries({ default: {}, everything })) {
    test(`${name}: no statement is about everything, and none allows everything`, () => {
      const found = statements(templateOf(context));
      expect(found.length).toBeGreaterThan(10);
      for (const { where, statement } of found) {
        for (const resource of listOf(statement.Resource)) expect(resource, where).not.toBe('*');
        for (const action of listOf(statement.Action))
          expect(action, where).toMatch(/^([a-z0-9]+:[A-Za-z]+|kms:GenerateDataKey\*)$/);
        const text = JSON.stringify(statement.Resource);
        const wild = text.match(/[^"]*\*[^"]*/g) ?? [];
        for (const part of wild) expect(part, where).toBe(':zeroplane-main-node-*');
      }
    });
  }

  test('no function may delete items, read the whole table or change its settings', () => {
    const actions = statements(templateOf(everything)).flatMap(({ statement }) => listOf(statement.Action));
    for (const forbidden of ['dynamodb:DeleteItem', 'dynamodb:Scan', 'dynamodb:DeleteTable', 'dynamodb:UpdateTable'])
      expect(actions).not.toContain(forbidden);
    expect(actions.filter((action) => /^(iam|ec2|lambda|kms:(Put|Create|Schedule|Disable))/.test(action))).toEqual([]);
  });

  test('secrets are made once, and never overwritten', () => {
    const puts = statements(templateOf()).filter(({ statement }) =>
      listOf(statement.Action).includes('ssm:PutParameter'),
    );
    expect(puts.length).toBeGreaterThan(0);
    for (const { statement } of puts)
      expect(statement).toMatchObject({ Condition: { StringNotEquals: { 'ssm:Overwrite': 'true' } } });
    for (const { statement } of puts) {
      const names = JSON.stringify(statement.Resource).match(/parameter\/zeroplane\/[\w-]+\/[\w-]+/g);
      expect(names?.map((name) => name.split('/').at(-1)).toSorted()).toEqual([
        'authority',
        'front-proxy',
        'signing-keys',
      ]);
    }
  });

  test('the administrators’ role has no rights', () => {
    const template = templateOf();
    const [name, role] =
      Object.entries(template.findResources('AWS::IAM::Role')).find(([id]) => id.includes('Admin')) ?? [];
    expect(role?.['Properties']).not.toHaveProperty('Policies');
    expect(role?.['Properties']).not.toHaveProperty('ManagedPolicyArns');
    for (const policy of Object.values(template.findResources('AWS::IAM::Policy')))
      expect(JSON.stringify(policy)).not.toContain(`"Ref":"${name}"`);
  });

  test('workers hear their doorbell and fetch the agent', () => {
    const found = statements(templateOf(everything)).filter(({ where }) => where.startsWith('WorkerRole'));
    const actions = found.flatMap(({ statement }) =>
      statement.Principal === undefined ? listOf(statement.Action) : [],
    );
    expect(actions.toSorted()).toEqual(['s3:GetObject', 'sqs:DeleteMessage', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage']);
    const doorbells = found.filter(({ statement }) => listOf(statement.Action).some((one) => one.startsWith('sqs:')));
    expect(doorbells).toHaveLength(1);
    // A node hears its own doorbell alone: the session is named by the instance, the queue is tagged with the node.
    expect(doorbells[0]?.statement).toMatchObject({
      Condition: { StringLike: { 'aws:userid': '*:${aws:ResourceTag/zeroplane-node}' } },
    });
  });
});

describe('cdk-nag', () => {
  for (const [name, context] of Object.entries({ default: {}, everything, given })) {
    test(`${name}: finds nothing that is not explained`, () => {
      expect(synthesized(context).findings).toEqual([]);
    });
  }
});

describe('tables', () => {
  test('are billed by request, can be restored, are not deleted by mistake, and forget by time', () => {
    const tables = allOf(templateOf(), 'AWS::DynamoDB::Table');
    expect(tables).toHaveLength(2);
    for (const table of tables)
      expect(table).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      });
    templateOf().allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('are encrypted, under a key of the customer where one is asked for, which is turned over each year', () => {
    // Without one DynamoDB's own key encrypts them, which cannot be switched off.
    for (const table of allOf(templateOf(), 'AWS::DynamoDB::Table'))
      expect(table).not.toHaveProperty('SSESpecification');
    const template = templateOf({ customerKey: 'true' });
    const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
    for (const table of allOf(template, 'AWS::DynamoDB::Table'))
      expect(table['SSESpecification']).toEqual({
        SSEEnabled: true,
        SSEType: 'KMS',
        KMSMasterKeyId: { 'Fn::GetAtt': [key, 'Arn'] },
      });
    template.allResourcesProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  test('only that of the objects has a stream, and heartbeats have none', () => {
    const streams = allOf(templateOf(), 'AWS::DynamoDB::Table').map((table) => table['StreamSpecification']);
    expect(streams).toEqual([{ StreamViewType: 'NEW_IMAGE' }, undefined]);
  });

  test('go with the stack where that is asked for', () => {
    const template = templateOf({ deletionProtection: 'false' });
    template.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
    template.allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' });
  });
});

describe('functions', () => {
  test('run Node.js 24 on arm64, write structured logs that end, and know each other by name', () => {
    const template = templateOf();
    const functions = allOf(template, 'AWS::Lambda::Function');
    expect(functions).toHaveLength(FUNCTION_NAMES.length);
    for (const one of functions) {
      expect(one).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        LoggingConfig: { LogFormat: 'JSON', SystemLogLevel: 'WARN', LogGroup: { Ref: expect.any(String) } },
      });
      expect(one).not.toHaveProperty('ReservedConcurrentExecutions');
      const { Variables } = one['Environment'] as { Variables: Record<string, unknown> };
      const { secretsKey, awsIdentity, ...everywhere } = FUNCTION_ENVIRONMENT;
      for (const name of Object.values(everywhere)) expect(Variables).toHaveProperty(name);
      expect(Variables).not.toHaveProperty(secretsKey);
      expect(awsIdentity in Variables).toBe(one['Description'] === 'Zeroplane main: API server');
    }
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 14 });
    template.resourceCountIs('AWS::Logs::LogGroup', FUNCTION_NAMES.length);
  });

  test('the API server is reached by a URL that streams, and authenticates by itself', () => {
    const template = templateOf();
    expect(allOf(template, 'AWS::Lambda::Url')).toEqual([
      expect.objectContaining({ AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' }),
    ]);
    expect(allOf(template, 'AWS::Lambda::Url')[0]).not.toHaveProperty('Cors');
    templateOf({ streaming: 'false' }).hasResourceProperties('AWS::Lambda::Url', { InvokeMode: 'BUFFERED' });
    const open = allOf(template, 'AWS::Lambda::Permission').filter(({ Principal }) => Principal === '*');
    expect(open.map(({ Action }) => Action).toSorted()).toEqual(['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl']);
    expect(open).toContainEqual(expect.objectContaining({ FunctionUrlAuthType: 'NONE' }));
    expect(open).toContainEqual(expect.objectContaining({ InvokedViaFunctionUrl: true }));
    for (const permission of allOf(template, 'AWS::Lambda::Permission'))
      if (permission['Principal'] !== '*') expect(permission).toHaveProperty('SourceArn');
  });

  test('identities: administrators and workers, and STS of the region', () => {
    const parameters = { workers: '2', admins: 'arn:aws:iam::123456789012:user/jane', stsRegions: 'eu-west-1' };
    const api = allOf(templateOf(parameters), 'AWS::Lambda::Function').find(({ Description }) =>
      String(Description).endsWith('API server'),
    );
    const environment = api?.['Environment'] as { Variables: Record<string, unknown> } | undefined;
    const text = JSON.stringify(environment?.Variables[FUNCTION_ENVIRONMENT.awsIdentity]);
    for (const part of ['sts.amazonaws.com', 'sts.eu-west-1.amazonaws.com', 'user/jane', 'system:masters'])
      expect(text).toContain(part);
    expect(text).toMatch(/WorkerRole.*system:node:\{\{SessionName\}\}.*system:nodes/);
  });
});

describe('queues and mappings', () => {
  test('are encrypted and reached by TLS alone; keys are FIFO, told apart by ids of our own', () => {
    const queues = Object.entries(templateOf().findResources('AWS::SQS::Queue'));
    const find = (name: string): Record<string, unknown> =>
      queues.find(([id]) => id.startsWith(`Queues${name}`))?.[1]['Properties'] as Record<string, unknown>;
    for (const [, { Properties }] of queues) expect(Properties).toMatchObject({ SqsManagedSseEnabled: true });
    for (const name of ['Work', 'Scheduler']) {
      expect(find(name)).toMatchObject({ FifoQueue: true, RedrivePolicy: { maxReceiveCount: 5 } });
      expect(find(name)).not.toMatchObject({ ContentBasedDeduplication: true });
    }
    expect(find('DeadLetters')).toMatchObject({ FifoQueue: true, MessageRetentionPeriod: 14 * 86_400 });
    expect(find('Delay')).not.toHaveProperty('FifoQueue');
    const policies = allOf(templateOf(), 'AWS::SQS::QueuePolicy');
    expect(policies).toHaveLength(queues.length);
    for (const policy of policies) expect(JSON.stringify(policy)).toContain('"aws:SecureTransport":"false"');
  });

  test('a message stays hidden longer than the function that handles it may run', () => {
    const template = templateOf();
    const functions = template.findResources('AWS::Lambda::Function');
    const sources = template.findResources('AWS::SQS::Queue');
    let checked = 0;
    for (const mapping of allOf(template, 'AWS::Lambda::EventSourceMapping')) {
      const { FunctionName, EventSourceArn } = mapping as {
        FunctionName: { Ref: string };
        EventSourceArn: { 'Fn::GetAtt': [string, string] };
      };
      const queue = sources[EventSourceArn['Fn::GetAtt'][0]];
      if (queue === undefined) continue;
      checked++;
      const { VisibilityTimeout } = queue['Properties'] as { VisibilityTimeout: number };
      const target = functions[FunctionName.Ref]?.['Properties'] as { Timeout: number } | undefined;
      expect(VisibilityTimeout).toBeGreaterThan(target?.Timeout ?? Infinity);
    }
    expect(checked).toBe(3);
  });

  test('a record of the stream that fails holds up nothing for long', () => {
    templateOf().hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 8,
      MaximumRecordAgeInSeconds: 1_800,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ParallelizationFactor: 2,
      StartingPosition: 'TRIM_HORIZON',
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
      FilterCriteria: {
        Filters: [{ Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["event"]}}}}' }],
      },
    });
  });

  test('queues answer message by message', () => {
    const mappings = allOf(templateOf(), 'AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(4);
    for (const mapping of mappings) expect(mapping['FunctionResponseTypes']).toEqual(['ReportBatchItemFailures']);
  });
});

describe('events', () => {
  test('the sweep runs each minute under a name that the functions know', () => {
    templateOf({ cluster: 'shop' }).hasResourceProperties('AWS::Events::Rule', {
      Name: 'zeroplane-shop-sweep',
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
    });
  });

  test('EC2 tells of instances that stop and of spot interruptions', () => {
    templateOf().hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.ec2'],
        'detail-type': ['EC2 Instance State-change Notification'],
        detail: { state: ['stopping', 'stopped', 'shutting-down', 'terminated'] },
      },
    });
    templateOf().hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
    });
  });
});

describe('workers', () => {
  test('are not there unless asked for', () => {
    for (const type of ['AWS::EC2::VPC', 'AWS::EC2::LaunchTemplate', 'AWS::AutoScaling::AutoScalingGroup'])
      templateOf().resourceCountIs(type, 0);
  });

  test('keep their credentials from pods, have encrypted disks, and nobody comes in', () => {
    const template = templateOf(everything);
    const [launch] = allOf(template, 'AWS::EC2::LaunchTemplate');
    expect(launch?.['LaunchTemplateData']).toMatchObject({
      InstanceType: 't4g.small',
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      BlockDeviceMappings: [{ Ebs: { Encrypted: true, VolumeType: 'gp3', VolumeSize: 20, DeleteOnTermination: true } }],
    });
    expect(launch?.['LaunchTemplateData']).not.toHaveProperty('KeyName');
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    for (const group of allOf(template, 'AWS::EC2::SecurityGroup'))
      expect(group).not.toHaveProperty('SecurityGroupIngress');
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::EIP', 0);
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { MinSize: '2', MaxSize: '2' });
    for (const role of Object.values(template.findResources('AWS::IAM::Role')))
      if (JSON.stringify(role).includes('ec2.amazonaws.com'))
        expect(JSON.stringify(role['Properties'].AssumeRolePolicyDocument.Statement)).toMatch(
          /^\[\{"Action":"sts:AssumeRole","Effect":"Allow","Principal":\{"Service":"ec2.amazonaws.com"\}\}\]$/,
        );
  });

  test('start the agent as the node of the instance’s id', () => {
    const text = JSON.stringify(allOf(templateOf(everything), 'AWS::EC2::LaunchTemplate'));
    for (const part of [
      'dnf install -y containerd runc cni-plugins',
      'X-aws-ec2-metadata-token',
      'agent --kubeconfig /etc/zeroplane/kubeconfig --node-name $instance',
      'systemctl enable --now zeroplane-agent',
      'token, --cluster-name',
      '--node-name $instance --cluster-name main',
    ])
      expect(text).toContain(part);
  });

  test('go into a given VPC, of which nothing is looked up', () => {
    const template = templateOf(given);
    template.resourceCountIs('AWS::EC2::VPC', 0);
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      VPCZoneIdentifier: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { VpcId: 'vpc-0123456789abcdef0' });
    expect(JSON.stringify(template.toJSON())).not.toContain('given-0');
  });

  test('x86 instances get an image of theirs', () => {
    const images = (context: Record<string, unknown>): string =>
      JSON.stringify(
        templateOf(context).findParameters('*', { Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>' }),
      );
    expect(images(given)).toContain('arm64');
    expect(images({ ...given, workerInstanceType: 't3.small' })).toContain('x86_64');
    const own = templateOf({ ...given, workerImage: 'ami-0123456789abcdef0' });
    own.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({ ImageId: 'ami-0123456789abcdef0' }),
    });
  });
});

describe('alarms', () => {
  test('are four at most, tell the topic, and are quiet where nothing happens', () => {
    const alarms = allOf(templateOf(everything), 'AWS::CloudWatch::Alarm');
    expect(alarms).toHaveLength(4);
    for (const alarm of alarms) {
      expect(alarm).toMatchObject({ TreatMissingData: 'notBreaching', AlarmActions: [{ Ref: expect.any(String) }] });
      expect(alarm).not.toHaveProperty('Metrics');
    }
    expect(alarms.map(({ MetricName }) => MetricName).toSorted()).toEqual([
      'ApproximateNumberOfMessagesVisible',
      'IteratorAge',
      'Throttles',
      'Url5xxCount',
    ]);
    templateOf(everything).hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email' });
  });
});

describe('outputs', () => {
  test('are the URL and the command that writes a kubeconfig', () => {
    const outputs = templateOf({ cluster: 'shop' }).findOutputs('*');
    expect(Object.keys(outputs).toSorted()).toEqual([
      'AdminRole',
      'HeartbeatsTable',
      'Kubeconfig',
      'ObjectsTable',
      'Topic',
      'Url',
    ]);
    const text = JSON.stringify(outputs['Kubeconfig']);
    for (const part of ['npx zeroplane kubeconfig --server ', '--cluster-name shop', '--region', '--role-arn'])
      expect(text).toContain(part);
  });

  test('clusters of other names share nothing', () => {
    const nameOf = (cluster: string): unknown[] =>
      ['AWS::Events::Rule', 'AWS::SSM::Parameter'].flatMap((type) =>
        allOf(templateOf({ cluster }), type).flatMap(({ Name }) => Name ?? []),
      );
    const [one, other] = [nameOf('shop'), nameOf('main')];
    expect(one.length).toBeGreaterThan(0);
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });
});

describe('what it costs', () => {
  test('an idle cluster stays within its budget', () => {
    const lines = idleCosts(templateOf().toJSON() as Parameters<typeof idleCosts>[0]);
    const paid = lines.filter(({ dollarsPerMonth }) => dollarsPerMonth > 0);
    const sum = paid.reduce((total, { dollarsPerMonth }) => total + dollarsPerMonth, 0);
    expect(sum, JSON.stringify(paid, undefined, 2)).toBeLessThanOrEqual(IDLE_BUDGET_DOLLARS);
    expect(sum).toBeGreaterThan(0.2);
  });

  test('workers add nothing while there are none of them, and all options are priced', () => {
    const sumOf = (context: Record<string, unknown>): number =>
      idleCosts(templateOf(context).toJSON() as Parameters<typeof idleCosts>[0]).reduce(
        (total, { dollarsPerMonth }) => total + dollarsPerMonth,
        0,
      );
    expect(sumOf(given)).toBeCloseTo(sumOf({}), 6);
    expect(sumOf(everything)).toBeCloseTo(sumOf({}) + 3 * 0.1 + 1, 6);
  });

  test('what has no price fails', () => {
    const template = { Resources: { Nat: { Type: 'AWS::EC2::NatGateway' } } };
    expect(() => idleCosts(template)).toThrow('Nat is a AWS::EC2::NatGateway, whose price is not known');
    const table = { Resources: { T: { Type: 'AWS::DynamoDB::Table', Properties: { BillingMode: 'PROVISIONED' } } } };
    expect(() => idleCosts(table)).toThrow('provisioned capacity');
  });

  test('a node stays within its budget', () => {
    expect(nodeCost()).toBeLessThanOrEqual(NODE_BUDGET_DOLLARS);
    expect(nodeCost()).toBeGreaterThan(0.1);
  });
});
