import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { Client, keyOf } from '../../../../lib/client/client.js';
import type { IndexFunction, View } from '../../../../lib/client/replica.js';
import { collectionName, type Resource } from '../../../../lib/client/resource.js';
import { events, pods } from '../../../../lib/client/resources.js';
import { FakeClock } from '../../../../lib/clock/fake.js';
import { formatTime } from '../../../../lib/clock/clock.js';
import { seededRandom } from '../../../../lib/random.js';
import type { CoreV1Event, V1Pod, V1PodStatus } from '../../../../lib/schema/generated/types.js';
import type { Controller, ControllerContext, ObjectChange } from '../../../../lib/work/controller.js';
import { EventRecorder } from '../../../../lib/work/event-recorder.js';
import { CONTROLLER_AGENT, FakeApi, type FakeChange } from './fake-api.js';

/** Reconciles of one key in a row that fail, after which a test gives up. */
const FAILURES_MAX = 20;

/** Reconciles without coming to rest, after which a test gives up. */
const STEPS_MAX = 5000;

/** How long a failed key waits. */
const RETRY_MS = 100;

/** A fake API with controllers at work on it, one reconcile at a time, on a clock that stands still. */
export class FakeCluster {
  readonly clock = new FakeClock();
  readonly api = new FakeApi(this.clock);
  readonly client = new Client(this.api, 'test');
  readonly #controllers: readonly Controller[];
  readonly #contexts = new Map<string, ControllerContext>();
  readonly #queue = new Map<string, { controller: Controller; key: string }>();
  readonly #timers = new Map<string, { controller: Controller; key: string; dueMs: number }>();
  readonly #failures = new Map<string, number>();
  readonly #changes: FakeChange[] = [];
  /** What the last reconcile that failed threw. */
  lastError: unknown;

