import { createHash } from 'node:crypto';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import type { ChangeEvent } from '../../lib/store/store.js';
import type { World } from './world.js';

const PODS = 'core/pods';

/** Follows every write of a world and remembers what must never have happened, however it ended. */
export class History {
  readonly problems: string[] = [];
  readonly #world: World;
  readonly #hash = createHash('sha256');
  readonly #isDigested: boolean;
  readonly #revisions = new Map<string, number>();
  /** By pod uid. */
  readonly #nodes = new Map<string, string>();

  constructor(world: World, isDigested: boolean) {
    this.#world = world;
    this.#isDigested = isDigested;
    world.store.subscribe((collection, events) => {
      for (const event of events) this.#take(collection, event);
    });
  }

  /** Of everything that was written, and when: the same for two runs that went the same way. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  #take(collection: string, event: ChangeEvent): void {
    const { clock, trace } = this.#world;
    if (this.#isDigested) {
      this.#hash
        .update(`${clock.now()} ${collection} ${event.key} ${event.type} ${event.revision}\n`)
        .update(event.body);
    }
    trace.add('store', `${event.type} ${collection} ${event.key}`, trace.isOn ? summary(event) : undefined);
    const last = this.#revisions.get(collection) ?? 0;
    if (event.revision <= last) this.problems.push(`revision ${event.revision} of ${collection} came after ${last}`);
    this.#revisions.set(collection, event.revision);
    if (collection === PODS) this.#takePod(event);
  }

  #takePod({ key, type, body }: ChangeEvent): void {
    const pod = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as V1Pod;
    const { uid = '' } = pod.metadata ?? {};
    const nodeName = pod.spec?.nodeName ?? '';
    const before = this.#nodes.get(uid) ?? '';
    if (before !== '' && before !== nodeName) {
      this.problems.push(`Pod ${key} was on ${before} and then on ${nodeName || 'no node'}`);
    }
    if (type === 'deleted') this.#nodes.delete(uid);
    else if (nodeName !== '') this.#nodes.set(uid, nodeName);
  }
}

function summary({ body }: ChangeEvent): unknown {
  const { metadata, spec, status } = JSON.parse(Buffer.from(body).toString()) as Record<
    string,
    Record<string, unknown>
  >;
  const { deletionTimestamp, finalizers, generation, resourceVersion, uid } = metadata ?? {};
  const { replicas, nodeName } = spec ?? {};
  const { phase, conditions } = status ?? {};
  const brief = (conditions as { type: string; status: string }[] | undefined)?.map(
    (one) => `${one.type}=${one.status}`,
  );
  return {
    resourceVersion,
    uid,
    generation,
    deletionTimestamp,
    finalizers,
    replicas,
    nodeName,
    phase,
    conditions: brief?.join(),
  };
}
