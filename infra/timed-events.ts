import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SnsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { Aws, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { clusterNames } from '../lib/aws/function-environment.js';
import type { ControlPlaneFunction } from './control-plane-function.js';
import { SWEEP_INTERVAL } from './limits.js';

/** An event that is so old is of no use: the next sweep sees what it said. */
const EVENT_AGE_MAX = Duration.minutes(5);
const EVENT_RETRIES = 2;

export interface TimedEventsProps {
  cluster: string;
  topic: Topic;
  sweep: ControlPlaneFunction;
  dispatcher: ControlPlaneFunction;
}

/**
 * The sweep of each minute, and what EC2 says about its instances.
 *
 * The sweep's rule starts enabled, so that the first sweep makes the cluster's first objects. A sweep that finds nothing to look after (no
 * nodes, nothing that waits for its time) disables the rule; whoever makes something to look after enables it. So it costs nothing in an
 * idle cluster. Its name is fixed, since the functions that switch it must know it before it is made.
 */
export class TimedEvents extends Construct {
  constructor(scope: Construct, id: string, props: TimedEventsProps) {
    super(scope, id);
    const { cluster, topic, sweep, dispatcher } = props;
    const { sweepRule } = clusterNames(cluster);
    for (const { function: target } of [sweep, dispatcher])
      target.configureAsyncInvoke({
        maxEventAge: EVENT_AGE_MAX,
        retryAttempts: EVENT_RETRIES,
        onFailure: new SnsDestination(topic),
      });
    new Rule(this, 'Sweep', {
      ruleName: sweepRule,
      description: `Zeroplane ${cluster}: looks each minute for what no event tells. Switched on and off by the control plane.`,
      schedule: Schedule.rate(SWEEP_INTERVAL),
      targets: [new LambdaTarget(sweep.function, { event: RuleTargetInput.fromObject({ source: 'zeroplane.sweep' }) })],
    });
    const ruleArn = Stack.of(this).formatArn({ service: 'events', resource: 'rule', resourceName: sweepRule });
    const allow = (functions: ControlPlaneFunction[], actions: string[]): void => {
      for (const { role } of functions) role.addToPolicy(new PolicyStatement({ actions, resources: [ruleArn] }));
    };
    // A change that comes just before it switches off makes the sweep switch on again.
    allow([sweep], ['events:DisableRule', 'events:EnableRule']);
    allow([dispatcher], ['events:EnableRule']);

    // Events name instances by id, which is what nodes are called; those of other instances are for nobody.
    const instances = { account: [Aws.ACCOUNT_ID], source: ['aws.ec2'] };
    new Rule(this, 'InstanceState', {
      description: `Zeroplane ${cluster}: an instance stops or is gone`,
      eventPattern: {
        ...instances,
        detailType: ['EC2 Instance State-change Notification'],
        detail: { state: ['stopping', 'stopped', 'shutting-down', 'terminated'] },
      },
      targets: [new LambdaTarget(dispatcher.function)],
    });
    new Rule(this, 'SpotInterruption', {
      description: `Zeroplane ${cluster}: a spot instance will be taken back in two minutes`,
      eventPattern: { ...instances, detailType: ['EC2 Spot Instance Interruption Warning'] },
      targets: [new LambdaTarget(dispatcher.function)],
    });
  }
}