  constructor(controllers: readonly Controller[]) {
    this.#controllers = controllers;
    this.api.onChange = (change) => this.#changes.push(change);
    const client = new Client(this.api, CONTROLLER_AGENT);
    for (const controller of controllers) {
      this.#contexts.set(controller.name, {
        client,
        clock: this.clock,
        random: seededRandom(1),
        events: new EventRecorder(client, this.clock, controller.name),
        log: () => undefined,
        view: (resource) => Promise.resolve(this.view(resource)),
      });
    }
  }

  view<T extends KubernetesObject>(resource: Resource<T>): View<T> {
    const all = (): T[] => this.api.objects(collectionName(resource)) as T[];
    return {
      resourceVersion: '0',
      get: (namespace, name) => all().find((object) => keyOf(object) === keyOf({ metadata: { namespace, name } })),
      list: (namespace) => all().filter(({ metadata }) => namespace === undefined || metadata?.namespace === namespace),
      ownedBy: (uid) => all().filter(({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid)),
      by: (index: IndexFunction<T>, value) => all().filter((object) => index(object).includes(value)),
    };
  }

  list<T extends KubernetesObject>(resource: Resource<T>): T[] {
    return this.view(resource).list();
  }

  get<T extends KubernetesObject>(resource: Resource<T>, name: string, namespace = 'default'): T {
    const found = this.view(resource).get(namespace, name);
    if (found === undefined) throw new Error(`${resource.kind} ${namespace}/${name} does not exist`);
    return found;
  }

  /** Changes an object as its owner would: read, change, write (and its status after, when that was changed too). */
  async change<T extends KubernetesObject & { status?: unknown }>(
    resource: Resource<T>,
    name: string,
    edit: (object: T) => void,
  ): Promise<void> {
    const copy = structuredClone(this.get(resource, name));
    edit(copy);
    const written = await this.client.update(resource, copy);
    if (this.view(resource).get('default', name) === undefined) return;
    await this.client.updateStatus(resource, { ...written, status: copy.status });
  }

  /** Runs controllers until nothing is left to do at this moment. */
  async settle(): Promise<void> {
    for (let steps = 0; ; steps++) {
      if (steps > STEPS_MAX) throw new Error(`controllers do not come to rest: ${[...this.#queue.keys()].join(' ')}`);
      await this.#dispatch();
      const [next] = this.#queue;
      if (next === undefined) return;
      this.#queue.delete(next[0]);
      await this.#reconcile(next[0], next[1]);
    }
  }

  /** Lets time pass, firing what falls due. */
  async advance(ms: number): Promise<void> {
    const endMs = this.clock.now() + ms;
    await this.settle();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.dueMs <= endMs);
      const first = due.sort(([, left], [, right]) => left.dueMs - right.dueMs)[0];
      if (first === undefined) break;
      const [id, timer] = first;
      this.#timers.delete(id);
      await this.clock.advance(Math.max(0, timer.dueMs - this.clock.now()));
      this.#queue.set(id, timer);
      await this.settle();
    }
    await this.clock.advance(endMs - this.clock.now());
  }

  /** When the key is looked at again by time alone. */
  nextCheckMs(controller: string, key: string): number | undefined {
    const timer = this.#timers.get(`${controller} ${key}`);
    return timer === undefined ? undefined : timer.dueMs - this.clock.now();
  }

  /** Reasons and messages of all events, in order. */
  events(): string[] {
    return (this.list(events) as CoreV1Event[]).map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);
  }

  /** Puts pods on nodes and makes them Running and Ready, and ends those that are being deleted. */
  async runPods(ready: (pod: V1Pod) => boolean = () => true): Promise<void> {
    for (const pod of this.list(pods)) {
      const { name = '', deletionTimestamp, finalizers = [] } = pod.metadata ?? {};
      if (deletionTimestamp !== undefined) {
        if (finalizers.length === 0)
          await this.client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
        else if (pod.status?.phase === 'Running') await this.setPhase(name, 'Failed');
        continue;
      }
      if (pod.status?.phase !== 'Pending' && pod.status?.phase !== 'Running') continue;
      const truth = ready(pod) ? 'True' : 'False';
      const condition = pod.status.conditions?.find(({ type }) => type === 'Ready');
      if (pod.status.phase === 'Running' && condition?.status === truth) continue;
      await this.change(pods, name, (copy) => {
        if (copy.spec !== undefined) copy.spec.nodeName ??= targetNode(copy) ?? 'node-1';
        copy.status = runningStatus(truth, this.clock.now());
      });
    }
  }

  /** Settles and runs pods in turn until neither changes anything. */
  async converge(ready: (pod: V1Pod) => boolean = () => true): Promise<void> {
    for (let round = 0; round < 200; round++) {
      await this.advance(RETRY_MS);
      const before = JSON.stringify(this.list(pods));
      await this.runPods(ready);
      await this.settle();
      if (JSON.stringify(this.list(pods)) === before) return;
    }
    throw new Error('the cluster does not converge');
  }

  async setPhase(name: string, phase: string, more: Partial<V1PodStatus> = {}): Promise<void> {
    await this.change(pods, name, (pod) => {
      if (pod.spec !== undefined) pod.spec.nodeName ??= targetNode(pod) ?? 'node-1';
      pod.status = { ...pod.status, ...more, phase, conditions: more.conditions ?? [] };
    });
  }

  async #dispatch(): Promise<void> {
    for (const change of this.#changes.splice(0)) {
      for (const controller of this.#controllers) {
        const context = this.#contexts.get(controller.name);
        for (const watch of controller.watches) {
          if (context === undefined || collectionName(watch.resource) !== change.collection) continue;
          const keys = await watch.keys(change as ObjectChange<KubernetesObject>, context);
          for (const key of keys) this.#queue.set(`${controller.name} ${key}`, { controller, key });
        }
      }
    }
  }

  async #reconcile(id: string, { controller, key }: { controller: Controller; key: string }): Promise<void> {
    const context = this.#contexts.get(controller.name);
    if (context === undefined) throw new Error(`no context for ${controller.name}`);
    let waitMs: number | undefined;
    try {
      const outcome = await controller.reconcile(key, context);
      this.#failures.delete(id);
      waitMs = outcome?.requeueAfterMs;
    } catch (error) {
      this.lastError = error;
      const failures = (this.#failures.get(id) ?? 0) + 1;
      this.#failures.set(id, failures);
      if (failures < FAILURES_MAX) waitMs = RETRY_MS;
    }
    if (waitMs === undefined) return;
    const dueMs = this.clock.now() + waitMs;
    const present = this.#timers.get(id);
    if (present === undefined || dueMs < present.dueMs) this.#timers.set(id, { controller, key, dueMs });
  }
}

export function runningStatus(ready: 'True' | 'False', nowMs: number): V1PodStatus {
  const lastTransitionTime = formatTime(nowMs);
  return { phase: 'Running', conditions: [{ type: 'Ready', status: ready, lastTransitionTime }] };
}

/** The node that a daemon pod is pinned to. */
function targetNode(pod: V1Pod): string | undefined {
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}
