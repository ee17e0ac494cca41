import { createApiServer, type ApiServer, type ApiServerOptions } from '../functions/apiserver/app.js';
import { staticAdmission } from '../functions/apiserver/admission/index.js';
import { REPAIR_INTERVAL_MS, serviceAllocation } from '../functions/apiserver/allocation/index.js';
import { ChainAuthenticator } from '../functions/apiserver/auth/authenticator.js';
import { FixedAuthorizer } from '../functions/apiserver/auth/authorizer.js';
import { NodeAuthorizer } from '../functions/apiserver/auth/node-authorizer.js';
import { StoreNodeReferences } from '../functions/apiserver/auth/node-references.js';
import { openIdDocuments } from '../functions/apiserver/auth/oidc-discovery.js';
import { reviewHandlers, tokenRequestHandler } from '../functions/apiserver/auth/reviews.js';
import { ServiceAccountTokens } from '../functions/apiserver/auth/service-account-tokens.js';
import { SigningKeys } from '../functions/apiserver/auth/signing-keys.js';
import { CONTROLLER_MANAGER_USERNAME, SCHEDULER_USERNAME } from '../functions/apiserver/auth/users.js';
import { inProcessTransport } from '../functions/apiserver/in-process-transport.js';
import { bootstrap } from '../functions/apiserver/registry/bootstrap.js';
import { Catalog } from '../functions/apiserver/registry/catalog.js';
import type { Log } from '../functions/apiserver/registry/context.js';
import type { NodeConnection } from '../functions/apiserver/registry/node-connection.js';
import { StoredObjects } from '../functions/apiserver/registry/objects.js';
import type { ApiRequest } from '../functions/apiserver/registry/request.js';
import { kinds } from '../functions/apiserver/resources/index.js';
import { createControllers } from '../functions/controllers/index.js';
import { Dispatcher } from '../functions/dispatcher/dispatcher.js';
import { dispatchLocally, type LocalFeed } from '../functions/dispatcher/local-feed.js';
import { resync, RESYNC_INTERVAL_MS } from '../functions/dispatcher/resync.js';
import { createScheduler } from '../functions/scheduler/scheduler.js';
import type { UserInfo } from '../lib/api/meta.js';
import { Client, parseKey } from '../lib/client/client.js';
import { Replicas } from '../lib/client/replicas.js';
import type { Transport } from '../lib/client/transport.js';
import type { Clock } from '../lib/clock/clock.js';
import type { Random } from '../lib/random.js';
import { builtinSchemas } from '../lib/schema/builtin/builtin-schemas.js';
import type { ChangeFeed, Store } from '../lib/store/store.js';
import type { Controller, ControllerContext } from '../lib/work/controller.js';
import { EventRecorder } from '../lib/work/event-recorder.js';
import { MemoryWorkQueue } from '../lib/work/memory-work-queue.js';
import { createWorker } from '../lib/work/worker.js';
import type { WorkQueue } from '../lib/work/work-queue.js';
import { takingTurns } from './turns.js';

export interface ControlPlaneOptions {
  store: Store & ChangeFeed;
  clock: Clock;
  random: Random;
  serviceCidr: string;
  podCidr: string;
  /** Addresses of the API server for `default/kubernetes`, and its port. */
  endpoint: { addresses: string[]; port: number };
  /** PEM: what pods trust the API server by (kube-root-ca.crt). */
  caCertificate: string;
  /** PEM private keys for service account tokens, newest first. */
  signingKeys: readonly string[];
  /** How long pods stay on a node that is not ready or unreachable when they say nothing: Kubernetes has 300. */
  defaultTolerationSeconds: number;
  nodeConnection?: NodeConnection;
  log: Log;
  /** Tests put faults between components and the API server here. */
  wrapTransport?: (component: string, transport: Transport) => Transport;
  /** Tests lose and repeat messages here. */
  wrapQueue?: (queue: WorkQueue) => WorkQueue;
  /** Tests put other controllers beside or in front of ours here. */
  wrapControllers?: (controllers: readonly Controller[]) => readonly Controller[];
  /** Tests put other parts into the API server here. */
  overrideApi?: (api: ApiServerOptions) => ApiServerOptions;
  /** Default: RESYNC_INTERVAL_MS. */
  resyncIntervalMs?: number;
}

