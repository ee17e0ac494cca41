import { deepEqual } from '../../lib/api/equality.js';
import { ApiError, isApiError } from '../../lib/api/errors.js';
import { keyOf, refOf, type Client } from '../../lib/client/client.js';
import { nodes, pods } from '../../lib/client/resources.js';
import type { WatchEvent } from '../../lib/client/watch-stream.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { V1Pod, V1PodStatus } from '../../lib/schema/generated/types.js';
import { isMirrorOf, isMirrorPod, mirrorOf } from './static-pod.js';
import { asPatch, pickStatus } from './status-patch.js';

export interface MirrorPodsOptions {
  /** With the node's own identity. */
  client: Client;
  clock: Clock;
  nodeName: string;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** After an error. Where the API answers, longer each time: it may say so for long (a namespace that is not there). */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** What the API shows of one name, and what it should show. */
interface Mirror {
  readonly name: string;
  /** The static pod; undefined: no mirror is wanted. */
  pod: V1Pod | undefined;
  /** Of the static pod, as its worker has told it last. */
  status: V1PodStatus | undefined;
  /** As the API has it. */
  present: V1Pod | undefined;
  /** Removed by us: what a watch still tells of it is old. */
  removedUid: string | undefined;
  isDirty: boolean;
  running: Promise<void> | undefined;
  failures: number;
  /** What has been said of the failures. */
  problem: string;
  cancelTimer: () => void;
}

/**
 * Shows the static pods of this node in the API, each by a mirror pod of its name: made anew when somebody deletes it or when its pod has
 * changed, with the status that the pod has here, and removed when its pod is gone. Pods do not wait for any of this.
 */
export class MirrorPods {
  readonly #options: MirrorPodsOptions;
  /** By namespace and name. */
  readonly #mirrors = new Map<string, Mirror>();
  #isStopped = false;

  constructor(options: MirrorPodsOptions) {
    this.#options = options;
  }

  /** The static pod runs here: it is to be seen. */
  show(pod: V1Pod): void {
    const mirror = this.#mirror(keyOf(pod));
    mirror.pod = pod;
    mirror.status = undefined;
    this.#poke(mirror);
  }

  /** The static pod of this name is gone. */
  hide(name: string): void {
    const mirror = this.#mirror(name);
    mirror.pod = undefined;
    mirror.status = undefined;
    this.#poke(mirror);
  }

  /** The status of a static pod, for its mirror. */
  tell(pod: V1Pod, status: V1PodStatus): void {
    const mirror = this.#mirror(keyOf(pod));
    if (mirror.pod?.metadata?.uid !== pod.metadata?.uid) return;
    mirror.status = status;
    this.#poke(mirror);
  }

  /** What happens to mirror pods in the API. One that no pod here has is removed. */
  take({ type, object }: WatchEvent<V1Pod>): void {
    const uid = object.metadata?.uid;
    const mirror = this.#mirror(keyOf(object));
    if (type === 'DELETED') {
      if (mirror.present?.metadata?.uid === uid) mirror.present = undefined;
    } else {
      if (uid === mirror.removedUid || revisionOf(object) < revisionOf(mirror.present)) return;
      mirror.present = object;
    }
    this.#poke(mirror);
  }

  /** The uid of the static pod that a mirror of this uid shows. */
  shownBy(mirrorUid: string): string | undefined {
    for (const { present, pod } of this.#mirrors.values()) {
      if (present?.metadata?.uid === mirrorUid) return pod?.metadata?.uid;
    }
    return undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { cancelTimer } of this.#mirrors.values()) cancelTimer();
    await Promise.all([...this.#mirrors.values()].map(async ({ running }) => running));
  }

  #mirror(name: string): Mirror {
    let mirror = this.#mirrors.get(name);
    if (mirror === undefined) {
      mirror = {
        name,
        pod: undefined,
        status: undefined,
        present: undefined,
        removedUid: undefined,
        isDirty: false,
        running: undefined,
        failures: 0,
        problem: '',
        cancelTimer: () => undefined,
      };
      this.#mirrors.set(name, mirror);
    }
    return mirror;
  }

  #poke(mirror: Mirror): void {
    mirror.isDirty = true;
    if (this.#isStopped) return;
    mirror.running ??= this.#run(mirror).finally(() => {
      mirror.running = undefined;
      if (mirror.isDirty) this.#poke(mirror);
      else if (mirror.pod === undefined && mirror.present === undefined && mirror.failures === 0) {
        this.#mirrors.delete(mirror.name);
      }
    });
  }

