import { existsSync } from 'node:fs';
import path from 'node:path';
import { RemovalPolicy, type Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionName } from '../lib/aws/function-environment.js';
import { ParameterError } from './errors.js';

/** What all functions of a cluster have in common. */
export interface FunctionDefaults {
  cluster: string;
  /** Folder with one folder for each function, as the build makes them. */
  bundles: string;
  environment: Record<string, string>;
  logRetention: RetentionDays;
  key: IKey | undefined;
}

export interface ControlPlaneFunctionProps {
  name: FunctionName;
  defaults: FunctionDefaults;
  description: string;
  memorySize: number;
  timeout: Duration;
  /** None unless given: a reservation takes from the account's limit, which new accounts do not have. */
  reservedConcurrency?: number;
}

/** One function: arm64, Node.js 24, a role of its own that at first may only write its log, and a log that ends. */
export class ControlPlaneFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ControlPlaneFunctionProps) {
    super(scope, id);
    const { name, defaults } = props;
    this.logGroup = new LogGroup(this, 'Log', {
      retention: defaults.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(defaults.key === undefined ? {} : { encryptionKey: defaults.key }),
    });
    // Not the managed policy, which may write every log of the account.
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Zeroplane ${defaults.cluster}: ${name}`,
    });
    this.logGroup.grantWrite(this.role);
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: Code.fromAsset(bundleFolder(defaults.bundles, name)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize,
      timeout: props.timeout,
      role: this.role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      // A line of Lambda's own for each request would soon cost more than the requests.
      systemLogLevelV2: SystemLogLevel.WARN,
      environment: { ...defaults.environment, NODE_OPTIONS: '--enable-source-maps' },
      ...(defaults.key === undefined ? {} : { environmentEncryption: defaults.key }),
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
    });
  }
}

function bundleFolder(bundles: string, name: FunctionName): string {
  const folder = path.resolve(bundles, name);
  if (!existsSync(path.join(folder, 'index.mjs')))
    throw new ParameterError(`there is no bundle of the function ${name} in ${folder}. Build it with: npm run build`);
  return folder;
}