/** Reconciles under way at one time. */
const RECONCILES_MAX = 16;

/** What every cluster starts with (`default/kubernetes` above all) comes back when somebody deletes it. */
const BOOTSTRAP_INTERVAL_MS = 30_000;

/** How long a node may miss its heartbeats, as in Kubernetes. */
const NODE_GRACE_MS = 40_000;

/** Events live an hour; a few minutes more do not matter. */
const EVENT_EXPIRY_INTERVAL_MS = 5 * 60 * 1_000;

const ISSUER = 'https://kubernetes.default.svc.cluster.local';

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
  const { api, repair } = createApi(options);
  const handle = takingTurns((request: ApiRequest) => api.handle(request));
  const transport = (user: UserInfo): Transport => inProcessTransport(handle, user);
  const component = (name: string, user: UserInfo): Transport => {
    const inner = transport(user);
    return options.wrapTransport?.(name, inner) ?? inner;
  };
  const closers: (() => void)[] = [];
  const controllerTransport = component('controllers', asUser(CONTROLLER_MANAGER_USERNAME));
  const controllerClient = new Client(controllerTransport, 'kube-controller-manager');
  const schedulerClient = new Client(component('scheduler', asUser(SCHEDULER_USERNAME)), 'kube-scheduler');
  const replicas = new Replicas(controllerClient, clock);
  const schedulerReplicas = new Replicas(schedulerClient, clock);
  const scheduler = createScheduler(schedulerReplicas);
  const own = [
    ...createControllers({
      podCidr: options.podCidr,
      caCertificate: options.caCertificate,
      nodeGraceMs: NODE_GRACE_MS,
    }),
    scheduler,
  ];
  const controllers = options.wrapControllers?.(own) ?? own;

  const queue = new MemoryWorkQueue({
    clock,
    concurrency: RECONCILES_MAX,
    handler: (messages) => handleBatch(messages),
    onDeadLetter: (message) => log.error({ ...message }, 'a reconcile message went to the dead letters'),
  });
  const sender = options.wrapQueue?.(queue) ?? queue;
  const contexts = contextsOf({ clock, random, log, replicas, controllerClient, schedulerReplicas, schedulerClient });
  const handleBatch = createWorker({
    controllers,
    queue: sender,
    context: contexts,
    observe: ({ error, ...outcome }) => {
      if (error !== undefined) log.info({ ...outcome, error: messageOf(error) }, 'reconcile failed, will be retried');
    },
    onGiveUp: async (message, error) => {
      log.error({ ...message, error: messageOf(error) }, 'reconcile given up until something changes');
      const controller = controllers.find(({ name }) => name === message.controller);
      if (controller !== undefined) await tellObject(controller, message.key, error, contexts(controller));
    },
  });
  // The dispatcher shares the controllers' replicas, so what it looks up is never older than what a reconcile has seen: an object that it
  // misses has its own event still to come, and the reconcile which that causes reads everything anew.
  const dispatcher = new Dispatcher(controllers, sender, { view: (resource) => replicas.recentView(resource) });
  const feed: LocalFeed = dispatchLocally(store, dispatcher, (error) =>
    log.warn({ error: String(error) }, 'a change was not dispatched'),
  );

  const bootstrapOptions = {
    client: new Client(transport(asUser('system:apiserver', 'system:masters')), 'kube-apiserver'),
    clock,
    endpoint: options.endpoint,
    serviceCidr: options.serviceCidr,
  };
  await bootstrap(bootstrapOptions);
  let round = 0;
  const look = async (): Promise<void> => {
    try {
      await resync(controllers, dispatcher, replicas, `${clock.now()}:${round++}`);
    } catch (error) {
      log.warn({ error: String(error) }, 'resync failed, the next one is in some minutes');
    }
  };
  every(clock, options.resyncIntervalMs ?? RESYNC_INTERVAL_MS, look, closers);
  const restore = async (): Promise<void> => {
    try {
      await bootstrap(bootstrapOptions);
    } catch (error) {
      log.warn(
        { error: String(error) },
        "the cluster's first objects were not checked, the next check is in half a minute",
      );
    }
  };
  every(clock, BOOTSTRAP_INTERVAL_MS, restore, closers, { isDone: true });
  every(
    clock,
    REPAIR_INTERVAL_MS,
    async () => {
      try {
        await repair();
      } catch (error) {
        log.warn({ error: String(error) }, 'repair of service allocations failed, the next one is in some minutes');
      }
    },
    closers,
  );
  every(
    clock,
    EVENT_EXPIRY_INTERVAL_MS,
    async () => {
      try {
        await api.expireEvents();
      } catch (error) {
        log.warn({ error: String(error) }, 'old events were not deleted, the next attempt is in some minutes');
      }
    },
    closers,
  );

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
      scheduler.close();
      // A reconcile may wait for a replica that no longer gets anything from a store that has failed.
      replicas.close();
      schedulerReplicas.close();
      await worked;
      api.close();
    },
  };
}

