import { Aws, CfnOutput, Duration, Lazy, Stack, Tags, type StackProps } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType, InvokeMode, type FunctionUrl } from 'aws-cdk-lib/aws-lambda';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import {
  clusterNames,
  FUNCTION_ENVIRONMENT,
  HEARTBEAT_TABLE_OUTPUT,
  TABLE_OUTPUT,
  type FunctionName,
} from '../lib/aws/function-environment.js';
import { AlarmTopic, Alarms } from './alarms.js';
import { ControlPlaneFunction, type FunctionDefaults } from './control-plane-function.js';
import { CustomerKey } from './encryption.js';
import { EventSources } from './event-sources.js';
import { Identities } from './identities.js';
import { API_TIMEOUT, DISPATCHER_TIMEOUT, SWEEP_TIMEOUT, WORK_TIMEOUT } from './limits.js';
import type { ClusterParameters } from './parameters.js';
import { Queues } from './queues.js';
import { SigningKeys } from './signing-keys.js';
import { Tables } from './tables.js';
import { TimedEvents } from './timed-events.js';
import { WorkerRole, Workers } from './workers.js';

export interface ClusterStackProps extends StackProps {
  parameters: ClusterParameters;
  /** Folder of what the build makes: the functions in `lambda`, the command line beside it. */
  dist: string;
}

