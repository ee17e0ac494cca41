import { ApiError, isApiError } from '../../lib/api/errors.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import type { Client } from '../../lib/client/client.js';
import type { Resource } from '../../lib/client/resource.js';
import { configMaps, secrets } from '../../lib/client/resources.js';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { V1ConfigMap, V1Secret } from '../../lib/schema/generated/types.js';

export interface ReadOptions {
  /** An object that is not there is undefined rather than an error. */
  optional?: boolean;
  /** How old an answer may be. Default 0: read it now. */
  maxAgeMs?: number;
}

/** Where the last answer would do, the API server has so long for a new one. */
const PATIENCE_MS = 2_000;

/** More objects than any node's pods refer to: beyond it the oldest are forgotten. */
const REMEMBERED_MAX = 2_000;

/**
 * The config maps and secrets that pods refer to, read when needed. While the API does not answer, the last one that was read stands in,
 * so that containers can be restarted.
 */
export class PodObjects {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #known = new Map<string, { object: KubernetesObject | undefined; readMs: number }>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  configMap(namespace: string, name: string, options: ReadOptions = {}): Promise<V1ConfigMap | undefined> {
    return this.#read(configMaps, namespace, name, options);
  }

  secret(namespace: string, name: string, options: ReadOptions = {}): Promise<V1Secret | undefined> {
    return this.#read(secrets, namespace, name, options);
  }

  async #read<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    { optional = false, maxAgeMs = 0 }: ReadOptions,
  ): Promise<T | undefined> {
    const key = `${resource.plural}/${namespace}/${name}`;
    const object = await this.#current(resource, key, namespace, name, maxAgeMs);
    if (object === undefined && !optional) {
      throw new Error(`${resource.kind.toLowerCase()} ${JSON.stringify(name)} not found`);
    }
    return object;
  }

  async #current<T extends KubernetesObject>(
    resource: Resource<T>,
    key: string,
    namespace: string,
    name: string,
    maxAgeMs: number,
  ): Promise<T | undefined> {
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() - known.readMs < maxAgeMs) return known.object as T | undefined;
    try {
      const reading = this.#client.find(resource, { namespace, name }).then((object) => this.#remember(key, object));
      if (known === undefined) return await reading;
      const patience = new AbortController();
      const waited = sleep(this.#clock, PATIENCE_MS, patience.signal).then(() => known.object as T | undefined);
      try {
        return await Promise.race([reading, waited]);
      } finally {
        patience.abort();
        // An answer that comes late is remembered, and an error of it is nobody's any more.
        reading.catch(() => undefined);
      }
    } catch (error) {
      const isRefused = error instanceof ApiError && error.code < 500 && !isApiError(error, 'TooManyRequests');
      if (known === undefined || isRefused) throw error;
      return known.object as T | undefined;
    }
  }

  #remember<T extends KubernetesObject>(key: string, object: T | undefined): T | undefined {
    this.#known.delete(key);
    this.#known.set(key, { object, readMs: this.#clock.now() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
    return object;
  }
}
