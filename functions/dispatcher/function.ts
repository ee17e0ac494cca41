import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { forwardMessages } from '../controllers/messages.js';
import { openWork } from '../lambda/cloud-work.js';
import { lazily } from '../lambda/lazily.js';
import { withBindings } from '../lambda/logging.js';
import type { CloudParts } from '../lambda/parts.js';
import { SweepState } from '../sweep/sweep-state.js';
import { StreamReader } from '../../lib/store/dynamodb/stream-reader.js';
import { dispatchStream } from './stream.js';

export type DispatcherFunction = (
  event: DynamoDBStreamEvent | SQSEvent,
  context: Context,
) => Promise<DynamoDBBatchResponse | SQSBatchResponse>;

/** The function behind the table's stream, and behind the delay queue, whose messages it sends on. */
export function dispatcherFunction(parts: CloudParts): DispatcherFunction {
  const { config, clock, random, log, metrics, rules, table, heartbeatTable } = parts;
  const { cluster } = config;
  const state = new SweepState({ table: heartbeatTable, clock, cluster });
  const opened = lazily(async () => {
    const work = await openWork(parts);
    const names = new Set(work.components.controllers.map(({ name }) => name));
    return {
      stream: dispatchStream({
        log,
        reader: new StreamReader({ table, clock, random, cluster }),
        queue: work.queue,
        doorbell: work.doorbell,
        dispatcher: work.dispatcher,
        lookup: work.components.replicas,
        onChanges: async () => {
          try {
            await state.noteChange(rules, config.sweepRule);
          } catch (error) {
            log.warn({ error: String(error) }, 'a change was not noted for the sweep, the next one will be');
          }
        },
      }),
      delayed: forwardMessages({
        log,
        isKnown: (name) => names.has(name),
        forward: (message, id) => work.queue.forward(message, id),
      }),
    };
  });
  return (event, context) =>
    withBindings({ requestId: context?.awsRequestId ?? '' }, async () => {
      const { stream, delayed } = await opened();
      try {
        if (isQueueEvent(event)) return await delayed(event);
        metrics.count('StreamRecords', event?.Records?.length ?? 0);
        return await stream(event);
      } finally {
        metrics.flush();
      }
    });
}

function isQueueEvent(event: DynamoDBStreamEvent | SQSEvent): event is SQSEvent {
  const first = event?.Records?.[0];
  return first !== undefined && first !== null && 'eventSource' in first && first.eventSource === 'aws:sqs';
}
