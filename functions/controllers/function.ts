import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { SCHEDULER_CONTROLLER } from '../scheduler/scheduler.js';
import { openWork } from '../lambda/cloud-work.js';
import { lazily } from '../lambda/lazily.js';
import { withBindings } from '../lambda/logging.js';
import type { CloudParts } from '../lambda/parts.js';
import { handleMessages } from './messages.js';

export type WorkFunction = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** The function behind a FIFO queue of keys: the controllers', or the scheduler's. */
export function workFunction(parts: CloudParts, which: 'controllers' | 'scheduler'): WorkFunction {
  const opened = lazily(async () => {
    const work = await openWork(parts);
    const names = new Set(
      work.components.controllers
        .map(({ name }) => name)
        .filter((name) => (name === SCHEDULER_CONTROLLER) === (which === 'scheduler')),
    );
    return handleMessages({ log: parts.log, isKnown: (name) => names.has(name), handle: work.handle });
  });
  return (event, context) =>
    withBindings({ requestId: context?.awsRequestId ?? '' }, async () => {
      try {
        return await (
          await opened()
        )(event);
      } finally {
        parts.metrics.flush();
      }
    });
}
