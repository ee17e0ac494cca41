/**
 * The few operations of SQS that the adapters use, as a port: one implementation over the SDK (sdk-sqs.ts), one in-process double for tests.
 * Every call answers or throws an `SqsError` in bounded time.
 */
export interface Sqs {
  /** At most BATCH_MESSAGES_MAX messages. Resolves with those that were not taken, to be sent again. */
  send(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<{ refused: OutgoingMessage[] }>;
  /** Waits up to `waitSeconds` for the first message. At most BATCH_MESSAGES_MAX; none when `signal` aborts. */
  receive(
    queueUrl: string,
    options: { waitSeconds: number; visibilitySeconds?: number; signal?: AbortSignal },
  ): Promise<IncomingMessage[]>;
  delete(queueUrl: string, messages: readonly IncomingMessage[]): Promise<void>;
  /** The URL of a queue of that name, made if need be. One that is there keeps the tags it was made with. */
  createQueue(
    name: string,
    attributes: Readonly<Record<string, string>>,
    tags: Readonly<Record<string, string>>,
  ): Promise<string>;
  /** A queue that is not there is deleted. */
  deleteQueue(name: string): Promise<void>;
  /** Undefined when there is no such queue. */
  queueUrl(name: string): Promise<string | undefined>;
}

export interface OutgoingMessage {
  readonly body: string;
  /** Of FIFO queues. */
  readonly group?: string;
  readonly deduplicationId?: string;
  /** Of other queues: 0 to DELAY_MAX_SECONDS. */
  readonly delaySeconds?: number;
}

export interface IncomingMessage {
  readonly id: string;
  readonly receipt: string;
  readonly body: string;
}

export type SqsErrorCode =
  /** There is no such queue. */
  | 'no-queue'
  /** The request cannot work: no permission, not well-formed. Nothing was done. */
  | 'refused'
  /** No answer, too many requests, or an error of the service: it may have been done. */
  | 'unavailable';

export class SqsError extends Error {
  readonly code: SqsErrorCode;

  constructor(code: SqsErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'SqsError';
    this.code = code;
  }
}

export function isSqsError(error: unknown, code?: SqsErrorCode): error is SqsError {
  return error instanceof SqsError && (code === undefined || error.code === code);
}
