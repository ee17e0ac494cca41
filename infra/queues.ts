import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  DEAD_LETTER_RETENTION,
  DELAY_VISIBILITY,
  WORK_RECEIVES_MAX,
  WORK_RETENTION,
  WORK_VISIBILITY,
} from './limits.js';

/** An empty receive waits so long: the longest that SQS knows, since each one is billed. */
const LONG_POLL = Duration.seconds(20);

/**
 * The queues of a cluster. Lambda polls each queue that feeds a function day and night: that is most of what an idle cluster costs, so there
 * are few. Dead letters are polled by nobody but the sweep.
 */
export class Queues extends Construct {
  /** Keys of controllers, with the key as message group. */
  readonly work: Queue;
  /** The scheduler's runs: one message group. */
  readonly scheduler: Queue;
  /** What comes later. */
  readonly delay: Queue;
  readonly deadLetters: Queue;
  readonly delayDeadLetters: Queue;

  constructor(scope: Construct, id: string, options: { key: IKey | undefined }) {
    super(scope, id);
    const common: QueueProps = {
      enforceSSL: true,
      receiveMessageWaitTime: LONG_POLL,
      retentionPeriod: WORK_RETENTION,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(options.key === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryption: QueueEncryption.KMS, encryptionMasterKey: options.key, dataKeyReuse: Duration.hours(1) }),
    };
    const fifo: QueueProps = {
      ...common,
      fifo: true,
      // Repeats are told apart by an id of their own, never by the content: that a key changes twice in five minutes is no repeat.
      contentBasedDeduplication: false,
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
    };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...fifo, retentionPeriod: DEAD_LETTER_RETENTION });
    this.delayDeadLetters = new Queue(this, 'DelayDeadLetters', { ...common, retentionPeriod: DEAD_LETTER_RETENTION });
    const deadLetterQueue = { queue: this.deadLetters, maxReceiveCount: WORK_RECEIVES_MAX };
    this.work = new Queue(this, 'Work', { ...fifo, visibilityTimeout: WORK_VISIBILITY, deadLetterQueue });
    this.scheduler = new Queue(this, 'Scheduler', { ...fifo, visibilityTimeout: WORK_VISIBILITY, deadLetterQueue });
    this.delay = new Queue(this, 'Delay', {
      ...common,
      visibilityTimeout: DELAY_VISIBILITY,
      deadLetterQueue: { queue: this.delayDeadLetters, maxReceiveCount: WORK_RECEIVES_MAX },
    });
  }

  grantSend(grantee: IGrantable): void {
    const resources = [this.work.queueArn, this.scheduler.queueArn, this.delay.queueArn];
    grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources }));
  }

  /** What Lambda's poller does with the rights of its function, or the sweep by itself. */
  grantConsume(grantee: IGrantable, ...queues: Queue[]): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
        resources: queues.map(({ queueArn }) => queueArn),
      }),
    );
  }
}
