import { POLICY_AGE_MAX_MS } from '../apiserver/registry/limits.js';
import { choresOf, type Chore, type Rounds } from '../composition/chores.js';
import { composeComponents, type Components } from '../composition/components.js';
import { doorbellController } from '../controllers/doorbells.js';
import { Dispatcher } from '../dispatcher/dispatcher.js';
import { SCHEDULER_CONTROLLER } from '../scheduler/scheduler.js';
import { TableDues } from '../../lib/work/sqs/dues.js';
import { SqsDoorbell } from '../../lib/work/sqs/sqs-doorbell.js';
import { SqsWorkQueue } from '../../lib/work/sqs/sqs-work-queue.js';
import type { Lookup } from '../../lib/work/controller.js';
import type { Doorbell } from '../../lib/work/doorbell.js';
import type { BatchHandler, WorkQueue } from '../../lib/work/work-queue.js';
import { trustedCertificates } from './authority.js';
import { CLOUD_ENDPOINT, openApi, type CloudApi } from './cloud-api.js';
import { withBindings } from './logging.js';
import type { CloudParts } from './parts.js';

/** Other functions decide by policy of a second ago, and a request that has been let in takes a moment to be written. */
const POLICY_SETTLE_MS = 2 * POLICY_AGE_MAX_MS;

/** Each look is requests and messages that are billed, and the stream delivers again what a function has failed on. */
const ROUNDS: Rounds = { bootstrapMs: 300_000, resyncMs: 900_000 };

/** Scheduler and controllers inside a function, over the API server in the same process. */
export interface CloudWork extends CloudApi {
  readonly components: Components;
  readonly queue: SqsWorkQueue;
  readonly doorbell: Doorbell;
  /** Handles messages of the queues. */
  readonly handle: BatchHandler;
  /** What turns changes into keys, and sends these to `queue` or, for a batch, to something in front of it. */
  dispatcher(queue?: WorkQueue, lookup?: Lookup): Dispatcher;
  chores(): { bootstrap: Chore; others: readonly Chore[] };
}

/** Replicas sleep with their function: they look when they are asked, which costs one small read when nothing has happened. */
export async function openWork(parts: CloudParts): Promise<CloudWork> {
  const { config, clock, random, log, metrics, sqs } = parts;
  const [opened, trusted] = await Promise.all([openApi(parts, { isServed: false }), trustedCertificates(parts)]);
  const { cluster } = config;
  const doorbell = new SqsDoorbell({ sqs, clock, cluster });
  const queue = new SqsWorkQueue({
    sqs,
    clock,
    random,
    dues: new TableDues({ table: parts.heartbeatTable, clock, cluster }),
    queueOf: (controller) => (controller === SCHEDULER_CONTROLLER ? config.schedulerQueueUrl : config.workQueueUrl),
    delayQueueUrl: config.delayQueueUrl,
  });
  const components = composeComponents({
    clock,
    random,
    log,
    transport: (_component, user) => opened.transport(user),
    podCidr: config.podCidr,
    caCertificate: trusted.all,
    policyAgeMs: POLICY_SETTLE_MS,
    follow: 'asked',
    further: () => [doorbellController(doorbell)],
  });
  const handle = components.worker(queue, {
    observe: ({ durationMs, error }) => {
      metrics.count('Reconciles');
      metrics.duration('ReconcileDuration', durationMs);
      if (error !== undefined) metrics.count('ReconcileErrors');
    },
    around: ({ controller, key }, reconcile) => withBindings({ controller, key }, reconcile),
  });
  const dispatcher = (target: WorkQueue = queue, lookup: Lookup = components.replicas): Dispatcher =>
    new Dispatcher(components.controllers, target, lookup);
  return {
    ...opened,
    components,
    queue,
    doorbell,
    handle,
    dispatcher,
    chores: () =>
      choresOf({
        api: opened.api,
        repair: opened.repair,
        transport: opened.transport,
        components,
        dispatcher: dispatcher(),
        clock,
        endpoint: CLOUD_ENDPOINT,
        serviceCidr: config.serviceCidr,
        ...(opened.frontProxy === undefined
          ? {}
          : { authentication: { clientCa: trusted.own, requestHeaderCa: opened.frontProxy.caCertificate } }),
        rounds: ROUNDS,
      }),
  };
}
