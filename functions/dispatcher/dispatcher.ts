import type { KubernetesObject } from '../../lib/api/meta.js';
import { collectionName } from '../../lib/client/resource.js';
import type { ChangeEvent } from '../../lib/store/store.js';
import type { Controller, ControllerWatch, Lookup, ObjectChange } from '../../lib/work/controller.js';
import type { WorkMessage, WorkQueue } from '../../lib/work/work-queue.js';

interface Route {
  controller: Controller;
  watch: ControllerWatch;
}

/** Turns changes into reconcile keys: which controllers watch the collection, and which of their keys a change concerns. */
export class Dispatcher {
  readonly #routes = new Map<string, Route[]>();
  readonly #custom: readonly Controller[];
  readonly #queue: WorkQueue;
  readonly #lookup: Lookup;

  constructor(controllers: readonly Controller[], queue: WorkQueue, lookup: Lookup) {
    this.#queue = queue;
    this.#lookup = lookup;
    this.#custom = controllers.filter(({ customKeys }) => customKeys !== undefined);
    for (const controller of controllers) {
      for (const watch of controller.watches) {
        const collection = collectionName(watch.resource);
        this.#routes.set(collection, [...(this.#routes.get(collection) ?? []), { controller, watch }]);
      }
    }
  }

  /** Whether anything watches the collection: others need not be decoded. */
  watches(collection: string): boolean {
    return this.#routes.has(collection) || (this.#custom.length > 0 && isCustom(collection));
  }

  /** Queues the keys of one change of the log. `position` is unique to the change and the same when it is delivered again: by default its place in the log. */
  async dispatch(collection: string, event: ChangeEvent, position = `${collection}:${event.revision}`): Promise<void> {
    const routes = this.#routes.get(collection);
    const change = new LoggedChange(event);
    const found = routes ?? (isCustom(collection) ? this.#customRoutes(collection, event.key, change) : []);
    if (found.length > 0) await this.send(found, change, position);
  }

  /** Those who follow all custom resources, for one that nobody follows by its name. */
  #customRoutes(collection: string, key: string, change: ObjectChange<KubernetesObject>): Route[] {
    if (this.#custom.length === 0) return [];
    const [group = '', plural = ''] = collection.split('/');
    const { apiVersion = '', kind = '' } = change.object;
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    const resource = { group, version, plural, kind, namespaced: key.includes('/') };
    return this.#custom.map((controller) => ({
      controller,
      watch: { resource, keys: (one, lookup) => controller.customKeys?.(resource, one, lookup) ?? [] },
    }));
  }

  /** Queues the keys of an object as if it had just been created: what the resync does for all. */
  async dispatchObject(collection: string, object: KubernetesObject, position: string): Promise<void> {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const change: ObjectChange<KubernetesObject> = { type: 'created', object };
    const key = namespace === '' ? name : `${namespace}/${name}`;
    const routes =
      this.#routes.get(collection) ?? (isCustom(collection) ? this.#customRoutes(collection, key, change) : []);
    if (routes.length > 0) await this.send(routes, change, position);
  }

  private async send(
    routes: readonly Route[],
    change: ObjectChange<KubernetesObject>,
    position: string,
  ): Promise<void> {
    const messages: WorkMessage[] = [];
    const errors: unknown[] = [];
    for (const { controller, watch } of routes) {
      let keys: readonly string[];
      try {
        const found = watch.keys(change, this.#lookup);
        // Most watches answer at once, and mostly with nothing: waiting for them would cost more than they do.
        keys = found instanceof Promise ? await found : found;
      } catch (error) {
        // What one controller cannot make out is no reason to keep it from the others.
        errors.push(error);
        continue;
      }
      if (keys.length === 0) continue;
      for (const key of new Set(keys)) {
        const deduplicationId = `${position}:${controller.name}:${key}`;
        messages.push({ controller: controller.name, key, deduplicationId, attempt: 0 });
      }
    }
    if (messages.length > 0) await this.#queue.send(messages);
    if (errors.length > 0) throw errors[0];
  }
}

/** Groups of custom resources are domains; which of them are built in, the routes know. */
function isCustom(collection: string): boolean {
  return collection.slice(0, collection.indexOf('/')).includes('.');
}

/** A change whose objects are decoded when a watch first looks at them: most look at the present one alone. */
export class LoggedChange implements ObjectChange<KubernetesObject> {
  readonly type: ChangeEvent['type'];
  readonly #event: ChangeEvent;
  #object: KubernetesObject | undefined;
  #previous: KubernetesObject | undefined;

  constructor(event: ChangeEvent) {
    this.type = event.type;
    this.#event = event;
  }

  get object(): KubernetesObject {
    return (this.#object ??= decode(this.#event.body));
  }

  get previous(): KubernetesObject | undefined {
    const { previous } = this.#event;
    return previous === undefined ? undefined : (this.#previous ??= decode(previous));
  }
}

function decode(body: Uint8Array): KubernetesObject {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as KubernetesObject;
}
