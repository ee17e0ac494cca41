import type { KubernetesObject } from '../api/meta.js';
import type { Client } from '../client/client.js';
import type { View } from '../client/replica.js';
import type { Resource } from '../client/resource.js';
import type { Clock } from '../clock/clock.js';
import type { Random } from '../random.js';
import type { EventRecorder } from './event-recorder.js';

/**
 * A controller: what it watches, how a change maps to its keys, and one step towards the desired state. It has no loops
 * and no state of its own. `reconcile` gets a key and nothing else, reads the present, and must be right when run twice,
 * late, out of order, or after a crash between any two of its writes. One key is never reconciled twice at once.
 */
export interface Controller {
  /** Kebab-case, stable: part of queue names, metrics and logs. */
  readonly name: string;
  readonly watches: readonly ControllerWatch[];
  /** The keys that a change of a custom resource's object concerns, of whichever resource; absent: such changes do not matter. */
  customKeys?(
    resource: Resource<KubernetesObject>,
    change: ObjectChange<KubernetesObject>,
    lookup: Lookup,
  ): readonly string[] | Promise<readonly string[]>;
  reconcile(key: string, context: ControllerContext): Promise<Outcome>;
}

/** When to look at the key again without a change; nothing: only when something changes. An error thrown means retry with back-off. */
export type Outcome = void | { requeueAfterMs: number };

export interface ControllerWatch {
  readonly resource: Resource<KubernetesObject>;
  /** The keys that a change concerns. `previous` is the object before an update; a deleted object is in `object`. */
  keys(change: ObjectChange<KubernetesObject>, lookup: Lookup): readonly string[] | Promise<readonly string[]>;
}

export interface ObjectChange<T extends KubernetesObject> {
  readonly type: 'created' | 'updated' | 'deleted';
  readonly object: T;
  readonly previous?: T;
}

/** Reads of whole collections from replicas: exact as of the call, shared, not to be changed. */
export interface Lookup {
  view<T extends KubernetesObject>(resource: Resource<T>): Promise<View<T>>;
}

export interface ControllerContext extends Lookup {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventRecorder;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, data?: Record<string, unknown>): void;
}

/** A watch with the type of its objects: `watch(pods, (change) => …)`. */
export function watch<T extends KubernetesObject>(
  resource: Resource<T>,
  keys: (change: ObjectChange<T>, lookup: Lookup) => readonly string[] | Promise<readonly string[]>,
): ControllerWatch {
  return { resource, keys: keys as ControllerWatch['keys'] };
}

/** The change's own key: for the kind a controller reconciles. */
export function watchSelf<T extends KubernetesObject>(resource: Resource<T>): ControllerWatch {
  return watch(resource, (change) => [selfKey(change.object)]);
}

/** The key of the controlling owner of that kind, before and after the change: for the children of the kind a controller reconciles. */
export function watchOwned<T extends KubernetesObject>(
  resource: Resource<T>,
  owner: { group: string; kind: string },
): ControllerWatch {
  return watch(resource, (change) => {
    const keys = new Set<string>();
    for (const object of [change.object, change.previous]) {
      for (const reference of object?.metadata?.ownerReferences ?? []) {
        if (reference.controller !== true || reference.kind !== owner.kind) continue;
        if (groupOf(reference.apiVersion) !== owner.group) continue;
        const { namespace } = change.object.metadata ?? {};
        keys.add(namespace ? `${namespace}/${reference.name}` : reference.name);
      }
    }
    return [...keys];
  });
}

function selfKey(object: KubernetesObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : name;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
