import { Duration } from 'aws-cdk-lib';
import {
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  StartingPosition,
  type Function as LambdaFunction,
} from 'aws-cdk-lib/aws-lambda';
import { SnsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ControlPlaneFunction } from './control-plane-function.js';
import {
  CONCURRENCY_MIN,
  CONTROLLERS_CONCURRENCY,
  STREAM_ATTEMPTS,
  STREAM_BATCH,
  STREAM_PARALLELIZATION,
  STREAM_RECORD_AGE_MAX,
  WORK_BATCH,
} from './limits.js';
import type { Queues } from './queues.js';
import type { Tables } from './tables.js';

export interface EventSourcesProps {
  tables: Tables;
  queues: Queues;
  topic: Topic;
  dispatcher: ControlPlaneFunction;
  scheduler: ControlPlaneFunction;
  controllers: ControlPlaneFunction;
}

/** What calls the functions behind the API server: the stream, and the queues. */
export class EventSources extends Construct {
  constructor(scope: Construct, id: string, props: EventSourcesProps) {
    super(scope, id);
    const { tables, queues, topic, dispatcher, scheduler, controllers } = props;
    tables.grantStream(dispatcher.role);
    const stream = new EventSourceMapping(this, 'Stream', {
      target: dispatcher.function,
      eventSourceArn: tables.streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      // Of all items only events of the log say what has changed. What is filtered out is not billed.
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.isEqual('INSERT'),
          dynamodb: { NewImage: { kind: { S: FilterRule.isEqual('event') } } },
        }),
      ],
      batchSize: STREAM_BATCH,
      maxBatchingWindow: Duration.seconds(0),
      parallelizationFactor: STREAM_PARALLELIZATION,
      // Without these three a record that fails would hold up its shard for a day.
      bisectBatchOnError: true,
      retryAttempts: STREAM_ATTEMPTS,
      maxRecordAge: STREAM_RECORD_AGE_MAX,
      reportBatchItemFailures: true,
      // Nothing is lost with such a record, since the resync looks at every object; so somebody is told, and no queue is kept for it.
      onFailure: new SnsDlq(topic),
    });
    // Lambda checks the role's rights when the mapping is made.
    stream.node.addDependency(dispatcher.role);

    this.#queue('Work', queues, queues.work, controllers, CONTROLLERS_CONCURRENCY);
    this.#queue('Scheduler', queues, queues.scheduler, scheduler, CONCURRENCY_MIN);
    this.#queue('Delay', queues, queues.delay, dispatcher, CONCURRENCY_MIN);
  }

  #queue(id: string, queues: Queues, queue: Queue, target: ControlPlaneFunction, maxConcurrency: number): void {
    queues.grantConsume(target.role, queue);
    const mapping = new EventSourceMapping(this, id, {
      target: target.function as LambdaFunction,
      eventSourceArn: queue.queueArn,
      batchSize: WORK_BATCH,
      maxConcurrency,
      reportBatchItemFailures: true,
    });
    mapping.node.addDependency(target.role);
  }
}
