import type { KubernetesObject } from '../../lib/api/meta.js';
import { keyOf } from '../../lib/client/client.js';
import { Replicas } from '../../lib/client/replicas.js';
import type { ReplicaSource } from '../../lib/client/replica.js';
import { collectionName, type Resource } from '../../lib/client/resource.js';
import type { WatchEvent } from '../../lib/client/watch-stream.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import { startNetwork, type Network, type NetworkOptions } from '../../agent/network/index.js';

// The network of a node in a process of its own, for a network namespace. The API is what the parent says over IPC.

/** What the parent sends. `object` without `deleted` is created or changed. */
export type Command =
  | { start: Partial<NetworkOptions> }
  | { put: string; object: KubernetesObject; deleted?: boolean }
  | { api: 'away' | 'back' }
  | { end: 'close' | 'remove' };

/** An API of objects in memory. */
class Source implements ReplicaSource {
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  /** One event a revision, from the second on. */
  readonly #log: { collection: string; event: WatchEvent<KubernetesObject> }[] = [];
  readonly #sleepers = new Set<() => void>();
  isAway = false;

  put(collection: string, object: KubernetesObject, isDeleted: boolean): void {
    const all = this.#collection(collection);
    const key = keyOf(object);
    const type = isDeleted ? 'DELETED' : all.has(key) ? 'MODIFIED' : 'ADDED';
    object.metadata = { ...object.metadata, resourceVersion: String(this.#revision + 1) };
    if (isDeleted) all.delete(key);
    else all.set(key, object);
    this.#log.push({ collection, event: { type, object } });
    this.#wakeAll();
  }

  async list<T extends KubernetesObject>(
    resource: Resource<T>,
  ): Promise<{ items: T[]; resourceVersion: string; continue?: string }> {
    this.#check();
    const items = [...this.#collection(collectionName(resource)).values()] as T[];
    return { items, resourceVersion: String(this.#revision) };
  }

  async revision(): Promise<string> {
    this.#check();
    return String(this.#revision);
  }

  async *watch<T extends KubernetesObject>(
    resource: Resource<T>,
    { resourceVersion, signal }: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>> {
    let next = Number(resourceVersion) - 1;
    signal.addEventListener('abort', () => this.#wakeAll());
    while (!signal.aborted) {
      this.#check();
      const entry = this.#log[next];
      if (entry === undefined) await new Promise<void>((resolve) => this.#sleepers.add(resolve));
      else next++;
      if (entry?.collection === collectionName(resource)) yield entry.event as WatchEvent<T>;
    }
  }

  changes(): never {
    throw new Error('only servers of ours have it');
  }

  /** Open watches end as well. */
  leave(): void {
    this.isAway = true;
    this.#wakeAll();
  }

  get #revision(): number {
    return this.#log.length + 1;
  }

  #wakeAll(): void {
    for (const wake of this.#sleepers) wake();
    this.#sleepers.clear();
  }

  #check(): void {
    if (this.isAway) throw new Error('connect ECONNREFUSED');
  }

  #collection(name: string): Map<string, KubernetesObject> {
    let all = this.#objects.get(name);
    if (all === undefined) this.#objects.set(name, (all = new Map()));
    return all;
  }
}

const source = new Source();
const replicas = new Replicas(source, systemClock);
let network: Network | undefined;

async function run(command: Command): Promise<unknown> {
  if ('start' in command) {
    network = await startNetwork({
      replicas,
      clock: systemClock,
      random: systemRandom(),
      log: (level, message, data) => console.error(level, message, JSON.stringify(data)),
      clusterName: 'Test!',
      nodeName: 'node-1',
      nodeIps: ['192.0.2.1'],
      clusterCidrs: ['10.244.0.0/16'],
      serviceCidrs: ['10.96.0.0/16'],
      clusterDnsIps: ['10.96.0.10'],
      firewall: 'nftables',
      nodeRoutes: true,
      ...command.start,
    });
    void network.ready.then(() => process.send?.({ event: 'ready' }));
    void network.podNetwork.then((isOurs) => process.send?.({ event: 'pod network', isOurs }));
    return network.dns;
  }
  if ('put' in command) return source.put(command.put, command.object, command.deleted === true);
  if ('api' in command) {
    if (command.api === 'away') return source.leave();
    source.isAway = false;
    return undefined;
  }
  replicas.close();
  return network?.[command.end]();
}

process.on('message', ({ id, command }: { id: number; command: Command }) => {
  run(command).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error), code: (error as { code?: string }).code }),
  );
});
process.on('disconnect', () => process.exit(0));
