import type {
  Context,
  DynamoDBBatchResponse,
  DynamoDBStreamEvent,
  EventBridgeEvent,
  SQSBatchResponse,
  SQSEvent,
} from 'aws-lambda';
import { CONTROLLER_MANAGER_USERNAME } from '../apiserver/auth/users.js';
import { forwardMessages } from '../controllers/messages.js';
import { openWork } from '../lambda/cloud-work.js';
import { lazily } from '../lambda/lazily.js';
import { withBindings } from '../lambda/logging.js';
import type { CloudParts } from '../lambda/parts.js';
import { SweepState } from '../sweep/sweep-state.js';
import { StreamReader } from '../../lib/store/dynamodb/stream-reader.js';
import { Client } from '../../lib/client/client.js';
import { EventRecorder } from '../../lib/work/event-recorder.js';
import { readInstanceEvent, takeInstanceEvent, type InstanceEvent } from './instance-events.js';
import { dispatchStream } from './stream.js';

export type DispatcherFunction = (
  event: DynamoDBStreamEvent | SQSEvent | EventBridgeEvent<string, unknown>,
  context: Context,
) => Promise<DynamoDBBatchResponse | SQSBatchResponse>;

const NODE_CONTROLLER = 'node-lifecycle-controller';

/**
 * The function behind the table's stream; behind the delay queue, whose messages it sends on; and behind the rules that bring what EC2 says of
 * instances.
 */
export function dispatcherFunction(parts: CloudParts): DispatcherFunction {
  const { config, clock, random, log, metrics, rules, table, heartbeatTable } = parts;
  const { cluster } = config;
  const state = new SweepState({ table: heartbeatTable, clock, cluster });
  const opened = lazily(async () => {
    const work = await openWork(parts);
    const names = new Set(work.components.controllers.map(({ name }) => name));
    const user = { username: CONTROLLER_MANAGER_USERNAME, groups: ['system:authenticated'] };
    const client = new Client(work.transport(user), 'kube-controller-manager');
    return {
      instance: (event: InstanceEvent) =>
        takeInstanceEvent(event, { client, events: new EventRecorder(client, clock, NODE_CONTROLLER), clock, log }),
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
      const { stream, delayed, instance } = await opened();
      try {
        const told = readInstanceEvent(event);
        if (told !== undefined) {
          await instance(told);
          return { batchItemFailures: [] };
        }
        if (isQueueEvent(event)) return await delayed(event);
        const records = event as DynamoDBStreamEvent;
        metrics.count('StreamRecords', records?.Records?.length ?? 0);
        return await stream(records);
      } finally {
        metrics.flush();
      }
    });
}

function isQueueEvent(event: unknown): event is SQSEvent {
  const first = (event as SQSEvent | undefined)?.Records?.[0];
  return first !== undefined && first !== null && 'eventSource' in first && first.eventSource === 'aws:sqs';
}
