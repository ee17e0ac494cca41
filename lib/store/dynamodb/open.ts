import type { Clock } from '../../clock/clock.js';
import type { Random } from '../../random.js';
import type { BackupSource } from '../backup/ports.js';
import type { Store } from '../store.js';
import { DynamoDbStore } from './dynamodb-store.js';
import { HeartbeatStore } from './heartbeat-store.js';
import { RoutedStore } from './routed-store.js';
import type { Table } from './table.js';

/** Renewed by every node and every elected leader all the time: kept in the table of heartbeats. */
export const HEARTBEAT_COLLECTION = 'coordination.k8s.io/leases';

export interface DynamoDbOptions {
  /** Objects and logs; its stream feeds the dispatcher. */
  table: Table;
  /** Leases; without a stream. */
  heartbeatTable: Table;
  clock: Clock;
  random: Random;
  /** Name of the cluster, a DNS label: several share the tables. */
  cluster: string;
  retentionMs?: number;
  /** How rarely an idle watch looks. */
  watchPollMaxMs?: number;
}

/** The whole store of a cluster on DynamoDB. */
export function openDynamoDbStore(options: DynamoDbOptions): Store & BackupSource {
  const { heartbeatTable, clock, random, cluster } = options;
  const heartbeats = new HeartbeatStore({ table: heartbeatTable, clock, random, cluster });
  return new RoutedStore(new DynamoDbStore(options), new Map([[HEARTBEAT_COLLECTION, heartbeats]]));
}
