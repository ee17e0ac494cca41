import type { KubernetesObject } from '../api/meta.js';
import type { Clock } from '../clock/clock.js';
import { Replica, type Follow, type ReplicaSource, type View } from './replica.js';
import { collectionName, type Resource } from './resource.js';

/** The replicas of one process, made when first asked for and shared by all that runs in it. */
export class Replicas {
  readonly #source: ReplicaSource;
  readonly #clock: Clock;
  readonly #follow: Follow;
  readonly #replicas = new Map<string, Replica<KubernetesObject>>();
  #isClosed = false;

  constructor(source: ReplicaSource, clock: Clock, follow: Follow = 'watch') {
    this.#source = source;
    this.#clock = clock;
    this.#follow = follow;
  }

  /** The replica itself, for those that follow its events. */
  of<T extends KubernetesObject>(resource: Resource<T>): Replica<T> {
    const name = collectionName(resource);
    let replica = this.#replicas.get(name);
    if (replica?.isOfOtherVersion(resource) === true) {
      replica.close();
      replica = undefined;
    }
    if (replica === undefined) {
      replica = new Replica<KubernetesObject>(this.#source, resource, this.#clock, undefined, this.#follow);
      this.#replicas.set(name, replica);
      if (this.#isClosed) replica.close();
    }
    return replica as unknown as Replica<T>;
  }

  /** See `Replica.view`. */
  view<T extends KubernetesObject>(resource: Resource<T>): Promise<View<T>> {
    return this.of(resource).view();
  }

  /** See `Replica.recentView`. */
  recentView<T extends KubernetesObject>(resource: Resource<T>): Promise<View<T>> {
    return this.of(resource).recentView();
  }

  /** Ends all watches. Who still asks, as a reconcile under way may, gets replicas that are closed. */
  close(): void {
    this.#isClosed = true;
    for (const replica of this.#replicas.values()) replica.close();
  }
}