function createApi(options: ControlPlaneOptions): { api: ApiServer; repair: () => Promise<unknown> } {
  const { store, clock, random, log } = options;
  const objects = new StoredObjects(store, new Catalog(kinds));
  const tokens = new ServiceAccountTokens({
    keys: new SigningKeys(options.signingKeys),
    issuer: ISSUER,
    clock,
    random,
    objects,
  });
  const authenticator = new ChainAuthenticator({ serviceAccountTokens: tokens });
  const authorizer = new FixedAuthorizer(new NodeAuthorizer(objects, new StoreNodeReferences(store)));
  const allocation = serviceAllocation({
    store,
    clock,
    random,
    serviceCidrs: options.serviceCidr.split(','),
    onLeak: (owner, error) => log.warn({ owner, error: String(error) }, 'a service reservation waits for repair'),
  });
  const parts: ApiServerOptions = {
    store,
    clock,
    random,
    kinds,
    schemas: builtinSchemas(),
    authenticator,
    authorizer,
    admission: staticAdmission({
      tolerations: {
        notReadySeconds: options.defaultTolerationSeconds,
        unreachableSeconds: options.defaultTolerationSeconds,
      },
    }),
    reservations: allocation.reservations,
    subresources: { 'serviceaccounts/token': tokenRequestHandler(tokens) },
    reviews: reviewHandlers(authenticator, authorizer),
    documents: openIdDocuments(tokens, serverUrl(options.endpoint)),
    ...(options.nodeConnection === undefined ? {} : { nodeConnection: options.nodeConnection }),
    log,
  };
  const api = createApiServer(options.overrideApi?.(parts) ?? parts);
  return { api, repair: () => allocation.repair() };
}

function serverUrl({ addresses, port }: ControlPlaneOptions['endpoint']): string {
  const [address = 'localhost'] = addresses;
  return `https://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function asUser(username: string, ...groups: string[]): UserInfo {
  return { username, groups: [...groups, 'system:authenticated'] };
}

function contextsOf(parts: {
  clock: Clock;
  random: Random;
  log: Log;
  replicas: Replicas;
  controllerClient: Client;
  schedulerReplicas: Replicas;
  schedulerClient: Client;
}): (controller: Controller) => ControllerContext {
  const made = new Map<string, ControllerContext>();
  return ({ name }) => {
    const present = made.get(name);
    if (present !== undefined) return present;
    const isScheduler = name === 'scheduler';
    const client = isScheduler ? parts.schedulerClient : parts.controllerClient;
    const replicas = isScheduler ? parts.schedulerReplicas : parts.replicas;
    const reporter = isScheduler ? 'default-scheduler' : `${name}-controller`;
    const context: ControllerContext = {
      client,
      clock: parts.clock,
      random: parts.random,
      events: new EventRecorder(client, parts.clock, reporter),
      view: (resource) => replicas.view(resource),
      log: (level, message, data) => {
        if (level === 'debug') return;
        parts.log[level]({ controller: name, ...data }, message);
      },
    };
    made.set(name, context);
    return context;
  };
}

/** Says on the object itself that its controller has given it up. By convention the first resource a controller watches is the one its keys name. */
async function tellObject(
  controller: Controller,
  key: string,
  error: unknown,
  { client, events }: ControllerContext,
): Promise<void> {
  const resource = controller.watches[0]?.resource;
  const object = resource === undefined ? undefined : await client.find(resource, parseKey(key)).catch(() => undefined);
  if (object === undefined) return;
  await events.warning(
    object,
    'ReconcileFailed',
    `${controller.name} gives up until something changes: ${messageOf(error)}`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
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