/** A whole cluster: its control plane, and workers where they are asked for. */
export class ClusterStack extends Stack {
  constructor(scope: Construct, id: string, props: ClusterStackProps) {
    const { parameters, dist, ...rest } = props;
    const { cluster } = parameters;
    super(scope, id, {
      description: `Zeroplane ${cluster}: a Kubernetes control plane`,
      terminationProtection: parameters.deletionProtection,
      ...rest,
    });
    Tags.of(this).add('zeroplane:cluster', cluster);
    const isProtected = parameters.deletionProtection;
    const encryption = parameters.customerKey ? new CustomerKey(this, 'Key', { cluster, isProtected }) : undefined;
    const key = encryption?.key;

    const tables = new Tables(this, 'Tables', { isProtected, key });
    const queues = new Queues(this, 'Queues', { key });
    const { topic } = new AlarmTopic(this, 'Trouble', { key, email: parameters.alarmEmail });
    const identities = new Identities(this, 'Identities', parameters);
    const workerRole =
      parameters.workers > 0 || parameters.workersMax ? new WorkerRole(this, 'WorkerRole', { cluster }) : undefined;
    if (workerRole !== undefined) identities.addWorkers(workerRole.role.roleArn);

    const names = clusterNames(cluster);
    const e = FUNCTION_ENVIRONMENT;
    const defaults: FunctionDefaults = {
      cluster,
      bundles: `${dist}/lambda`,
      logRetention: parameters.logRetentionDays,
      key,
      environment: {
        [e.cluster]: cluster,
        [e.table]: tables.objects.tableName,
        [e.heartbeatTable]: tables.heartbeats.tableName,
        [e.workQueueUrl]: queues.work.queueUrl,
        [e.schedulerQueueUrl]: queues.scheduler.queueUrl,
        [e.delayQueueUrl]: queues.delay.queueUrl,
        [e.deadLetterQueueUrl]: queues.deadLetters.queueUrl,
        [e.signingKeysParameter]: names.signingKeysParameter,
        [e.authorityParameter]: names.authorityParameter,
        [e.frontProxyParameter]: names.frontProxyParameter,
        [e.endpointParameter]: names.endpointParameter,
        [e.sweepRule]: names.sweepRule,
        [e.serviceCidr]: parameters.serviceCidr,
        [e.podCidr]: parameters.podCidr,
        [e.clusterDns]: parameters.clusterDns,
        [e.watchSeconds]: String(parameters.watchSeconds),
        [e.watchesMax]: String(parameters.watchesMax),
        [e.metrics]: parameters.metrics ? 'on' : 'off',
        [e.logLevel]: parameters.logLevel,
        ...(key === undefined ? {} : { [e.secretsKey]: key.keyArn }),
      },
    };
    const make = (name: FunctionName, description: string, timeout: Duration): ControlPlaneFunction =>
      new ControlPlaneFunction(this, name, {
        name,
        defaults,
        description: `Zeroplane ${cluster}: ${description}`,
        timeout,
        memorySize: name === 'apiserver' ? parameters.apiMemoryMb : parameters.workMemoryMb,
        ...(name === 'apiserver' && parameters.apiReservedConcurrency !== undefined
          ? { reservedConcurrency: parameters.apiReservedConcurrency }
          : {}),
      });
    const apiserver = make('apiserver', 'API server', API_TIMEOUT);
    const dispatcher = make('dispatcher', 'changes to keys and doorbells', DISPATCHER_TIMEOUT);
    const scheduler = make('scheduler', 'scheduler', WORK_TIMEOUT);
    const controllers = make('controllers', 'controllers', WORK_TIMEOUT);
    const sweep = make('sweep', 'what no event tells', SWEEP_TIMEOUT);
    const functions = [apiserver, dispatcher, scheduler, controllers, sweep];
    apiserver.function.addEnvironment(e.awsIdentity, Lazy.string({ produce: () => identities.configuration }));

    const signingKeys = new SigningKeys(this, 'SigningKeys', { cluster });
    for (const { role } of functions) {
      tables.grantStore(role);
      signingKeys.grantRead(role);
      signingKeys.grantCreate(role);
      encryption?.grantUse(role);
    }
    for (const { role } of [dispatcher, scheduler, controllers, sweep]) queues.grantSend(role);
    queues.grantConsume(sweep.role, queues.deadLetters);
    this.#grantDoorbells(names.doorbellPrefix, { dispatcher, controllers });

    const url = this.#serve(apiserver, parameters.streaming);
    new StringParameter(this, 'Endpoint', {
      parameterName: names.endpointParameter,
      stringValue: url.url,
      description: `Zeroplane ${cluster}: URL of the API server`,
    });
    new EventSources(this, 'EventSources', { tables, queues, topic, dispatcher, scheduler, controllers });
    new TimedEvents(this, 'TimedEvents', { cluster, topic, sweep, dispatcher });
    new Alarms(this, 'Alarms', {
      cluster,
      names: parameters.alarms,
      topic,
      deadLetters: queues.deadLetters,
      apiserver: apiserver.function,
      dispatcher: dispatcher.function,
    });
    if (workerRole !== undefined)
      new Workers(this, 'Workers', { parameters, role: workerRole.role, server: url.url, dist });

    new CfnOutput(this, 'Url', { value: url.url, description: 'The API server' });
    new CfnOutput(this, 'AdminRole', {
      value: identities.adminRole.roleArn,
      description: 'Whoever may assume this role administers the cluster',
    });
    new CfnOutput(this, TABLE_OUTPUT, {
      value: tables.objects.tableName,
      description: 'The table of objects, for `zeroplane backup` and `restore`',
    });
    new CfnOutput(this, HEARTBEAT_TABLE_OUTPUT, {
      value: tables.heartbeats.tableName,
      description: 'The table of heartbeats, for `zeroplane backup` and `restore`',
    });
    new CfnOutput(this, 'Topic', { value: topic.topicArn, description: 'Where trouble is told' });
    new CfnOutput(this, 'Kubeconfig', {
      value: `npx zeroplane kubeconfig --server ${url.url} --cluster-name ${cluster} --region ${Aws.REGION} --role-arn ${identities.adminRole.roleArn} > ${cluster}.kubeconfig`,
      description: 'Writes a kubeconfig',
    });
  }

  /** The API server authenticates by itself, as Kubernetes does: AWS would take the Authorization header for its own. */
  #serve(apiserver: ControlPlaneFunction, streams: boolean): FunctionUrl {
    return apiserver.function.addFunctionUrl({
      authType: FunctionUrlAuthType.NONE,
      invokeMode: streams ? InvokeMode.RESPONSE_STREAM : InvokeMode.BUFFERED,
    });
  }

  /** Queues of nodes come and go with the nodes: permissions go by the beginning of their names. */
  #grantDoorbells(
    prefix: string,
    functions: { dispatcher: ControlPlaneFunction; controllers: ControlPlaneFunction },
  ): void {
    const resources = [this.formatArn({ service: 'sqs', resource: `${prefix}*` })];
    const { dispatcher, controllers } = functions;
    dispatcher.role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage', 'sqs:GetQueueUrl'], resources }));
    controllers.role.addToPolicy(
      new PolicyStatement({
        actions: ['sqs:CreateQueue', 'sqs:TagQueue', 'sqs:DeleteQueue', 'sqs:GetQueueUrl'],
        resources,
      }),
    );
  }
}
