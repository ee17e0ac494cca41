/**
 * The queue between the dispatcher and the workers, with the promises and limits of an SQS FIFO queue and a delay queue
 * beside it: at least once, in order within a group, one group in one consumer at a time, repeats of a deduplication id
 * silently dropped for five minutes even after delivery.
 */
export interface WorkQueue {
  /** Resolves once the messages are safely queued. */
  send(messages: readonly WorkMessage[]): Promise<void>;
  /**
   * Queues a message after a delay of at most DELAY_MAX_MS. Of several delayed messages of one group only the
   * earliest needs to arrive.
   */
  sendDelayed(message: WorkMessage, delayMs: number): Promise<void>;
}

export interface WorkMessage {
  controller: string;
  key: string;
  /** From the change's position in the log (or the message that asked for this one), never from the content. */
  deduplicationId: string;
  /** How many times the key has failed in a row. */
  attempt: number;
  /** With a delay longer than DELAY_MAX_MS: when it is due; until then it is delayed again. */
  dueMs?: number;
}

/** The consumer's side: a batch of messages, with a reply for each. */
export type BatchHandler = (messages: readonly WorkMessage[]) => Promise<{ failed: readonly WorkMessage[] }>;

/** The message group: one is never handled twice at once. */
export function groupOf(message: Pick<WorkMessage, 'controller' | 'key'>): string {
  return `${message.controller}/${message.key}`;
}

/** Of messages of one group that one reconcile answers: what is due now before what is not, and a fresh change resets the back-off. */
export function standsFor(one: WorkMessage, other: WorkMessage): boolean {
  const [oneMs, otherMs] = [one.dueMs ?? -Infinity, other.dueMs ?? -Infinity];
  return oneMs < otherMs || (oneMs === otherMs && one.attempt < other.attempt);
}

/** SQS: DelaySeconds is at most 900. */
export const DELAY_MAX_MS = 900_000;

/** SQS FIFO: a repeat of a deduplication id is dropped for five minutes. */
export const DEDUPLICATION_WINDOW_MS = 300_000;
