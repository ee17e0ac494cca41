import type { ApiServer } from '../functions/apiserver/app.js';
import { inProcessTransport } from '../functions/apiserver/in-process-transport.js';
import type { ApiRequest } from '../functions/apiserver/registry/request.js';
import { composeApi, type ApiOptions } from '../functions/composition/api.js';
import { choresOf, type Chore } from '../functions/composition/chores.js';
import { composeComponents, type ComponentsOptions } from '../functions/composition/components.js';
import { Dispatcher } from '../functions/dispatcher/dispatcher.js';
import { dispatchLocally, type LocalFeed } from '../functions/dispatcher/local-feed.js';
import type { UserInfo } from '../lib/api/meta.js';
import type { Transport } from '../lib/client/transport.js';
import type { Clock } from '../lib/clock/clock.js';
import type { ChangeFeed, Store } from '../lib/store/store.js';
import { MemoryWorkQueue } from '../lib/work/memory-work-queue.js';
import type { BatchHandler, WorkQueue } from '../lib/work/work-queue.js';
import { takingTurns } from './turns.js';

export interface ControlPlaneOptions
  extends
    ApiOptions,
    Pick<ComponentsOptions, 'podCidr' | 'caCertificate' | 'follow' | 'wrapControllers' | 'listeningSinceMs'> {
  store: Store & ChangeFeed;
  /** Tests put faults between components and the API server here. */
  wrapTransport?: (component: string, transport: Transport) => Transport;
  /** Tests lose and repeat messages here. */
  wrapQueue?: (queue: WorkQueue) => WorkQueue;
  /** Default: five minutes. */
  resyncIntervalMs?: number;
}

/** Reconciles under way at one time. */
const RECONCILES_MAX = 16;

/** A whole control plane in this process: API server, dispatcher, scheduler and controllers over one store. */
export interface ControlPlane {
  readonly api: ApiServer;
  /** A transport with a fixed identity. */
  transport(user: UserInfo): Transport;
  /** Nothing is waiting to be done now; timers may be pending. */
  readonly idle: boolean;
  /** Messages that wait for their time. */
  readonly delayedCount: number;
  /** Ends all work; resolves when what is under way is done. The store stays open. */
  close(): Promise<void>;
}

/** Starts a control plane. Resolves once the API answers and the cluster's first objects exist. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { store, clock, random, log } = options;
  const { api, repair } = composeApi(options);
  const handle = takingTurns((request: ApiRequest) => api.handle(request));
  const transport = (user: UserInfo): Transport => inProcessTransport(handle, user);
  const closers: (() => void)[] = [];
  const components = composeComponents({
    clock,
    random,
    log,
    transport: (component, user) => {
      const inner = transport(user);
      return options.wrapTransport?.(component, inner) ?? inner;
    },
    podCidr: options.podCidr,
    caCertificate: options.caCertificate,
    ...(options.wrapControllers === undefined ? {} : { wrapControllers: options.wrapControllers }),
    ...(options.follow === undefined ? {} : { follow: options.follow }),
    ...(options.listeningSinceMs === undefined ? {} : { listeningSinceMs: options.listeningSinceMs }),
  });
  const { controllers, replicas } = components;

  const queue = new MemoryWorkQueue({
    clock,
    concurrency: RECONCILES_MAX,
    handler: (messages) => handleBatch(messages),
    onDeadLetter: (message) => log.error({ ...message }, 'a reconcile message went to the dead letters'),
  });
  const sender = options.wrapQueue?.(queue) ?? queue;
  const handleBatch: BatchHandler = components.worker(sender);
  // The dispatcher shares the controllers' replicas, so what it looks up is never older than what a reconcile has seen: an object that it
  // misses has its own event still to come, and the reconcile which that causes reads everything anew.
  const dispatcher = new Dispatcher(controllers, sender, { view: (resource) => replicas.recentView(resource) });
  const feed: LocalFeed = dispatchLocally(store, dispatcher, (error) =>
    log.warn({ error: String(error) }, 'a change was not dispatched'),
  );

  const { bootstrap, others } = choresOf({
    api,
    repair,
    transport,
    components,
    dispatcher,
    clock,
    endpoint: options.endpoint,
    serviceCidr: options.serviceCidr,
    ...(options.frontProxy === undefined
      ? {}
      : {
          authentication: {
            clientCa: options.caCertificate,
            requestHeaderCa: options.frontProxy.caCertificate,
          },
        }),
    ...(options.resyncIntervalMs === undefined ? {} : { rounds: { resyncMs: options.resyncIntervalMs } }),
  });
  const attempt = async (chore: Chore): Promise<void> => {
    try {
      await chore.run();
    } catch (error) {
      log.warn({ error: String(error) }, chore.failure);
    }
  };
  await bootstrap.run();
  const [resync, ...rest] = others;
  if (resync !== undefined) every(clock, resync.intervalMs, () => attempt(resync), closers);
  every(clock, bootstrap.intervalMs, () => attempt(bootstrap), closers, { isDone: true });
  for (const chore of rest) every(clock, chore.intervalMs, () => attempt(chore), closers);

  return {
    api,
    transport,
    get idle() {
      return feed.idle && queue.idle;
    },
    get delayedCount() {
      return queue.delayedCount;
    },
    async close() {
      for (const close of closers) close();
      feed.close();
      const worked = queue.close();
      // A reconcile may wait for a replica that no longer gets anything from a store that has failed.
      components.close();
      await worked;
      api.close();
    },
  };
}

/** Every `intervalMs`, one after the other; the first time now, unless it has just been done. */
function every(
  clock: Clock,
  intervalMs: number,
  step: () => Promise<void>,
  closers: (() => void)[],
  { isDone = false } = {},
): void {
  let isClosed = false;
  let cancel: () => void = () => undefined;
  const run = async (): Promise<void> => {
    await step();
    if (!isClosed) wait();
  };
  const wait = (): void => {
    cancel = clock.setTimer(intervalMs, () => void run());
  };
  closers.push(() => {
    isClosed = true;
    cancel();
  });
  if (isDone) wait();
  else void run();
}
