import { kinds } from '../../../functions/apiserver/resources/index.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Client } from '../../../lib/client/client.js';
import { collectionName, type Resource } from '../../../lib/client/resource.js';
import type { Store } from '../../../lib/store/store.js';
import type { Sandbox } from '../../../agent/runtime/runtime.js';
import type { User } from '../workload/user.js';
import type { World } from '../world.js';

/** Kept by the server for itself; no API shows them. */
const NODE_PORTS = 'zeroplane/nodeports';

const resources: readonly Resource<KubernetesObject>[] = kinds
  .filter(({ verbs }) => verbs === undefined || verbs.includes('list'))
  .map(({ group, version, plural, kind, namespaced }) => ({ group, version, plural, kind, namespaced }));

/** Everything there is at one moment when nothing is going on. */
export class ClusterState {
  readonly world: World;
  readonly user: User;
  readonly nodePorts: ReadonlyMap<string, KubernetesObject>;
  /** By machine. */
  readonly sandboxes: ReadonlyMap<string, readonly Sandbox[]>;
  /** What somebody knows of some collections who has followed them. */
  readonly mirrors: ReadonlyMap<Resource<KubernetesObject>, readonly KubernetesObject[]>;
  readonly #objects: ReadonlyMap<string, readonly KubernetesObject[]>;

  private constructor(parts: {
    world: World;
    user: User;
    objects: ReadonlyMap<string, readonly KubernetesObject[]>;
    nodePorts: ReadonlyMap<string, KubernetesObject>;
    sandboxes: ReadonlyMap<string, readonly Sandbox[]>;
    mirrors: ReadonlyMap<Resource<KubernetesObject>, readonly KubernetesObject[]>;
  }) {
    this.world = parts.world;
    this.user = parts.user;
    this.#objects = parts.objects;
    this.nodePorts = parts.nodePorts;
    this.sandboxes = parts.sandboxes;
    this.mirrors = parts.mirrors;
  }

  static async read(world: World, user: User): Promise<ClusterState> {
    const objects = new Map<string, readonly KubernetesObject[]>();
    // Empty collections need no request.
    const held = new Set(await world.store.collections());
    for (const resource of resources) {
      const name = collectionName(resource);
      if (held.has(name)) objects.set(name, await listAll(world.admin, resource));
    }
    const sandboxes = new Map<string, readonly Sandbox[]>();
    for (const machine of world.machines.values()) sandboxes.set(machine.name, await machine.runtime.listSandboxes());
    const nodePorts = await nodePortsOf(world.store);
    return new ClusterState({ world, user, objects, nodePorts, sandboxes, mirrors: world.follower.known() });
  }

  of<T extends KubernetesObject>(resource: Resource<T>): readonly T[] {
    return (this.#objects.get(collectionName(resource)) ?? []) as readonly T[];
  }

  /** All objects of all kinds, by collection. */
  get collections(): ReadonlyMap<string, readonly KubernetesObject[]> {
    return this.#objects;
  }

  find<T extends KubernetesObject>(resource: Resource<T>, namespace: string | undefined, name: string): T | undefined {
    return this.of(resource).find(({ metadata }) => metadata?.name === name && metadata.namespace === namespace);
  }

  /** The objects of a kind that this one controls. */
  controlledBy<T extends KubernetesObject>(resource: Resource<T>, owner: KubernetesObject): T[] {
    const uid = owner.metadata?.uid;
    return this.of(resource).filter(({ metadata }) =>
      metadata?.ownerReferences?.some((reference) => reference.controller === true && reference.uid === uid),
    );
  }
}

async function listAll(client: Client, resource: Resource<KubernetesObject>): Promise<readonly KubernetesObject[]> {
  return (await client.list(resource)).items;
}

async function nodePortsOf(store: Store): Promise<ReadonlyMap<string, KubernetesObject>> {
  const { items } = await store.list(NODE_PORTS);
  return new Map(items.map(({ key, body }) => [key, JSON.parse(Buffer.from(body).toString()) as KubernetesObject]));
}

/** Says what is wrong, in words for a person; nothing when all is well. */
export type Checker = (state: ClusterState) => readonly string[];
