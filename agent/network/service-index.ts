import { keyOf } from '../../lib/client/client.js';
import type { Replicas } from '../../lib/client/replicas.js';
import { endpointSlices, services } from '../../lib/client/resources.js';
import type { V1EndpointSlice, V1Service } from '../../lib/schema/generated/types.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import type { Replica } from '../../lib/client/replica.js';

/** The label by which a slice belongs to a service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Services and their slices by `namespace/name` of the service, as last heard from the API: readable at any time, also while it is away. */
export interface ServiceSource {
  service(key: string): V1Service | undefined;
  slices(key: string): readonly V1EndpointSlice[];
  /** Keys of services and of slices without a service. */
  keys(): Iterable<string>;
  /** Namespaces in which there is a service or a slice. */
  hasNamespace(namespace: string): boolean;
  /** Calls `listener` with the key of what has changed. Returns a function that ends this. */
  onChange(listener: (key: string) => void): () => void;
}

interface Entry {
  service?: V1Service;
  slices: Map<string, V1EndpointSlice>;
}

/** `ServiceSource` without a connection: filled by `setService` and `setSlice`. */
export class ServiceTable implements ServiceSource {
  readonly #entries = new Map<string, Entry>();
  readonly #ownerOfSlice = new Map<string, string>();
  readonly #namespaces = new Map<string, number>();
  #listeners: ((key: string) => void)[] = [];

  service(key: string): V1Service | undefined {
    return this.#entries.get(key)?.service;
  }

  slices(key: string): readonly V1EndpointSlice[] {
    return [...(this.#entries.get(key)?.slices.values() ?? [])];
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  onChange(listener: (key: string) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => (this.#listeners = this.#listeners.filter((one) => one !== listener));
  }

  /** @param service undefined: it is gone. */
  setService(key: string, service: V1Service | undefined): void {
    const entry = this.#entry(key);
    if (service === undefined) delete entry.service;
    else entry.service = service;
    this.#changed(key);
  }

  /** @param slice undefined: it is gone. */
  setSlice(sliceKey: string, slice: V1EndpointSlice | undefined): void {
    const owner = slice && ownerOf(slice);
    const before = this.#ownerOfSlice.get(sliceKey);
    if (before !== undefined && before !== owner) {
      this.#entry(before).slices.delete(sliceKey);
      this.#ownerOfSlice.delete(sliceKey);
      this.#changed(before);
    }
    if (slice === undefined || owner === undefined) return;
    this.#ownerOfSlice.set(sliceKey, owner);
    this.#entry(owner).slices.set(sliceKey, slice);
    this.#changed(owner);
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, (entry = { slices: new Map() }));
      const namespace = namespaceOf(key);
      this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + 1);
    }
    return entry;
  }

  #changed(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.service === undefined && entry.slices.size === 0) {
      this.#entries.delete(key);
      const namespace = namespaceOf(key);
      const left = (this.#namespaces.get(namespace) ?? 1) - 1;
      if (left === 0) this.#namespaces.delete(namespace);
      else this.#namespaces.set(namespace, left);
    }
    for (const listener of this.#listeners) listener(key);
  }
}

/** A `ServiceTable` kept current by replicas. */
export class ServiceIndex extends ServiceTable {
  readonly #replicas: Replicas;
  #stops: (() => void)[] = [];
  #isSynced = false;

  constructor(replicas: Replicas) {
    super();
    this.#replicas = replicas;
  }

  /** Whether everything has been read once. Before, what is not found may well exist. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves once everything has been read. */
  async start(): Promise<void> {
    await Promise.all([
      this.#follow(this.#replicas.of(services), (key, service) => this.setService(key, service)),
      this.#follow(this.#replicas.of(endpointSlices), (key, slice) => this.setSlice(key, slice)),
    ]);
    this.#isSynced = true;
  }

  /** Ends following; what is known stays. */
  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  async #follow<T extends KubernetesObject>(
    replica: Replica<T>,
    set: (key: string, object: T | undefined) => void,
  ): Promise<void> {
    this.#stops.push(
      replica.onEvent(({ type, object }) => set(keyOf(object), type === 'DELETED' ? undefined : object)),
    );
    await replica.synced();
    // Another part of the process may have started it, so that its first events were before us.
    for (const object of (await replica.recentView()).list()) set(keyOf(object), object);
  }
}

function ownerOf(slice: V1EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[SERVICE_NAME_LABEL];
  return name === undefined || name === '' ? undefined : `${slice.metadata?.namespace}/${name}`;
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
