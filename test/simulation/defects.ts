import type { ApiServerOptions } from '../../functions/apiserver/app.js';
import type { Transport } from '../../lib/client/transport.js';
import type { ChangeFeed, Store } from '../../lib/store/store.js';
import type { Controller } from '../../lib/work/controller.js';
import type { WorkQueue } from '../../lib/work/work-queue.js';
import type { World } from './world.js';

/** A mistake that a simulation is to find: a wrapper around one port that makes it behave as the mistake would. */
export interface Defect {
  name: string;
  store?: (store: Store & ChangeFeed, world: World) => Store & ChangeFeed;
  /** `component` is `controllers` or `scheduler`. */
  transport?: (transport: Transport, component: string) => Transport;
  queue?: (queue: WorkQueue) => WorkQueue;
  controllers?: (controllers: readonly Controller[]) => readonly Controller[];
  api?: (api: ApiServerOptions) => ApiServerOptions;
  resyncIntervalMs?: number;
}
