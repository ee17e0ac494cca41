import { Duration } from 'aws-cdk-lib';
import {
  BATCH_MESSAGES_MAX,
  DEAD_LETTER_RETENTION_SECONDS,
  WORK_FUNCTION_TIMEOUT_SECONDS,
  WORK_RECEIVES_MAX,
  WORK_RETENTION_SECONDS,
  WORK_VISIBILITY_SECONDS,
} from '../lib/work/sqs/limits.js';

export { WORK_RECEIVES_MAX };

/** Bounds and settings of the infrastructure. `limits.test.ts` holds the relations between them. */

/** A request to the API server; watches end themselves before. */
export const API_TIMEOUT = Duration.minutes(15);
/** One batch of the stream. */
export const DISPATCHER_TIMEOUT = Duration.seconds(60);
/** One batch of keys. */
export const WORK_TIMEOUT = Duration.seconds(WORK_FUNCTION_TIMEOUT_SECONDS);
/** One sweep; the next starts a minute after this one did. */
export const SWEEP_TIMEOUT = Duration.seconds(55);
export const SWEEP_INTERVAL = Duration.minutes(1);

/** A message stays hidden while the function that has it may run. */
export const WORK_VISIBILITY = Duration.seconds(WORK_VISIBILITY_SECONDS);
export const DELAY_VISIBILITY = Duration.seconds(90);
export const WORK_RETENTION = Duration.seconds(WORK_RETENTION_SECONDS);
export const DEAD_LETTER_RETENTION = Duration.seconds(DEAD_LETTER_RETENTION_SECONDS);

/** SQS FIFO hands out at most so many at a time. */
export const WORK_BATCH = BATCH_MESSAGES_MAX;
/** Reconciles of different keys at one time, in environments. */
export const CONTROLLERS_CONCURRENCY = 8;
/** The least that Lambda takes; the scheduler's one message group keeps it to one. */
export const CONCURRENCY_MIN = 2;

/** Changes of one call of the dispatcher, which only queues keys. */
export const STREAM_BATCH = 100;
/** Batches of one shard at a time, in order within an item. */
export const STREAM_PARALLELIZATION = 2;
/** A record that cannot be dispatched is given up after so many attempts or so long; the resync finds what it meant. */
export const STREAM_ATTEMPTS = 8;
export const STREAM_RECORD_AGE_MAX = Duration.minutes(30);

/** More alarms than this would not fit the budget, whatever is chosen. */
export const ALARMS_MAX = 4;
/** So far behind, the dispatcher is not just busy. */
export const STREAM_AGE_ALARM = Duration.minutes(5);
/** Failing requests in five minutes. */
export const ERRORS_ALARM = 5;

/** Images and writable layers of containers. */
export const WORKER_VOLUME_DEFAULT_GB = 20;
