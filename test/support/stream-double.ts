import type { AttributeValue, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import { randomFraction, randomInt, type Random } from '../../lib/random.js';
import type { Item } from '../../lib/store/dynamodb/table.js';
import type { TableDouble } from './table-double.js';

/** As infra/ sets it. */
const BATCH_RECORDS_MAX = 100;
const ATTEMPTS_MAX = 8;
const RETRY_MS = 1_000;

export interface StreamFaults {
  random: Random;
  /** A batch is delivered again although it was handled. */
  doubled: number;
  /** The function dies before it answers. */
  lost: number;
}

/** A table's stream and what gives it to a function: in order, a batch at a time, again from where it failed, given up after some attempts. */
export class StreamDouble {
  readonly #clock: Clock;
  readonly #latencyMaxMs: number;
  readonly #random: Random;
  readonly #records: DynamoDBRecord[] = [];
  #sequence = 100_000;
  #running = false;
  #closed = false;
  handler: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse> = () =>
    Promise.resolve({ batchItemFailures: [] });
  faults: StreamFaults | undefined;
  /** Records that were given up. */
  readonly givenUp: DynamoDBRecord[] = [];

  constructor(options: { table: TableDouble; clock: Clock; random: Random; latencyMaxMs: number }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#latencyMaxMs = options.latencyMaxMs;
    options.table.onCommit = (items) => this.#take(items);
  }

  get idle(): boolean {
    return !this.#running && this.#records.length === 0;
  }

  close(): void {
    this.#closed = true;
  }

  /** Records of one transaction come one by one, in no order of theirs. */
  #take(items: readonly Item[]): void {
    const order = items.map((item) => ({ item, at: randomFraction(this.#random) })).sort((a, b) => a.at - b.at);
    for (const { item } of order) {
      // The mapping's filter: written events of the log.
      if (item['kind'] === 'event') this.#records.push(recordOf(item, String(this.#sequence++)));
    }
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let attempts = 0;
    while (this.#records.length > 0 && !this.#closed) {
      await sleep(this.#clock, 1 + randomInt(this.#random, this.#latencyMaxMs));
      const batch = this.#records.slice(0, 1 + randomInt(this.#random, BATCH_RECORDS_MAX));
      const done = await this.#deliver(batch);
      this.#records.splice(0, done);
      attempts = done > 0 ? 0 : attempts + 1;
      if (done === batch.length) continue;
      if (attempts >= ATTEMPTS_MAX) {
        this.givenUp.push(...this.#records.splice(0, 1));
        attempts = 0;
      }
      await sleep(this.#clock, RETRY_MS);
    }
    this.#running = false;
  }

  /** How many of the batch are done. */
  async #deliver(batch: readonly DynamoDBRecord[]): Promise<number> {
    try {
      const { batchItemFailures } = await this.handler({ Records: structuredClone(batch) as DynamoDBRecord[] });
      if (this.#happens('lost') || this.#happens('doubled')) return 0;
      const first = batchItemFailures[0]?.itemIdentifier;
      if (first === undefined) return batch.length;
      return Math.max(
        0,
        batch.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === first),
      );
    } catch {
      return 0;
    }
  }

  #happens(fault: 'doubled' | 'lost'): boolean {
    const { faults } = this;
    return faults !== undefined && randomFraction(faults.random) < faults[fault];
  }
}

export function recordOf(item: Item, sequence: string): DynamoDBRecord {
  const image: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(item)) if (value !== undefined) image[name] = attributeOf(value);
  return {
    eventID: sequence,
    eventName: 'INSERT',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    dynamodb: {
      Keys: { pk: { S: item.pk }, sk: { S: item.sk } },
      NewImage: image,
      SequenceNumber: sequence,
      StreamViewType: 'NEW_IMAGE',
    },
  };
}

/** As Lambda gives it: bytes in base64. */
function attributeOf(value: string | number | boolean | Uint8Array): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  return typeof value === 'boolean' ? { BOOL: value } : { B: Buffer.from(value).toString('base64') };
}
