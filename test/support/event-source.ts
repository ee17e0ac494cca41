import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { LONG_POLL_SECONDS } from '../../lib/work/sqs/limits.js';
import type { IncomingMessage } from '../../lib/work/sqs/sqs.js';
import type { SqsDouble } from './sqs-double.js';

const NAMES = /\/(?<name>[^/]+)$/;

export interface EventSourceOptions {
  sqs: SqsDouble;
  queueUrl: string;
  /** Pollers, each with one invocation at a time. */
  concurrency: number;
  handler: (event: SQSEvent) => Promise<SQSBatchResponse | void>;
}

/** What stands between a queue and its function on AWS: polls, invokes, deletes what was not reported as failed. */
export class EventSource {
  readonly #options: EventSourceOptions;
  readonly #stop = new AbortController();
  readonly #pollers: Promise<void>[];
  #busy = 0;

  constructor(options: EventSourceOptions) {
    this.#options = options;
    this.#pollers = Array.from({ length: options.concurrency }, () => this.#poll());
  }

  /** No invocation is under way. */
  get idle(): boolean {
    return this.#busy === 0;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#pollers);
  }

  async #poll(): Promise<void> {
    const { sqs, queueUrl, handler } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const messages = await sqs.receive(queueUrl, { waitSeconds: LONG_POLL_SECONDS, signal });
      if (messages.length === 0) continue;
      this.#busy++;
      try {
        const reply = await handler({ Records: messages.map((message) => recordOf(message, queueUrl)) });
        const failed = new Set(reply?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        // Lambda takes an identifier that it does not know for the failure of all.
        const isKnown = [...failed].every((id) => messages.some((message) => message.id === id));
        if (isKnown)
          await sqs.delete(
            queueUrl,
            messages.filter(({ id }) => !failed.has(id)),
          );
      } catch {
        // The whole batch is seen again when it is visible again.
      } finally {
        this.#busy--;
      }
    }
  }
}

export function recordOf(message: IncomingMessage, queueUrl: string): SQSRecord {
  const name = NAMES.exec(queueUrl)?.groups?.['name'] ?? '';
  return {
    messageId: message.id,
    receiptHandle: message.receipt,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'test',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${name}`,
    awsRegion: 'us-east-1',
  };
}
