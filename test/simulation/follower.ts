import type { KubernetesObject } from '../../lib/api/meta.js';
import { keyOf, type Client } from '../../lib/client/client.js';
import { Replica } from '../../lib/client/replica.js';
import type { Resource } from '../../lib/client/resource.js';
import { deployments, endpointSlices, jobs, nodes, pods } from '../../lib/client/resources.js';
import type { WatchEvent } from '../../lib/client/watch-stream.js';
import type { Clock } from '../../lib/clock/clock.js';

const FOLLOWED: readonly Resource<KubernetesObject>[] = [pods, nodes, deployments, jobs, endpointSlices];

/** Somebody who follows some collections by watching them, over a network as bad as everybody's. */
export class Follower {
  /** What it has been told that cannot be. */
  readonly problems: string[] = [];
  readonly #known = new Map<Resource<KubernetesObject>, Map<string, KubernetesObject>>();
  readonly #replicas: Replica<KubernetesObject>[] = [];

  constructor(client: Client, clock: Clock) {
    for (const resource of FOLLOWED) {
      const replica = new Replica<KubernetesObject>(client, resource, clock);
      const known = new Map<string, KubernetesObject>();
      replica.onEvent((event) => this.#take(known, event));
      this.#known.set(resource, known);
      this.#replicas.push(replica);
    }
  }

  start(): void {
    for (const replica of this.#replicas) replica.start();
  }

  close(): void {
    for (const replica of this.#replicas) replica.close();
  }

  /** By resource: what it takes for the present state. */
  known(): ReadonlyMap<Resource<KubernetesObject>, readonly KubernetesObject[]> {
    return new Map([...this.#known].map(([resource, known]) => [resource, [...known.values()]]));
  }

  #take(known: Map<string, KubernetesObject>, { type, object }: WatchEvent<KubernetesObject>): void {
    const key = keyOf(object);
    const before = known.get(key)?.metadata;
    const { uid, resourceVersion } = object.metadata ?? {};
    if (type === 'DELETED') {
      known.delete(key);
      return;
    }
    if (before !== undefined && before.uid !== uid)
      this.problems.push(`${object.kind} ${key} was replaced without being deleted`);
    if (before !== undefined && Number(resourceVersion) <= Number(before.resourceVersion)) {
      this.problems.push(`a watch told of ${object.kind} ${key} at ${resourceVersion} after ${before.resourceVersion}`);
    }
    known.set(key, object);
  }
}
