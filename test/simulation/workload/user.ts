import { ApiError, isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { keyOf, refOf, type Client, type DeleteQuery, type ObjectRef } from '../../../lib/client/client.js';
import { collectionName, type Resource } from '../../../lib/client/resource.js';
import { TransportError } from '../../../lib/client/transport.js';
import { sleep, type Clock } from '../../../lib/clock/clock.js';
import type { Dice } from '../dice.js';
import type { Trace } from '../trace.js';

/** An object with a spec, as far as users change it. */
export type WithSpec = KubernetesObject & { spec?: object };

/** What users have asked for and not taken back: an object, and what its spec has to say. */
export interface Wish {
  resource: Resource<KubernetesObject>;
  namespace: string | undefined;
  name: string;
  /** As the user wrote it last; the server adds to it. */
  spec: object | undefined;
}

const RETRY_MS = 1_000;
/** Longer than any outage or deletion of a seed. */
const TRIES_MAX = 600;

/** Somebody with kubectl: asks for things, repeats what did not get through, and remembers what was granted. */
export class User {
  readonly client: Client;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly wishes = new Map<string, Wish>();
  /** What users had asked for and have deleted since. */
  readonly deleted = new Map<string, Wish>();
  readonly #trace: Trace;
  #counter = 0;
  #background: Promise<unknown> = Promise.resolve();

  constructor(options: { client: Client; clock: Clock; dice: Dice; trace: Trace }) {
    this.client = options.client;
    this.clock = options.clock;
    this.dice = options.dice;
    this.#trace = options.trace;
  }

  /** A name nobody has used. */
  newName(prefix: string): string {
    return `${prefix}-${++this.#counter}`;
  }

  wishesFor(resource: Resource<KubernetesObject>): Wish[] {
    return [...this.wishes.values()].filter((wish) => wish.resource === resource);
  }

  async create<T extends WithSpec>(resource: Resource<T>, object: T): Promise<T> {
    this.#trace.add('user', `create ${resource.plural} ${keyOf(object)}`, object.spec);
    let isRepeat = false;
    const created = await this.#try(async () => {
      try {
        return await this.client.create(resource, object);
      } catch (error) {
        // An earlier try may have got through.
        if (!isApiError(error, 'AlreadyExists') || !isRepeat) throw error;
        const present = await this.client.find(resource, refOf(object));
        if (present === undefined || present.metadata?.deletionTimestamp !== undefined) throw error;
        return present;
      } finally {
        isRepeat = true;
      }
    });
    this.#remember(resource, refOf(object), object.spec);
    return created;
  }

  /** Reads, changes and writes, until nobody comes in between. Undefined when there is no such object. */
  async change<T extends WithSpec>(
    resource: Resource<T>,
    ref: ObjectRef,
    edit: (object: T) => void,
  ): Promise<T | undefined> {
    return this.#try(async () => {
      const object = await this.client.find(resource, ref);
      if (object === undefined || object.metadata?.deletionTimestamp !== undefined) return undefined;
      edit(object);
      this.#trace.add('user', `change ${resource.plural} ${keyOf(object)}`, object.spec);
      const written = await this.client.update(resource, object);
      return written;
    });
  }

  /** Changes what a wish says, and asks for it. */
  async changeWish<T extends WithSpec>(wish: Wish, edit: (spec: NonNullable<T['spec']>) => void): Promise<void> {
    const resource = wish.resource as Resource<T>;
    const written = await this.change<T>(resource, wish, (object) =>
      edit((object.spec ??= {}) as NonNullable<T['spec']>),
    );
    if (written === undefined) return;
    const spec = structuredClone(wish.spec ?? {}) as NonNullable<T['spec']>;
    edit(spec);
    wish.spec = spec;
  }

  async delete(resource: Resource<KubernetesObject>, ref: ObjectRef, query: DeleteQuery = {}): Promise<void> {
    this.#trace.add('user', `delete ${resource.plural} ${ref.namespace ?? ''}/${ref.name}`, query);
    await this.#try(() => this.client.ensureDeleted(resource, ref, query));
    this.#forget(wishKey(resource, ref));
  }

  async evict(resource: Resource<KubernetesObject>, ref: ObjectRef): Promise<void> {
    this.#trace.add('user', `evict ${ref.namespace}/${ref.name}`);
    try {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: ref };
      await this.client.createSubresource(resource, ref, 'eviction', body);
    } catch (error) {
      // A budget may refuse it, the pod may be gone, the server too: nobody insists.
      if (!(error instanceof ApiError) && !(error instanceof TransportError)) throw error;
    }
  }

  list<T extends KubernetesObject>(resource: Resource<T>, namespace?: string): Promise<T[]> {
    return this.#try(async () => (await this.client.list(resource, { namespace })).items);
  }

  /** Somebody counts on an object that nobody asked for by its name. */
  countOn(resource: Resource<KubernetesObject>, object: KubernetesObject): void {
    this.#remember(resource, refOf(object), undefined);
  }

  /** Does something that may take long, next to everything else. */
  inBackground(step: () => Promise<void>): void {
    const done = Promise.all([this.#background, step()]);
    // Its failure is told to who waits for it.
    done.catch(() => undefined);
    this.#background = done;
  }

  async backgroundDone(): Promise<void> {
    await this.#background;
  }

  /** What was asked for in a namespace goes with it. */
  forgetNamespace(namespace: string): void {
    for (const [key, wish] of this.wishes) if (wish.namespace === namespace) this.#forget(key);
  }

  #forget(key: string): void {
    const wish = this.wishes.get(key);
    if (wish === undefined) return;
    this.wishes.delete(key);
    this.deleted.set(key, wish);
  }

  #remember(resource: Resource<KubernetesObject>, ref: ObjectRef, spec: object | undefined): void {
    const { namespace, name } = ref;
    this.deleted.delete(wishKey(resource, ref));
    this.wishes.set(wishKey(resource, ref), { resource, namespace, name, spec: structuredClone(spec) });
  }

  async #try<T>(step: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await step();
      } catch (error) {
        if (tries >= TRIES_MAX || !isWorthRepeating(error)) throw error;
        await sleep(this.clock, RETRY_MS);
      }
    }
  }
}

function wishKey(resource: Resource<KubernetesObject>, ref: ObjectRef): string {
  return `${collectionName(resource)}/${ref.namespace ?? ''}/${ref.name}`;
}

/** No answer, an overloaded server, another writer in between, a name that is only just being given up. */
function isWorthRepeating(error: unknown): boolean {
  if (error instanceof TransportError) return true;
  if (!(error instanceof ApiError)) return false;
  const isBusy = error.code === 429 || error.code >= 500;
  const isTerminating = error.reason === 'Forbidden' && error.message.includes('being terminated');
  return isBusy || isTerminating || error.reason === 'Conflict' || error.reason === 'AlreadyExists';
}
