import { FakeClock } from '../../lib/clock/fake.js';
import { seededRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { isStoreError } from '../../lib/store/errors.js';
import { TableError, type Item, type ItemKey, type Table } from '../../lib/store/dynamodb/table.js';
import { drive } from '../support/drive.js';
import { TableConnection } from '../support/table-connection.js';
import { sizeOf, TableDouble } from '../support/table-double.js';
import type { BenchResult } from './result.js';
import { distantTable } from './support/aws-latencies.js';
import { median, percentile } from './support/statistics.js';

const COLLECTION = 'core/pods';
const MEASURE_MS = 10_000;
const WRITERS = [1, 10, 50];
const BODY_BYTES = 2_000;
const UNIT_BYTES = 1_024;
/** DynamoDB's own: write units of one partition in a second. */
const PARTITION_UNITS = 1_000;
/** What a partition may take ahead: DynamoDB saves up to five minutes, of which a busy one has nothing left. */
const BURST_UNITS = 100;

/** What lies in one partition: everything of a partition key, or, after DynamoDB has split it for heat, only the log, whose tail it cannot split. */
type Layout = 'cold' | 'split';

/**
 * Writes per second of one collection, each writer its own object of 2 KB, with AWS-like latencies on a simulated clock, and a table that
 * throttles a partition at 1,000 write units a second, without bursts.
 */
export async function benchCloudWrites(): Promise<BenchResult[]> {
  const rows: BenchResult[] = [];
  for (const layout of ['cold', 'split'] as const)
    for (const writers of WRITERS) {
      const { perSecond, latenciesMs, hottest, throttled } = await measure(writers, layout);
      rows.push({
        name: `cloud writes of one collection, ${layout === 'cold' ? 'new table' : 'table split for heat'}, ${writers} at once`,
        value: `${Math.round(perSecond)}/s, p50 ${Math.round(median(latenciesMs))} ms, p99 ${Math.round(percentile(latenciesMs, 0.99))} ms`,
        aim: `hottest partition ${Math.round(hottest)} of ${PARTITION_UNITS} WRU/s${throttled === 0 ? '' : `, ${throttled} requests throttled`}`,
      });
    }
  return rows;
}

async function measure(
  writers: number,
  layout: Layout,
): Promise<{ perSecond: number; latenciesMs: number[]; hottest: number; throttled: number }> {
  const clock = new FakeClock(undefined, 1);
  const random = seededRandom(writers);
  const limits = new PartitionLimits(clock, layout);
  const double = new TableDouble({ clock });
  const latenciesMs: number[] = [];
  // A body as Kubernetes has them: it deflates to about a third.
  const names = Array.from({ length: 40 }, (_, index) => `"field-${index}":"${(index * 7919).toString(36)}"`).join(',');
  const body = Buffer.from(`{${names.repeat(4)}}`.slice(0, BODY_BYTES));
  const write = async (index: number): Promise<void> => {
    const table = distantTable(limits.over(new TableConnection({ double })), { clock, random });
    // Every writer is a function of its own.
    const store = new DynamoDbStore({ table, clock, random, cluster: 'one' });
    const key = `default/pod-${index}`;
    let revision = (await store.write(COLLECTION, [{ key, expect: 'absent', body: () => body }]))[0] as number;
    const endMs = clock.now() + MEASURE_MS;
    while (clock.now() < endMs) {
      const startMs = clock.now();
      try {
        revision = (await store.write(COLLECTION, [{ key, expect: revision, body: () => body }]))[0] as number;
        latenciesMs.push(clock.now() - startMs);
      } catch (error) {
        if (!isStoreError(error)) throw error;
        revision = (await store.get(COLLECTION, key))?.revision ?? 0;
      }
    }
  };
  await drive(clock, Promise.all(Array.from({ length: writers }, (_, index) => write(index))));
  return {
    perSecond: (latenciesMs.length * 1_000) / MEASURE_MS,
    latenciesMs,
    hottest: limits.hottest,
    throttled: limits.throttled,
  };
}

interface Bucket {
  tokens: number;
  filledMs: number;
  second: number;
  units: number;
}

/** Write units by partition; what is above the limit is refused. */
class PartitionLimits {
  readonly #clock: FakeClock;
  readonly #layout: Layout;
  readonly #buckets = new Map<string, Bucket>();
  /** The most units of one partition in one second. */
  hottest = 0;
  throttled = 0;

  constructor(clock: FakeClock, layout: Layout) {
    this.#clock = clock;
    this.#layout = layout;
  }

  over(table: Table): Table {
    const take = (items: readonly { key: ItemKey; size: number }[], factor: number): void => {
      const wanted = new Map<string, number>();
      for (const { key, size } of items) {
        const isAlone = this.#layout === 'split' && !key.pk.includes('/log/');
        const partition = isAlone ? `${key.pk} ${key.sk}` : key.pk;
        wanted.set(partition, (wanted.get(partition) ?? 0) + factor * Math.max(1, Math.ceil(size / UNIT_BYTES)));
      }
      const taken = [...wanted].map(([partition, units]) => ({ bucket: this.#bucket(partition), units }));
      if (taken.some(({ bucket, units }) => bucket.tokens < units)) {
        this.throttled++;
        throw new TableError('throttled', 'ThrottlingException');
      }
      for (const { bucket, units } of taken) {
        bucket.tokens -= units;
        bucket.units += units;
        this.hottest = Math.max(this.hottest, bucket.units);
      }
    };
    const sized = (item: Item): { key: ItemKey; size: number } => ({ key: item, size: sizeOf(item) });
    return {
      getItem: (...args) => table.getItem(...args),
      query: (...args) => table.query(...args),
      batchGet: (...args) => table.batchGet(...args),
      transactGet: (...args) => table.transactGet(...args),
      putItem: async (item, condition) => {
        take([sized(item)], 1);
        return table.putItem(item, condition);
      },
      updateItem: async (key, update, condition) => {
        take([{ key, size: 1 }], 1);
        return table.updateItem(key, update, condition);
      },
      transactWrite: async (writes, token) => {
        take(
          writes.map((one) => ('put' in one ? sized(one.put) : { key: one.key, size: 1 })),
          2,
        );
        return table.transactWrite(writes, token);
      },
    };
  }
  #bucket(partition: string): Bucket {
    const nowMs = this.#clock.now();
    const second = Math.floor(nowMs / 1_000);
    let bucket = this.#buckets.get(partition);
    if (bucket === undefined)
      this.#buckets.set(partition, (bucket = { tokens: BURST_UNITS, filledMs: nowMs, second, units: 0 }));
    bucket.tokens = Math.min(BURST_UNITS, bucket.tokens + ((nowMs - bucket.filledMs) / 1_000) * PARTITION_UNITS);
    bucket.filledMs = nowMs;
    if (bucket.second !== second) Object.assign(bucket, { second, units: 0 });
    return bucket;
  }
}
