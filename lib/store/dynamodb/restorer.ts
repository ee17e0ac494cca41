import type { Clock } from '../../clock/clock.js';
import type { Random } from '../../random.js';
import { InFlight } from '../../work/in-flight.js';
import type { Restorer } from '../backup/ports.js';
import { StoreError } from '../errors.js';
import { POLICY_EPOCH } from '../policy-epoch.js';
import type { StoredObject } from '../store.js';
import { packBody } from './body.js';
import { StoreContext } from './context.js';
import { DynamoDbStore } from './dynamodb-store.js';
import {
  chunkKeys,
  emptySlot,
  headKey,
  namesPartition,
  objectKey,
  restoreKey,
  slotKey,
  takeRevisions,
  ttlSeconds,
} from './items.js';
import {
  OBJECT_KEY_MAX_BYTES,
  RESTORE_DEADLINE_MS,
  RESTORE_PUTS_MAX,
  RETENTION_DEFAULT_MS,
  TOMBSTONE_LIFE_RETENTIONS,
} from './limits.js';
import { ObjectScan } from './object-scan.js';
import { HEARTBEAT_COLLECTION } from './open.js';
import type { Item, Table } from './table.js';

export interface DynamoDbRestorerOptions {
  table: Table;
  heartbeatTable: Table;
  clock: Clock;
  random: Random;
  cluster: string;
}

/**
 * Restores a cluster in its tables. It does not take part in the protocol of writers: nobody else may write meanwhile. Objects keep their
 * revisions and have no event; the head of each collection says where the log begins (`floor`), with a void there, which proves the youth
 * of what follows. What was there before and is not in the backup becomes a tombstone.
 */
export class DynamoDbRestorer implements Restorer {
  readonly #context: StoreContext;
  readonly #heartbeats: StoreContext;
  /** Keys that were there before, by collection; those that are restored are taken out. */
  readonly #former = new Map<string, Set<string>>();
  readonly #floors = new Map<string, number>();

  constructor(options: DynamoDbRestorerOptions) {
    this.#context = new StoreContext({ ...options, retentionMs: RETENTION_DEFAULT_MS });
    this.#heartbeats = new StoreContext({
      ...options,
      table: options.heartbeatTable,
      retentionMs: RETENTION_DEFAULT_MS,
    });
  }

  /** Whether an earlier restore was cut short: what is there is no cluster. */
  async isUnfinished(): Promise<boolean> {
    const { table, cluster } = this.#context;
    const item = await this.#context.attempts().repeat(() => table.getItem(restoreKey(cluster)));
    return item !== undefined && item['ttl'] === undefined;
  }

  async begin(): Promise<void> {
    const { cluster, clock, random, table } = this.#context;
    await this.#put(this.#context, { ...restoreKey(cluster), at: clock.now() });
    const names = await new DynamoDbStore({ table, clock, random, cluster }).collections();
    for (const name of [...names, HEARTBEAT_COLLECTION]) {
      const scan = new ObjectScan(this.#of(name), name, { prefix: '' });
      await scan.read(0, this.#of(name).attempts(RESTORE_DEADLINE_MS));
      this.#former.set(name, new Set(scan.records.flatMap(({ key, isLive }) => (isLive ? [key] : []))));
    }
  }

  async collection(name: string, revision: number): Promise<void> {
    // Revisions of heartbeats are times; they have no log.
    if (name === HEARTBEAT_COLLECTION) return;
    const { clock, cluster, table } = this.#context;
    const partition = this.#context.partition(name);
    const attempts = this.#context.attempts(RESTORE_DEADLINE_MS);
    const head = await this.#context.readHead(name, attempts);
    const floor = Math.max(revision, head.next + 1);
    this.#floors.set(name, floor);
    const atMs = clock.now();
    const void_ = emptySlot(slotKey(partition, floor), { kind: 'void', atMs, ttlMs: this.#context.logTtlMs(atMs) });
    await this.#put(this.#context, void_);
    await this.#put(this.#context, { pk: namesPartition(cluster), sk: name });
    const set = { next: floor, closed: floor, floor, at: atMs, markRevision: floor, markAt: atMs, isListed: true };
    await attempts.repeat(() => table.updateItem(headKey(partition), { set }));
  }

  async put(collection: string, objects: readonly StoredObject[]): Promise<void> {
    const former = this.#former.get(collection);
    const writes = new InFlight(RESTORE_PUTS_MAX);
    for (const object of objects) {
      former?.delete(object.key);
      await writes.start(() => this.#putObject(collection, object));
    }
    await writes.drain();
  }

  async finish(): Promise<void> {
    const { clock, cluster, retentionMs } = this.#context;
    for (const [name, keys] of this.#former) {
      if (keys.size > 0 && !this.#floors.has(name)) await this.collection(name, 0);
      for (const key of keys) {
        const context = this.#of(name);
        const ttl = ttlSeconds(clock.now() + retentionMs * TOMBSTONE_LIFE_RETENTIONS);
        const rev = this.#floors.get(name) ?? clock.now();
        await this.#put(context, { ...objectKey(context.partition(name), key), rev, at: clock.now(), gone: true, ttl });
      }
    }
    await this.#movePolicyEpoch();
    await this.#put(this.#context, { ...restoreKey(cluster), at: clock.now(), ttl: ttlSeconds(clock.now()) });
  }

  /** Functions that are warm decide by what they remember as long as it has not moved. */
  async #movePolicyEpoch(): Promise<void> {
    const { clock, table } = this.#context;
    const update = takeRevisions({ count: 1, atMs: clock.now(), listed: false });
    const key = headKey(this.#context.partition(POLICY_EPOCH));
    await this.#context.attempts(RESTORE_DEADLINE_MS).repeat(() => table.updateItem(key, update));
  }

  async #putObject(collection: string, { key, revision, body }: StoredObject): Promise<void> {
    if (Buffer.byteLength(key) > OBJECT_KEY_MAX_BYTES)
      throw new StoreError('too-large', `the key ${key.slice(0, 64)}... is longer than DynamoDB takes`, {
        keys: [key],
      });
    const context = this.#of(collection);
    const partition = context.partition(collection);
    const { attributes, chunks } = packBody(body);
    for (const [index, chunkKey] of chunkKeys(partition, revision, chunks.length).entries())
      await this.#put(context, { ...chunkKey, bytes: chunks[index] as Uint8Array });
    const item: Item = { ...objectKey(partition, key), rev: revision, ...attributes };
    // No event tells of it, so the one that replaces it must: `at` says that it is older than any.
    await this.#put(
      context,
      collection === HEARTBEAT_COLLECTION ? { ...item, born: revision, op: 'restored' } : { ...item, at: 0 },
    );
  }

  async #put(context: StoreContext, item: Item): Promise<void> {
    await context.attempts(RESTORE_DEADLINE_MS).repeat(() => context.table.putItem(item));
  }

  #of(collection: string): StoreContext {
    return collection === HEARTBEAT_COLLECTION ? this.#heartbeats : this.#context;
  }
}
