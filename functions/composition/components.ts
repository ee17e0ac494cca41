import type { Log } from '../apiserver/registry/context.js';
import { CONTROLLER_MANAGER_USERNAME, SCHEDULER_USERNAME } from '../apiserver/auth/users.js';
import { createControllers } from '../controllers/index.js';
import { createScheduler, SCHEDULER_CONTROLLER } from '../scheduler/scheduler.js';
import type { UserInfo } from '../../lib/api/meta.js';
import { Client, parseKey } from '../../lib/client/client.js';
import type { Follow } from '../../lib/client/replica.js';
import { Replicas } from '../../lib/client/replicas.js';
import type { Transport } from '../../lib/client/transport.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Random } from '../../lib/random.js';
import type { Controller, ControllerContext } from '../../lib/work/controller.js';
import { EventRecorder } from '../../lib/work/event-recorder.js';
import { createWorker, type WorkerOptions } from '../../lib/work/worker.js';
import type { BatchHandler, WorkMessage, WorkQueue } from '../../lib/work/work-queue.js';

export interface ComponentsOptions {
  clock: Clock;
  random: Random;
  log: Log;
  /** The way of a component to the API server with its own identity. */
  transport(component: 'controllers' | 'scheduler', user: UserInfo): Transport;
  podCidr: string;
  /** PEM: what pods trust the API server by (kube-root-ca.crt). */
  caCertificate: string;
  /** How old what an API server decides by may be, where there are several. Default: 0. */
  policyAgeMs?: number;
  /** How replicas learn of changes. Default: by watches. */
  follow?: Follow;
  /** Since when the control plane has been there without a gap, in epoch milliseconds: what it missed is held against no node. Default: always. */
  listeningSinceMs?(): number;
  /** Controllers that only some clusters have. */
  further?: (replicas: Replicas) => readonly Controller[];
  /** Tests put other controllers beside or in front of ours here. */
  wrapControllers?: (controllers: readonly Controller[]) => readonly Controller[];
}

/** Scheduler and controllers with their clients and replicas, without the queue that drives them. */
export interface Components {
  readonly controllers: readonly Controller[];
  /** Of the controllers. The dispatcher shares them, so what it looks up is never older than what a reconcile has seen. */
  readonly replicas: Replicas;
  context(controller: Controller): ControllerContext;
  /** What handles the messages of `queue`; retries and later looks are sent to it. */
  worker(queue: WorkQueue, watched?: Pick<WorkerOptions, 'observe' | 'around'>): BatchHandler;
  /** Says on the object itself that its key is given up until something changes. Never rejects. */
  giveUp(message: WorkMessage, error: unknown): Promise<void>;
  close(): void;
}

/** How long a node may miss its heartbeats, as in Kubernetes. */
const NODE_GRACE_MS = 40_000;

export function composeComponents(options: ComponentsOptions): Components {
  const { clock, log } = options;
  const controllerClient = clientOf(options, 'controllers', CONTROLLER_MANAGER_USERNAME, 'kube-controller-manager');
  const schedulerClient = clientOf(options, 'scheduler', SCHEDULER_USERNAME, 'kube-scheduler');
  const replicas = new Replicas(controllerClient, clock, options.follow);
  const schedulerReplicas = new Replicas(schedulerClient, clock, options.follow);
  const scheduler = createScheduler(schedulerReplicas);
  const own = [
    ...createControllers({
      podCidr: options.podCidr,
      caCertificate: options.caCertificate,
      nodeGraceMs: NODE_GRACE_MS,
      ...(options.listeningSinceMs === undefined ? {} : { listeningSinceMs: options.listeningSinceMs }),
      policyAgeMs: options.policyAgeMs ?? 0,
    }),
    ...(options.further?.(replicas) ?? []),
    scheduler,
  ];
  const controllers = options.wrapControllers?.(own) ?? own;
  const context = contextsOf(options, ({ name }) =>
    name === SCHEDULER_CONTROLLER
      ? { client: schedulerClient, replicas: schedulerReplicas, reporter: 'default-scheduler' }
      : { client: controllerClient, replicas, reporter: `${name}-controller` },
  );
  const giveUp = async (message: WorkMessage, error: unknown): Promise<void> => {
    log.error({ ...message, error: messageOf(error) }, 'reconcile given up until something changes');
    const controller = controllers.find(({ name }) => name === message.controller);
    if (controller !== undefined) await tellObject(controller, message.key, error, context(controller));
  };
  return {
    controllers,
    replicas,
    context,
    giveUp,
    worker: (queue, watched = {}) =>
      createWorker({
        controllers,
        queue,
        context,
        observe: (outcome) => {
          const { error, ...rest } = outcome;
          if (error !== undefined) log.info({ ...rest, error: messageOf(error) }, 'reconcile failed, will be retried');
          watched.observe?.(outcome);
        },
        ...(watched.around === undefined ? {} : { around: watched.around }),
        onGiveUp: giveUp,
      }),
    close() {
      scheduler.close();
      replicas.close();
      schedulerReplicas.close();
    },
  };
}

function clientOf(
  options: ComponentsOptions,
  component: 'controllers' | 'scheduler',
  username: string,
  userAgent: string,
): Client {
  const user = { username, groups: ['system:authenticated'] };
  return new Client(options.transport(component, user), userAgent);
}

function contextsOf(
  parts: Pick<ComponentsOptions, 'clock' | 'random' | 'log'>,
  partsOf: (controller: Controller) => { client: Client; replicas: Replicas; reporter: string },
): (controller: Controller) => ControllerContext {
  const made = new Map<string, ControllerContext>();
  return (controller) => {
    const { name } = controller;
    const present = made.get(name);
    if (present !== undefined) return present;
    const { client, replicas, reporter } = partsOf(controller);
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

/** By convention the first resource a controller watches is the one its keys name. */
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
