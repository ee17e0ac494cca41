import type { StsFetch } from '../apiserver/auth/aws-iam/sts.js';
import type { Log } from '../apiserver/registry/context.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Random } from '../../lib/random.js';
import { openDynamoDbStore } from '../../lib/store/dynamodb/open.js';
import type { Table } from '../../lib/store/dynamodb/table.js';
import type { Store } from '../../lib/store/store.js';
import type { Sqs } from '../../lib/work/sqs/sqs.js';
import type { CloudConfig } from './environment.js';
import type { Metrics } from './metrics.js';
import type { Parameters } from './parameters.js';
import type { Rules } from './rules.js';

/** What the functions are made of: adapters on AWS, or their doubles. */
export interface CloudParts {
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Objects and logs; its stream feeds the dispatcher. */
  readonly table: Table;
  /** Leases, and what functions remember. */
  readonly heartbeatTable: Table;
  readonly sqs: Sqs;
  readonly parameters: Parameters;
  readonly rules: Rules;
  /** Asks STS whose a token is, at another place than the token names if there is one. */
  readonly sts: { fetch: StsFetch; endpoint?: string };
}

/** A watch that is polled for in a function costs a read unit each time; this much is nobody's hurry. */
const WATCH_POLL_MAX_MS = 2_000;

export function openStore(parts: CloudParts): Store {
  const { table, heartbeatTable, clock, random, config } = parts;
  const { cluster } = config;
  return openDynamoDbStore({ table, heartbeatTable, clock, random, cluster, watchPollMaxMs: WATCH_POLL_MAX_MS });
}
