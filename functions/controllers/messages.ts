import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Log } from '../apiserver/registry/context.js';
import { readBody } from '../../lib/work/sqs/work-body.js';
import type { BatchHandler, WorkMessage } from '../../lib/work/work-queue.js';

export interface MessagesOptions {
  log: Log;
  /** Names of controllers that this function runs. */
  isKnown: (controller: string) => boolean;
  handle: BatchHandler;
}

/**
 * A batch of an SQS FIFO queue: each message gets a reply of its own. What is no message of ours, or is for a controller that is not here,
 * cannot get better by being tried again: it is logged and let go.
 */
export function handleMessages(options: MessagesOptions): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async (event) => {
    const records = new Map<WorkMessage, SQSRecord>();
    for (const record of recordsOf(event)) {
      const message = readBody(record.body);
      if (message === undefined || !options.isKnown(message.controller)) {
        const controller = message?.controller;
        options.log.error({ messageId: record.messageId, controller }, 'a message that nobody can handle was let go');
      } else records.set(message, record);
    }
    if (records.size === 0) return { batchItemFailures: [] };
    const { failed } = await options.handle([...records.keys()]);
    return { batchItemFailures: failed.map((message) => ({ itemIdentifier: records.get(message)?.messageId ?? '' })) };
  };
}

/** A batch of the delay queue: each message goes on to where it belongs. */
export function forwardMessages(options: {
  log: Log;
  isKnown: (controller: string) => boolean;
  forward: (message: WorkMessage, id: string) => Promise<void>;
}): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async (event) => {
    const failures = await Promise.all(
      recordsOf(event).map(async ({ body, messageId }) => {
        const message = readBody(body);
        if (message === undefined || !options.isKnown(message.controller)) {
          const controller = message?.controller;
          options.log.error({ messageId, controller }, 'a delayed message that nobody can handle was let go');
          return [];
        }
        try {
          await options.forward(message, messageId);
          return [];
        } catch (error) {
          options.log.warn(
            { messageId, error: String(error) },
            'a delayed message was not sent on, it will be tried again',
          );
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: failures.flat() };
  };
}

/** Whoever may invoke the function may send anything. */
function recordsOf(event: SQSEvent): SQSRecord[] {
  const { Records } = ((event as SQSEvent | undefined) ?? {}) as { Records?: unknown };
  if (!Array.isArray(Records)) return [];
  return Records.filter(
    (record: unknown): record is SQSRecord =>
      typeof record === 'object' &&
      record !== null &&
      typeof (record as SQSRecord).body === 'string' &&
      typeof (record as SQSRecord).messageId === 'string',
  );
}
