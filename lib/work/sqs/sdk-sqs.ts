import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type { Clock } from '../../clock/clock.js';
import { BATCH_MESSAGES_MAX, SQS_REQUEST_TIMEOUT_MS } from './limits.js';
import { SqsError, type IncomingMessage, type OutgoingMessage, type Sqs, type SqsErrorCode } from './sqs.js';

/** A client that sends each request once: who sends decides what is to be repeated. Configuration comes from the environment unless given. */
export function makeSqsClient(config: SQSClientConfig = {}): SQSClient {
  // Queue URLs carry a host; behind an endpoint of one's own (an emulator) that host may be another's.
  return new SQSClient({ ...config, maxAttempts: 1, useQueueUrlAsEndpoint: false });
}

const NO_QUEUE = new Set([
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'QueueDoesNotExistException',
]);
const THROTTLED = new Set(['RequestThrottled', 'ThrottlingException', 'Throttling', 'OverLimit', 'KmsThrottled']);

/** The SQS port over the SDK. */
export class SdkSqs implements Sqs {
  readonly #client: SQSClient;
  readonly #clock: Clock;

  constructor(options: { client: SQSClient; clock: Clock }) {
    this.#client = options.client;
    this.#clock = options.clock;
  }

  async send(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<{ refused: OutgoingMessage[] }> {
    const command = new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: messages.map((message, index) => ({
        Id: String(index),
        MessageBody: message.body,
        ...(message.group === undefined ? {} : { MessageGroupId: message.group }),
        ...(message.deduplicationId === undefined ? {} : { MessageDeduplicationId: message.deduplicationId }),
        ...(message.delaySeconds === undefined ? {} : { DelaySeconds: message.delaySeconds }),
      })),
    });
    const { Failed = [] } = await this.#request((abortSignal) => this.#client.send(command, { abortSignal }));
    const hopeless = Failed.find(({ SenderFault, Code }) => SenderFault === true && !THROTTLED.has(Code ?? ''));
    if (hopeless !== undefined) throw new SqsError('refused', `${hopeless.Code}: ${hopeless.Message}`);
    return { refused: Failed.flatMap(({ Id }) => messages[Number(Id)] ?? []) };
  }

  async receive(
    queueUrl: string,
    options: { waitSeconds: number; visibilitySeconds?: number; signal?: AbortSignal },
  ): Promise<IncomingMessage[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: BATCH_MESSAGES_MAX,
      WaitTimeSeconds: options.waitSeconds,
      ...(options.visibilitySeconds === undefined ? {} : { VisibilityTimeout: options.visibilitySeconds }),
    });
    try {
      const { Messages = [] } = await this.#request(
        (abortSignal) => this.#client.send(command, { abortSignal }),
        options.waitSeconds * 1_000,
        options.signal,
      );
      return Messages.map(({ MessageId = '', ReceiptHandle = '', Body = '' }) => ({
        id: MessageId,
        receipt: ReceiptHandle,
        body: Body,
      }));
    } catch (error) {
      if (options.signal?.aborted === true) return [];
      throw error;
    }
  }

  async delete(queueUrl: string, messages: readonly IncomingMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const Entries = messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries });
    await this.#request((abortSignal) => this.#client.send(command, { abortSignal }));
  }

  async createQueue(
    name: string,
    attributes: Readonly<Record<string, string>>,
    tags: Readonly<Record<string, string>>,
  ): Promise<string> {
    const command = new CreateQueueCommand({ QueueName: name, Attributes: { ...attributes }, tags: { ...tags } });
    const { QueueUrl = '' } = await this.#request((abortSignal) => this.#client.send(command, { abortSignal }));
    return QueueUrl;
  }

  async deleteQueue(name: string): Promise<void> {
    const queueUrl = await this.queueUrl(name);
    if (queueUrl === undefined) return;
    const command = new DeleteQueueCommand({ QueueUrl: queueUrl });
    try {
      await this.#request((abortSignal) => this.#client.send(command, { abortSignal }));
    } catch (error) {
      if (!(error instanceof SqsError) || error.code !== 'no-queue') throw error;
    }
  }

  async queueUrl(name: string): Promise<string | undefined> {
    try {
      const command = new GetQueueUrlCommand({ QueueName: name });
      return (await this.#request((abortSignal) => this.#client.send(command, { abortSignal }))).QueueUrl;
    } catch (error) {
      if (error instanceof SqsError && error.code === 'no-queue') return undefined;
      throw error;
    }
  }

  async #request<T>(send: (abortSignal: AbortSignal) => Promise<T>, longerMs = 0, signal?: AbortSignal): Promise<T> {
    const abort = new AbortController();
    const end = (): void => abort.abort();
    const cancel = this.#clock.setTimer(SQS_REQUEST_TIMEOUT_MS + longerMs, end);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
    try {
      return await send(abort.signal);
    } catch (error) {
      throw toSqsError(error);
    } finally {
      cancel();
      signal?.removeEventListener('abort', end);
    }
  }
}

/** What an error of the SDK means: what is not known to have been refused may have been carried out. */
export function toSqsError(error: unknown): SqsError {
  if (!(error instanceof Error)) return new SqsError('unavailable', String(error), { cause: error });
  const { name, message, $fault } = error as Error & { $fault?: 'client' | 'server' };
  const code: SqsErrorCode = NO_QUEUE.has(name)
    ? 'no-queue'
    : $fault === 'client' && !THROTTLED.has(name)
      ? 'refused'
      : 'unavailable';
  return new SqsError(code, `${name}: ${message}`, { cause: error });
}