  async #run(mirror: Mirror): Promise<void> {
    const { clock, log } = this.#options;
    while (mirror.isDirty && !this.#isStopped) {
      mirror.isDirty = false;
      mirror.cancelTimer();
      try {
        await this.#sync(mirror);
        mirror.failures = 0;
        mirror.problem = '';
      } catch (error) {
        const problem = String(error);
        if (problem !== mirror.problem) {
          log('warn', 'a static pod is not shown in the API as it is', { pod: mirror.name, error: problem });
        }
        mirror.problem = problem;
        const isAnswer = error instanceof ApiError;
        const delayMs = isAnswer ? Math.min(RETRY_MS * 2 ** mirror.failures, RETRY_MAX_MS) : RETRY_MS;
        mirror.failures++;
        if (!this.#isStopped) mirror.cancelTimer = clock.setTimer(delayMs, () => this.#poke(mirror));
        return;
      }
    }
  }

  async #sync(mirror: Mirror): Promise<void> {
    const { client } = this.#options;
    const { pod, present } = mirror;
    if (present !== undefined && !isGood(present, pod)) await this.#remove(mirror, present);
    if (pod === undefined) return;
    mirror.present ??= await this.#create(pod);
    if (!isMirrorOf(mirror.present, pod)) return void (mirror.isDirty = true);
    if (mirror.status === undefined) return;
    const status = withTimesOf(mirror.present.status, mirror.status);
    if (deepEqual(status, pickStatus(mirror.present.status, status))) return;
    const patch = { metadata: { uid: mirror.present.metadata?.uid }, status: asPatch(status) };
    try {
      const written = await client.patch(pods, refOf(pod), 'strategic', patch, { subresource: 'status' });
      if (revisionOf(written) > revisionOf(mirror.present)) mirror.present = written;
    } catch (error) {
      // It has gone, or is another meanwhile, and nobody need have been told.
      const isOther = isApiError(error, 'NotFound') || isApiError(error, 'Conflict');
      if (isOther && mirror.present?.metadata?.uid === patch.metadata.uid) mirror.present = undefined;
      throw error;
    }
  }

  async #remove(mirror: Mirror, present: V1Pod): Promise<void> {
    const { client } = this.#options;
    const { uid } = present.metadata ?? {};
    try {
      await client.delete(pods, refOf(present), { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
    mirror.removedUid = uid;
    if (mirror.present?.metadata?.uid === uid) mirror.present = undefined;
  }

  async #create(pod: V1Pod): Promise<V1Pod> {
    const { client, nodeName } = this.#options;
    const node = await client.get(nodes, { name: nodeName });
    try {
      return await client.create(pods, mirrorOf(pod, { name: nodeName, uid: node.metadata?.uid ?? '' }));
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      const found = await client.get(pods, refOf(pod));
      if (isMirrorPod(found) && found.spec?.nodeName === nodeName) return found;
      throw new Error(`another pod has the name ${keyOf(pod)}: delete it, or give the static pod another name`, {
        cause: error,
      });
    }
  }
}

function isGood(mirror: V1Pod, pod: V1Pod | undefined): boolean {
  return pod !== undefined && mirror.metadata?.deletionTimestamp === undefined && isMirrorOf(mirror, pod);
}

function revisionOf(pod: V1Pod | undefined): number {
  return Number(pod?.metadata?.resourceVersion ?? 0);
}

/** An agent that has just started knows no earlier times than its own start; the mirror does. */
function withTimesOf(before: V1PodStatus | undefined, status: V1PodStatus): V1PodStatus {
  return {
    ...status,
    startTime: before?.startTime ?? status.startTime,
    conditions: status.conditions?.map((one) => {
      const known = before?.conditions?.find(({ type }) => type === one.type);
      return known?.status === one.status ? { ...one, lastTransitionTime: known.lastTransitionTime } : one;
    }),
  };
}
