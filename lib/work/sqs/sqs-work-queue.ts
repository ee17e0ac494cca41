import type { Clock } from '../../clock/clock.js';
import type { Random } from '../../random.js';
import { DELAY_MAX_MS, groupOf, type WorkMessage, type WorkQueue } from '../work-queue.js';
import type { Dues } from './dues.js';
import { DELAY_MAX_SECONDS, DUE_EARLY_MS } from './limits.js';
import { sendAll } from './send-all.js';
import type { OutgoingMessage, Sqs } from './sqs.js';
import { sqsName, writeBody } from './work-body.js';

export interface SqsWorkQueueOptions {
  sqs: Sqs;
  clock: Clock;
  random: Random;
  dues: Dues;
  /** URLs of the FIFO queue of a controller, and of the standard queue that delays. */
  queueOf: (controller: string) => string;
  delayQueueUrl: string;
}

/**
 * The work queue on SQS: FIFO queues with the key as message group, and one standard queue beside them for what comes later, since FIFO queues
 * know no delay of a single message. What the delay queue delivers goes through `forward`, so that a key is still handled once at a time.
 */
export class SqsWorkQueue implements WorkQueue {
  readonly #options: SqsWorkQueueOptions;

  constructor(options: SqsWorkQueueOptions) {
    this.#options = options;
  }

  async send(messages: readonly WorkMessage[]): Promise<void> {
    const byQueue = new Map<string, OutgoingMessage[]>();
    for (const message of messages) {
      const queueUrl = this.#options.queueOf(message.controller);
      let own = byQueue.get(queueUrl);
      if (own === undefined) byQueue.set(queueUrl, (own = []));
      own.push(outgoing(message, message.deduplicationId));
    }
    await Promise.all([...byQueue].map(([queueUrl, own]) => sendAll(this.#options, queueUrl, own)));
  }

  async sendDelayed(message: WorkMessage, delayMs: number): Promise<void> {
    if (delayMs > DELAY_MAX_MS)
      throw new RangeError(`a delay of ${delayMs} ms is above the queue's ${DELAY_MAX_MS} ms`);
    const { clock, dues } = this.#options;
    const dueMs = message.dueMs ?? clock.now() + delayMs;
    const group = groupOf(message);
    if (!(await dues.claim(group, dueMs))) return;
    try {
      await this.#delay({ ...message, dueMs }, delayMs);
    } catch (error) {
      await dues.release(group, dueMs);
      throw error;
    }
  }

  /**
   * A message that the delay queue has delivered: on to its FIFO queue, or back for the next part of a long wait. `id` is SQS's own, the same
   * when the message is delivered again.
   */
  async forward(message: WorkMessage, id: string): Promise<void> {
    const { clock, dues } = this.#options;
    const { dueMs, ...present } = message;
    const group = groupOf(message);
    if (dueMs !== undefined) {
      const leftMs = dueMs - clock.now();
      if (leftMs > DUE_EARLY_MS) return this.#delay(message, Math.min(leftMs, DELAY_MAX_MS));
      if (!(await dues.settle(group, dueMs))) return;
    }
    await sendAll(this.#options, this.#options.queueOf(message.controller), [outgoing(present, id)]);
  }

  async #delay(message: WorkMessage, delayMs: number): Promise<void> {
    const delaySeconds = Math.min(DELAY_MAX_SECONDS, Math.max(0, Math.ceil(delayMs / 1_000)));
    await sendAll(this.#options, this.#options.delayQueueUrl, [{ body: writeBody(message), delaySeconds }]);
  }
}

function outgoing(message: WorkMessage, deduplicationId: string): OutgoingMessage {
  return {
    body: writeBody(message),
    group: sqsName(groupOf(message)),
    deduplicationId: sqsName(deduplicationId),
  };
}
