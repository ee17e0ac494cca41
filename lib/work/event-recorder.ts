import { createHash } from 'node:crypto';
import { isApiError } from '../api/errors.js';
import type { KubernetesObject } from '../api/meta.js';
import type { Client } from '../client/client.js';
import { events } from '../client/resources.js';
import { formatTime, type Clock } from '../clock/clock.js';

/** Events that wait to be recorded in the background; of more, the newest are lost. As many as the kubelet keeps. */
const WAITING_MAX = 1_000;

/** An Event's message is at most this long (Kubernetes refuses more). */
const MESSAGE_LENGTH_MAX = 1024;

/**
 * Records core/v1 Events about objects. A repeat of the same event about the same object raises its count instead: its name is
 * a hash of what it says, so no state is needed to find it. Recording never fails its caller.
 */
export class EventRecorder {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #host: string | undefined;
  /** Set: callers do not wait. */
  #waiting: (() => Promise<void>)[] | undefined;
  #isBusy = false;

  /** `component` is the reporting controller: `deployment-controller`, `kubelet` (with its node as `host`). */
  constructor(client: Client, clock: Clock, component: string, host?: string) {
    this.#client = client;
    this.#clock = clock;
    this.#component = component;
    this.#host = host;
  }

  /** One that records in the background, in order: whoever uses it goes on also when the API server does not answer. */
  inBackground(): EventRecorder {
    const recorder = new EventRecorder(this.#client, this.#clock, this.#component, this.#host);
    recorder.#waiting = [];
    return recorder;
  }

  normal(object: KubernetesObject, reason: string, message: string): Promise<void> {
    return this.#take(object, 'Normal', reason, message);
  }

  warning(object: KubernetesObject, reason: string, message: string): Promise<void> {
    return this.#take(object, 'Warning', reason, message);
  }

  async #take(object: KubernetesObject, type: 'Normal' | 'Warning', reason: string, text: string): Promise<void> {
    const happenedMs = this.#clock.now();
    const record = (): Promise<void> => this.#record(object, type, reason, text, formatTime(happenedMs));
    if (this.#waiting === undefined) return record();
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(record);
    if (!this.#isBusy) void this.#work(this.#waiting);
  }

  async #work(waiting: (() => Promise<void>)[]): Promise<void> {
    this.#isBusy = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
    this.#isBusy = false;
  }

  async #record(
    object: KubernetesObject,
    type: 'Normal' | 'Warning',
    reason: string,
    text: string,
    now: string,
  ): Promise<void> {
    const message = text.slice(0, MESSAGE_LENGTH_MAX);
    const { name: objectName = '', uid = '', resourceVersion } = object.metadata ?? {};
    // Events about cluster-scoped objects live in the default namespace.
    const namespace = object.metadata?.namespace ?? 'default';
    const identity = [uid, objectName, object.kind, type, reason, message, this.#component, this.#host ?? ''];
    const hash = createHash('sha256').update(identity.join('\0')).digest('hex').slice(0, 16);
    const name = `${objectName.slice(0, 200)}.${hash}`;
    try {
      await this.#client.create(events, {
        metadata: { namespace, name },
        involvedObject: {
          apiVersion: object.apiVersion,
          kind: object.kind,
          name: objectName,
          namespace: object.metadata?.namespace,
          uid,
          resourceVersion,
        },
        type,
        reason,
        message,
        source: { component: this.#component, host: this.#host },
        reportingComponent: this.#component,
        reportingInstance: this.#host ?? '',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      });
    } catch (error) {
      if (isApiError(error, 'AlreadyExists')) await this.#repeat(namespace, name, now);
    }
  }

  async #repeat(namespace: string, name: string, lastTimestamp: string): Promise<void> {
    try {
      const present = await this.#client.get(events, { namespace, name });
      await this.#client.patch(events, { namespace, name }, 'merge', {
        count: (present.count ?? 1) + 1,
        lastTimestamp,
      });
    } catch {
      // An event that cannot be counted is not worth failing a reconcile for.
    }
  }
}
