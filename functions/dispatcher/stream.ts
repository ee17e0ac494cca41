import type { AttributeValue, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { ApiError } from '../../lib/api/errors.js';
import { TransportError } from '../../lib/client/transport.js';
import { isStoreError } from '../../lib/store/errors.js';
import type { Log } from '../apiserver/registry/context.js';
import type { Item, Value } from '../../lib/store/dynamodb/table.js';
import type { StreamChange, StreamReader } from '../../lib/store/dynamodb/stream-reader.js';
import type { Doorbell } from '../../lib/work/doorbell.js';
import { InFlight } from '../../lib/work/in-flight.js';
import type { Lookup } from '../../lib/work/controller.js';
import { groupOf, type WorkMessage, type WorkQueue } from '../../lib/work/work-queue.js';
import { LoggedChange, type Dispatcher } from './dispatcher.js';
import { nodesToRing, rings } from './rings.js';

/** Records read at one time: a few need another item. */
const READS_MAX = 16;

/** Nodes rung at one time. */
const RINGS_MAX = 32;

export interface StreamOptions {
  log: Log;
  reader: StreamReader;
  queue: WorkQueue;
  doorbell: Doorbell;
  /** A dispatcher for one batch: what it looks up was true after the batch's changes. */
  dispatcher: (queue: WorkQueue, lookup: Lookup) => Dispatcher;
  lookup: Lookup;
  /** Told when there was anything to dispatch. */
  onChanges?: () => Promise<void>;
}

/**
 * A batch of the table's stream. The keys of its changes are queued, each key once, then nodes are rung. When a record fails, all before it are
 * queued, and it is reported: Lambda gives the batch again from there, and in the end leaves it to the resync.
 */
export function dispatchStream(options: StreamOptions): (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse> {
  return async (event) => {
    const records = recordsOf(event);
    const changes: (StreamChange | undefined)[] = [];
    const errors = new Map<number, unknown>();
    const reads = new InFlight(READS_MAX);
    for (const [index, { item }] of records.entries()) {
      await reads.start(async () => {
        try {
          changes[index] = item === undefined ? undefined : await options.reader.read(item);
        } catch (error) {
          errors.set(index, error);
        }
      });
    }
    await reads.drain();

    const batch = new Batch();
    const lookup = oncePerBatch(options.lookup);
    const dispatcher = options.dispatcher(batch, lookup);
    const bells = new Map<string, Set<string>>();
    let failed: number | undefined;
    for (const index of records.keys()) {
      const change = changes[index];
      try {
        if (errors.has(index)) throw errors.get(index);
        if (change === undefined) continue;
        await dispatcher.dispatch(change.collection, change.event, records[index]?.sequence);
        await collectRings(change, lookup, bells);
      } catch (error) {
        const where = { ...positionOf(change), error: String(error) };
        if (isPassing(error)) {
          options.log.warn(where, 'a change was not dispatched, it will be tried again');
          failed = index;
          break;
        }
        // It would fail each time, and hold up all that come after it.
        options.log.error(where, 'a change could not be made out, the resync stands in for it');
      }
    }
    try {
      if (batch.messages.length > 0) await options.queue.send(batch.messages);
    } catch (error) {
      options.log.warn({ error: String(error) }, 'keys were not queued, the batch will be tried again');
      failed = 0;
    }
    await ring(options, bells);
    if (changes.some((change) => change !== undefined)) await options.onChanges?.();
    const sequence = failed === undefined ? undefined : records[failed]?.sequence;
    return { batchItemFailures: sequence === undefined ? [] : [{ itemIdentifier: sequence }] };
  };
}

async function collectRings(
  { collection, event }: StreamChange,
  lookup: Lookup,
  bells: Map<string, Set<string>>,
): Promise<void> {
  if (!rings(collection)) return;
  for (const node of await nodesToRing(collection, new LoggedChange(event), lookup)) {
    let collections = bells.get(node);
    if (collections === undefined) bells.set(node, (collections = new Set()));
    collections.add(collection);
  }
}

/** Whether it may go well when it is tried again. */
function isPassing(error: unknown): boolean {
  if (isStoreError(error)) return error.code === 'unavailable' || error.code === 'unknown';
  return error instanceof ApiError
    ? error.status.code === 429 || (error.status.code ?? 0) >= 500
    : error instanceof TransportError;
}

/** Hints: one that fails is made up for by the node's looking now and then. */
async function ring({ doorbell, log }: StreamOptions, bells: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
  const ringing = new InFlight(RINGS_MAX);
  for (const [node, collections] of bells) {
    await ringing.start(async () => {
      try {
        await doorbell.ring(node, [...collections]);
      } catch (error) {
        log.warn({ node, error: String(error) }, 'a node was not rung');
      }
    });
  }
  await ringing.drain();
}

/** Collects the keys of a batch: of several messages for one key the last stands for all, at the place of the first. */
class Batch implements WorkQueue {
  readonly #byGroup = new Map<string, WorkMessage>();

  get messages(): readonly WorkMessage[] {
    return [...this.#byGroup.values()];
  }

  async send(messages: readonly WorkMessage[]): Promise<void> {
    for (const message of messages) this.#byGroup.set(groupOf(message), message);
  }

  sendDelayed(): Promise<void> {
    return Promise.reject(new Error('a change is never dispatched later'));
  }
}

/** Views that are asked for once in a batch: each is a read, and all changes of the batch were there before the first. */
function oncePerBatch(lookup: Lookup): Lookup {
  const views = new Map<object, unknown>();
  return {
    view(resource) {
      let view = views.get(resource) as
        | ReturnType<typeof lookup.view<NonNullable<(typeof resource)['objectType']>>>
        | undefined;
      if (view === undefined) views.set(resource, (view = lookup.view(resource)));
      return view;
    },
  };
}

interface StreamItem {
  sequence: string | undefined;
  item: Item | undefined;
}

/** Whoever may invoke the function may send anything; what is no record of a written item is passed over. */
function recordsOf(event: DynamoDBStreamEvent): StreamItem[] {
  const { Records } = ((event as DynamoDBStreamEvent | undefined) ?? {}) as { Records?: unknown };
  if (!Array.isArray(Records)) return [];
  return Records.map((record: unknown) => {
    const { dynamodb, eventName } = (record ?? {}) as Partial<DynamoDBRecord>;
    const image = eventName === 'REMOVE' ? undefined : dynamodb?.NewImage;
    return { sequence: dynamodb?.SequenceNumber, item: image === undefined ? undefined : toItem(image) };
  });
}

/** Images come as JSON: bytes as base64. */
function toItem(image: Record<string, AttributeValue>): Item | undefined {
  const item: Record<string, Value> = {};
  for (const [name, attribute] of Object.entries(image)) {
    const { S, N, BOOL, B } = attribute ?? {};
    const value =
      S ??
      (N === undefined ? undefined : Number(N)) ??
      BOOL ??
      (B === undefined ? undefined : Buffer.from(B, 'base64'));
    if (value !== undefined) item[name] = value;
  }
  const { pk, sk } = item;
  return typeof pk === 'string' && typeof sk === 'string' ? { ...item, pk, sk } : undefined;
}

function positionOf(change: StreamChange | undefined): Record<string, unknown> {
  return change === undefined
    ? {}
    : { collection: change.collection, objectKey: change.event.key, revision: change.event.revision };
}
