import type { ApiServer } from '../apiserver/app.js';
import { CHECK_INTERVAL_MS } from '../apiserver/aggregation/limits.js';
import { REPAIR_INTERVAL_MS } from '../apiserver/allocation/index.js';
import { kinds } from '../apiserver/resources/index.js';
import { bootstrap } from '../apiserver/registry/bootstrap.js';
import type { Dispatcher } from '../dispatcher/dispatcher.js';
import { resync } from '../dispatcher/resync.js';
import { Client } from '../../lib/client/client.js';
import type { Transport } from '../../lib/client/transport.js';
import type { UserInfo } from '../../lib/api/meta.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Components } from './components.js';
import type { Endpoint } from './api.js';

/** Something that is to be done every so often, whatever happens in the cluster. */
export interface Chore {
  readonly name: string;
  readonly intervalMs: number;
  run(): Promise<void>;
  /** What an operator reads when it fails: until the next time. */
  readonly failure: string;
}

/** How often what may have been lost is looked for. */
export interface Rounds {
  /** What every cluster starts with (`default/kubernetes` above all) comes back when somebody deletes it. */
  bootstrapMs: number;
  /** Everything is looked at again, whatever the hints said. */
  resyncMs: number;
}

/** Where looking costs next to nothing. */
const ROUNDS_DEFAULT: Rounds = { bootstrapMs: 30_000, resyncMs: 300_000 };

/** Events live an hour; a few minutes more do not matter. */
const EVENT_EXPIRY_INTERVAL_MS = 5 * 60 * 1_000;

export interface ChoresOptions {
  api: ApiServer;
  repair: () => Promise<unknown>;
  transport(user: UserInfo): Transport;
  components: Pick<Components, 'controllers' | 'replicas'>;
  dispatcher: Dispatcher;
  clock: Clock;
  endpoint: Endpoint;
  serviceCidr: string;
  /** What API servers behind this one must know to believe it who asks. PEM. */
  authentication?: { clientCa: string; requestHeaderCa: string };
  /** Default: each half minute, and each five minutes. */
  rounds?: Partial<Rounds>;
}

/** The chores of a control plane. The first one, `bootstrap`, has to have been done before the API is of use. */
export function choresOf(options: ChoresOptions): { bootstrap: Chore; others: readonly Chore[] } {
  const { api, clock, components, dispatcher } = options;
  const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  const client = new Client(options.transport(user), 'kube-apiserver');
  const { endpoint, serviceCidr } = options;
  const served = kinds.flatMap((kind) => [kind, ...(kind.alternates ?? [])]);
  const trust = options.authentication === undefined ? {} : { authentication: options.authentication };
  const rounds = { ...ROUNDS_DEFAULT, ...options.rounds };
  let round = 0;
  return {
    bootstrap: {
      name: 'bootstrap',
      intervalMs: rounds.bootstrapMs,
      run: () => bootstrap({ client, clock, endpoint, serviceCidr, served, ...trust }),
      failure: "the cluster's first objects were not checked, the next check is in some moments",
    },
    others: [
      {
        name: 'resync',
        intervalMs: rounds.resyncMs,
        run: () => resync(components.controllers, dispatcher, components.replicas, `${clock.now()}:${round++}`),
        failure: 'resync failed, the next one is in some minutes',
      },
      {
        name: 'repair',
        intervalMs: REPAIR_INTERVAL_MS,
        run: async () => void (await options.repair()),
        failure: 'repair of service allocations failed, the next one is in some minutes',
      },
      {
        name: 'event-expiry',
        intervalMs: EVENT_EXPIRY_INTERVAL_MS,
        run: async () => void (await api.expireEvents()),
        failure: 'old events were not deleted, the next attempt is in some minutes',
      },
      {
        name: 'extension-servers',
        intervalMs: CHECK_INTERVAL_MS,
        run: () => api.checkExtensionServers(),
        failure: 'API servers of others were not looked after, the next attempt is in some seconds',
      },
    ],
  };
}
