import { expect } from 'vitest';
import type { KubernetesObject } from '../../lib/api/meta.js';
import type { Client, ObjectRef } from '../../lib/client/client.js';
import type { Resource } from '../../lib/client/resource.js';
import { pods } from '../../lib/client/resources.js';
import type { WatchEvent } from '../../lib/client/watch-stream.js';
import type { V1Pod, V1Scale } from '../../lib/schema/generated/types.js';
import { eventually } from '../support/eventually.js';

/** All events of a watch so far. */
export class Recording<T extends KubernetesObject> {
  readonly events: WatchEvent<T>[] = [];
  readonly #abort = new AbortController();
  #failure: unknown;

  /** Records from now on: what is there already comes first, as ADDED. */
  constructor(client: Client, resource: Resource<T>, query: { namespace?: string; labelSelector?: string } = {}) {
    void this.#record(client, resource, query);
  }

  async #record(client: Client, resource: Resource<T>, query: object): Promise<void> {
    try {
      for await (const event of client.watch(resource, { ...query, signal: this.#abort.signal })) {
        if (event.type !== 'BOOKMARK') this.events.push(event);
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failure = error;
    }
  }

  /** Resolves with the first event of the type whose object passes. */
  until(type: WatchEvent<T>['type'], passes: (object: T) => boolean = () => true): Promise<T> {
    return eventually(() => {
      if (this.#failure !== undefined) throw this.#failure;
      const found = this.events.find((event) => event.type === type && passes(event.object));
      if (found === undefined) {
        const seen = this.events.map((event) => `${event.type} ${event.object.metadata?.name}`);
        throw new Error(`no such ${type} event among: ${seen.join(', ')}`);
      }
      return Promise.resolve(found.object);
    });
  }

  stop(): void {
    this.#abort.abort();
  }
}

/** The pods of a namespace that are not on their way out, by name. */
export async function livePods(client: Client, namespace: string, labelSelector?: string): Promise<V1Pod[]> {
  const { items } = await client.list(pods, { namespace, ...(labelSelector === undefined ? {} : { labelSelector }) });
  return items
    .filter((pod) => pod.metadata?.deletionTimestamp === undefined)
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

export function nameOf(object: KubernetesObject): string {
  return object.metadata?.name ?? '';
}

export function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

export function imageOf(pod: V1Pod): string {
  return pod.spec?.containers[0]?.image ?? '';
}

/** Reads, changes and writes an object, again when somebody else has written it in between. */
export function change<T extends KubernetesObject>(
  client: Client,
  resource: Resource<T>,
  ref: ObjectRef,
  edit: (present: T) => T,
): Promise<T> {
  return eventually(async () => client.update(resource, edit(await client.get(resource, ref))));
}

/** Reads the scale subresource and writes it back with another size. Resolves with what was read. */
export function putScale<T extends KubernetesObject>(
  client: Client,
  resource: Resource<T>,
  ref: ObjectRef,
  replicas: number,
): Promise<V1Scale> {
  const scales = resource as Resource<KubernetesObject> as Resource<V1Scale>;
  return eventually(async () => {
    const present = await client.get(scales, ref, { subresource: 'scale' });
    const metadata = { ...present.metadata, ...ref };
    const answer = await client.update(scales, { ...present, metadata, spec: { replicas } }, { subresource: 'scale' });
    expect(answer.spec?.replicas).toBe(replicas);
    return present;
  });
}
