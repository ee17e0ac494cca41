import type { Client } from '../../lib/client/client.js';
import { Replica, type Follow } from '../../lib/client/replica.js';
import { nodes, pods } from '../../lib/client/resources.js';
import type { WatchEvent } from '../../lib/client/watch-stream.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { EventRecorder } from '../../lib/work/event-recorder.js';
import type { LogLine, Runtime } from '../runtime/runtime.js';
import { admitPod } from './admission.js';
import { BackOff } from './back-off.js';
import { NodeAgent } from './node-agent.js';
import type { NodeDescription } from './node-object.js';
import { PodWorker, type PodWorkerContext } from './pod-worker.js';
import type { Prober } from './prober.js';

export interface KubeletOptions {
  client: Client;
  clock: Clock;
  runtime: Runtime;
  prober: Prober;
  description: NodeDescription;
  /** Lease renewals: 10 s locally, 30 s in the cloud. */
  heartbeatMs: number;
  /** How the node learns what changed for it. Default: by watches. */
  follow?: Follow;
  /** The node's pod range, as soon as it is known: for runtimes whose network we configure. */
  onPodCidr(cidr: string): void;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** One node's agent: registers the node, and runs the pods bound to it with a worker for each. */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #nodeAgent: NodeAgent;
  readonly #pods: Replica<V1Pod>;
  readonly #node: Replica<V1Node>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #context: PodWorkerContext;
  readonly #unsubscribe: (() => void)[] = [];
  #nodeObject: V1Node | undefined;
  #isStopped = false;

  constructor(options: KubeletOptions) {
    const { client, clock, runtime, description } = options;
    this.#options = options;
    this.#nodeAgent = new NodeAgent(options);
    this.#pods = new Replica(client, pods, clock, `spec.nodeName=${description.name}`, options.follow);
    this.#node = new Replica(client, nodes, clock, `metadata.name=${description.name}`, options.follow);
    const [runtimeName = ''] = runtime.version.split('://');
    this.#context = {
      client,
      clock,
      runtime,
      backOff: new BackOff(clock),
      events: new EventRecorder(client, clock, 'kubelet', description.name),
      status: { hostIp: description.ip, runtimeName, prober: options.prober },
      admit: (pod) => this.#admit(pod),
      log: (level, message, data) => options.log(level, message, data),
    };
  }

  /** Resolves once the node is registered, Ready and its pods are known. */
  async start(): Promise<void> {
    await this.#nodeAgent.start();
    this.#unsubscribe.push(
      this.#node.onEvent(({ object }) => this.#takeNode(object)),
      this.#pods.onEvent((event) => this.#takePod(event)),
      this.#options.runtime.onChange((podUid) => this.#workers.get(podUid)?.poke()),
    );
    await this.#node.synced();
    await this.#pods.synced();
    await this.#removeStrangers();
  }

  /** Stops watching, working and heartbeating; containers keep running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#pods.close();
    this.#node.close();
    await Promise.all([this.#nodeAgent.stop(), ...[...this.#workers.values()].map((worker) => worker.stop())]);
  }

  /** The log of a container, newest or (`previous`) the one before. Undefined when there is no such container. */
  async logs(
    podUid: string,
    name: string,
    options: { follow: boolean; previous: boolean },
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogLine> | undefined> {
    const { runtime } = this.#options;
    const all = (await runtime.listContainers()).filter((one) => one.podUid === podUid && one.name === name);
    all.sort((one, other) => one.attempt - other.attempt);
    const container = all.at(options.previous ? -2 : -1);
    return container === undefined ? undefined : runtime.logs(container.id, { follow: options.follow }, signal);
  }

  #takeNode(node: V1Node): void {
    const before = this.#nodeObject?.spec?.podCIDR;
    this.#nodeObject = node;
    if (node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'Unknown') {
      this.#nodeAgent.refreshStatus();
    }
    const podCidr = node.spec?.podCIDR;
    if (podCidr === undefined || podCidr === before) return;
    this.#options.onPodCidr(podCidr);
    for (const worker of this.#workers.values()) worker.poke();
  }

  #takePod({ type, object }: WatchEvent<V1Pod>): void {
    if (this.#isStopped) return;
    const uid = object.metadata?.uid ?? '';
    let worker = this.#workers.get(uid);
    if (type === 'DELETED') return worker?.remove();
    if (worker === undefined) {
      worker = new PodWorker(object, this.#context, () => this.#workers.delete(uid));
      this.#workers.set(uid, worker);
    }
    worker.update(object);
  }

  #admit(pod: V1Pod): { reason: string; message: string } | undefined {
    if (this.#nodeObject === undefined) return undefined;
    const others = [...this.#workers.values()].filter(
      ({ pod: other, isTaken }) =>
        other.metadata?.uid !== pod.metadata?.uid &&
        !hasEnded(other) &&
        (isTaken ?? (other.status?.phase === 'Running' || cameBefore(other, pod))),
    );
    return admitPod(
      pod,
      this.#nodeObject,
      others.map((worker) => worker.pod),
    );
  }

  /** Sandboxes of pods that were deleted while we were not there. */
  async #removeStrangers(): Promise<void> {
    const { runtime } = this.#options;
    for (const sandbox of await runtime.listSandboxes()) {
      if (this.#workers.has(sandbox.podUid)) continue;
      await runtime.stopSandbox(sandbox.id);
      await runtime.removeSandbox(sandbox.id);
    }
  }
}

function hasEnded(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Of two pods of which neither is decided on, the older one is taken first. */
function cameBefore(one: V1Pod, other: V1Pod): boolean {
  const left = one.metadata?.creationTimestamp ?? '';
  const right = other.metadata?.creationTimestamp ?? '';
  return left === right ? (one.metadata?.uid ?? '') < (other.metadata?.uid ?? '') : left < right;
}
