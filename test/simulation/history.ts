import { createHash } from 'node:crypto';
import { hasEnded } from './checkers/pods.js';
import type { V1Job, V1Pod, V1ReplicaSet } from '../../lib/schema/generated/types.js';
import type { KubernetesObject, ObjectMeta } from '../../lib/api/meta.js';
import type { ChangeEvent } from '../../lib/store/store.js';
import type { World } from './world.js';

const PODS = 'core/pods';

/** Written all the time, by one writer each. */
const UNWATCHED = new Set(['coordination.k8s.io/leases', 'core/events']);

/** Collections whose objects have a number of pods that they never exceed. */
const LIMITED = new Set(['apps/replicasets', 'core/replicationcontrollers', 'batch/jobs']);

/** What was asked for so long ago may still be acted upon: a reconcile takes that long at most when its requests are late. */
const OLD_LIMIT_MS = 60_000;

/** Until then the last writes of a control plane that died may arrive, next to those of its successor. */
const AFTERMATH_MS = 15_000;

interface Limit {
  /** Pods wanted, and until when that counts; the present number last. */
  numbers: { pods: number; untilMs: number }[];
  /** Uids of the pods that run or are about to. */
  active: Set<string>;
}

/** Follows every write of a world and remembers what must never have happened, however it ended. */
export class History {
  readonly problems: string[] = [];
  readonly #world: World;
  readonly #hash = createHash('sha256');
  readonly #isDigested: boolean;
  readonly #revisions = new Map<string, number>();
  /** What was last written of an object that has not been deleted. By collection and key. */
  readonly #objects = new Map<string, ObjectMeta>();
  /** By pod uid. */
  readonly #nodes = new Map<string, string>();
  /** By owner's uid. */
  readonly #limits = new Map<string, Limit>();

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
    if (UNWATCHED.has(collection)) return;
    const object = decode(event);
    this.#takeObject(collection, event, object);
    if (collection === PODS) this.#takePod(event, object);
    else if (LIMITED.has(collection)) this.#takeLimited(event, object);
  }

  /** No write undoes what an earlier one has done for good: a change of the spec, a deletion. */
  #takeObject(collection: string, { key, type }: ChangeEvent, { metadata = {} }: KubernetesObject): void {
    const title = `${collection} ${key}`;
    const before = this.#objects.get(title);
    if (type === 'deleted') this.#objects.delete(title);
    else this.#objects.set(title, metadata);
    if (before === undefined) {
      if (type !== 'created') this.problems.push(`${title} was ${type} although it did not exist`);
      return;
    }
    if (metadata.uid !== before.uid) this.problems.push(`${title} became another object without being deleted`);
    if ((metadata.generation ?? 0) < (before.generation ?? 0)) {
      this.problems.push(`${title} went back from generation ${before.generation} to ${metadata.generation}`);
    }
    if (before.deletionTimestamp !== undefined && metadata.deletionTimestamp === undefined && type !== 'deleted') {
      this.problems.push(`${title} was being deleted, and then no more`);
    }
  }

  #takePod(event: ChangeEvent, pod: V1Pod): void {
    const { uid = '' } = pod.metadata ?? {};
    const nodeName = pod.spec?.nodeName ?? '';
    const before = this.#nodes.get(uid) ?? '';
    if (before !== '' && before !== nodeName) {
      this.problems.push(`Pod ${event.key} was on ${before} and then on ${nodeName || 'no node'}`);
    }
    if (event.type === 'deleted') this.#nodes.delete(uid);
    else if (nodeName !== '') this.#nodes.set(uid, nodeName);
    this.#countPod(event, pod);
  }

  /** An owner never has more pods at work than it wants: its controller knows of every pod that it has made. */
  #countPod({ key, type }: ChangeEvent, pod: V1Pod): void {
    const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
    const limit = this.#limits.get(owner?.uid ?? '');
    const { uid = '', deletionTimestamp } = pod.metadata ?? {};
    if (limit === undefined) return;
    const isActive = type !== 'deleted' && deletionTimestamp === undefined && !hasEnded(pod);
    if (!isActive) limit.active.delete(uid);
    else if (!limit.active.has(uid)) {
      limit.active.add(uid);
      const nowMs = this.#world.clock.now();
      const most = Math.max(...limit.numbers.filter(({ untilMs }) => untilMs >= nowMs).map(({ pods }) => pods));
      const isAftermath = nowMs < this.#world.lastDeathMs + AFTERMATH_MS;
      // Only creating makes too many: a pod may also be adopted.
      if (type === 'created' && limit.active.size > most && !isAftermath) {
        this.problems.push(
          `Pod ${key} was made although ${owner?.kind} ${owner?.name} had ${limit.active.size - 1} of ${most}`,
        );
      }
    }
  }

  #takeLimited({ type }: ChangeEvent, { metadata, spec }: V1ReplicaSet | V1Job): void {
    const { uid = '' } = metadata ?? {};
    if (type === 'deleted') return;
    const wants = (spec ?? {}) as { replicas?: number; parallelism?: number };
    const pods = wants.replicas ?? wants.parallelism ?? 1;
    let limit = this.#limits.get(uid);
    if (limit === undefined) this.#limits.set(uid, (limit = { numbers: [], active: new Set() }));
    const last = limit.numbers.at(-1);
    if (last?.pods === pods) return;
    if (last !== undefined) last.untilMs = this.#world.clock.now() + OLD_LIMIT_MS;
    limit.numbers.push({ pods, untilMs: Infinity });
  }
}

function decode({ body }: ChangeEvent): KubernetesObject {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as KubernetesObject;
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
