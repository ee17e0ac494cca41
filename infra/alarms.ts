import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ERRORS_ALARM, STREAM_AGE_ALARM } from './limits.js';
import type { AlarmName } from './parameters.js';

const PERIOD = Duration.minutes(5);

interface Definition {
  metric: IMetric;
  threshold: number;
  description: string;
}

/** Where an operator hears of trouble. What fails for good outside of the queues is told here directly, without an alarm. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, options: { key: IKey | undefined; email: string | undefined }) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', {
      enforceSSL: true,
      ...(options.key === undefined ? {} : { masterKey: options.key }),
    });
    if (options.email !== undefined) this.topic.addSubscription(new EmailSubscription(options.email));
  }
}

export interface AlarmsProps {
  cluster: string;
  names: readonly AlarmName[];
  topic: Topic;
  deadLetters: Queue;
  apiserver: LambdaFunction;
  dispatcher: LambdaFunction;
}

/** Each alarm watches one metric, since they are billed by metric. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { apiserver, dispatcher, deadLetters } = props;
    const definitions: Record<AlarmName, Definition> = {
      'dead-letters': {
        metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }),
        threshold: 1,
        description: 'Something could not be reconciled and was given up. Events on the objects say what.',
      },
      errors: {
        metric: new Metric({
          namespace: 'AWS/Lambda',
          metricName: 'Url5xxCount',
          dimensionsMap: { FunctionName: apiserver.functionName },
          period: PERIOD,
          statistic: 'Sum',
        }),
        threshold: ERRORS_ALARM,
        description: 'The API server answers with errors of its own: crashes, or tables that do not answer.',
      },
      throttles: {
        metric: apiserver.metricThrottles({ period: PERIOD, statistic: 'Sum' }),
        threshold: 1,
        description: 'Requests to the API server are turned away: the account has no more concurrent executions.',
      },
      'stream-age': {
        metric: dispatcher.metric('IteratorAge', { period: PERIOD, statistic: 'Maximum' }),
        threshold: STREAM_AGE_ALARM.toMilliseconds(),
        description: 'Changes reach controllers and nodes late: the dispatcher fails or is turned away.',
      },
    };
    for (const name of props.names) {
      const { metric, threshold, description } = definitions[name];
      const alarm = new Alarm(this, name, {
        alarmDescription: `Zeroplane ${props.cluster}: ${description}`,
        metric,
        threshold,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(new SnsAction(props.topic));
    }
  }
}
