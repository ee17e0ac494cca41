import type { Client } from '../../lib/client/client.js';
import { Replica, type Follow } from '../../lib/client/replica.js';
import { nodes, pods } from '../../lib/client/resources.js';
import type { WatchEvent } from '../../lib/client/watch-stream.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { EventRecorder } from '../../lib/work/event-recorder.js';
import type { Container, LogLine, Runtime, Sandbox } from '../runtime/runtime.js';
import { admitPod } from './admission.js';
import { BackOff } from './back-off.js';
import { MirrorPods } from './mirror-pods.js';
import { NodeAgent } from './node-agent.js';
import type { NodeDescription, NodeInspection } from './node-object.js';
import { podApi, type PodApi } from './pod-api.js';
import type { PodEnvironment } from './pod-environment.js';
import { PodWorker, type PodWorkerContext } from './pod-worker.js';
import type { Prober } from './prober.js';
import { isMirrorPod } from './static-pod.js';
import { StaticPods, type StaticPodOptions } from './static-pods.js';

export interface KubeletOptions {
  client: Client;
  clock: Clock;
  /** Goes on evenly when `clock` is set. Default: `clock`. */
  steady?: Clock;
  runtime: Runtime;
  prober: Prober;
  description: NodeDescription;
  /** What pods get beside containers; simulated nodes have none. */
  environment?: PodEnvironment;
  /** Pods that this machine's own files say. Default: none. */
  staticPods?: StaticPodOptions;
  /** Looks at the machine again; without it the description is all there is to tell. */
  inspect?(): Promise<NodeInspection>;
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
  readonly #mirrors: MirrorPods;
  readonly #staticPods: StaticPods | undefined;
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
      api: podApi(client),
      clock,
      runtime,
      backOff: new BackOff(options.steady ?? clock),
      events: new EventRecorder(client, clock, 'kubelet', description.name).inBackground(),
      prober: options.prober,
      ...(options.environment === undefined ? {} : { environment: options.environment }),
      status: { hostIp: description.ip, runtimeName, prober: options.prober },
      admit: (pod) => this.#admit(pod),
      log: (level, message, data) => options.log(level, message, data),
    };
    this.#mirrors = new MirrorPods({ client, clock, nodeName: description.name, log: this.#context.log });
    this.#staticPods =
      options.staticPods === undefined
        ? undefined
        : new StaticPods({
            ...options.staticPods,
            clock,
            nodeName: description.name,
            runtime,
            events: this.#context.events,
            hasPod: (uid) => this.#workers.has(uid),
            start: (pod) => this.#startStatic(pod),
            end: ({ metadata, spec }) =>
              this.#workers.get(metadata?.uid ?? '')?.remove(spec?.terminationGracePeriodSeconds ?? 0),
            hide: (name) => this.#mirrors.hide(name),
            log: this.#context.log,
          });
  }

  /** Resolves once the node is registered, Ready and its pods are known. Static pods do not wait for that. */
  async start(): Promise<void> {
    this.#unsubscribe.push(this.#options.runtime.onChange((podUid) => this.#workers.get(podUid)?.poke()));
    const unfollow = this.#options.prober.onChange?.((podUid) => this.#workers.get(podUid)?.poke());
    if (unfollow !== undefined) this.#unsubscribe.push(unfollow);
    this.#staticPods?.start();
    await this.#nodeAgent.start();
    this.#unsubscribe.push(
      this.#node.onEvent((event) => this.#takeNode(event)),
      this.#pods.onEvent((event) => this.#takePod(event)),
    );
    await this.#node.synced();
    await this.#pods.synced();
    await this.removeStrangers();
  }

  /** The pods that this node has, whatever they are doing. */
  get pods(): readonly V1Pod[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  /** What the node object says, as far as it has been seen. */
  get node(): V1Node | undefined {
    return this.#nodeObject;
  }

  hasPod(podUid: string): boolean {
    return this.#workers.has(podUid) || this.#staticPods?.has(podUid) === true;
  }

  /** The uid that a pod has on this node: a static pod's own where the API says that of its mirror. */
  localUid(podUid: string): string {
    return this.#mirrors.shownBy(podUid) ?? podUid;
  }

  /** Ends a pod that the node cannot keep: it fails with this reason. */
  evict(podUid: string, rejection: { reason: string; message: string }): void {
    this.#workers.get(podUid)?.evict(rejection);
  }

  /** The node's status is told again soon. */
  refreshStatus(): void {
    this.#nodeAgent.refreshStatus();
  }

  /** Resolves once the node's status as it is now has been told. */
  reportStatus(): Promise<void> {
    return this.#nodeAgent.reportStatus();
  }

  /** Stops watching, working and heartbeating; containers keep running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#staticPods?.stop();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#pods.close();
    this.#node.close();
    await Promise.all([
      this.#nodeAgent.stop(),
      this.#mirrors.stop(),
      ...[...this.#workers.values()].map((worker) => worker.stop()),
    ]);
  }

  /** The log of a container, newest or (`previous`) the one before. Undefined when there is no such container. */
  async logs(
    podUid: string,
    name: string,
    options: { follow: boolean; previous: boolean },
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogLine> | undefined> {
    const container = await this.findContainer(podUid, name, options);
    return container === undefined
      ? undefined
      : this.#options.runtime.logs(container.id, { follow: options.follow }, signal);
  }

  /** The newest container of a name or (`previous`) the one before: the last that ended, while it waits for its restart. */
  async findContainer(
    anyUid: string,
    name: string,
    { previous = false }: { previous?: boolean } = {},
  ): Promise<Container | undefined> {
    const { runtime } = this.#options;
    const podUid = this.localUid(anyUid);
    const all: Container[] = [];
    for (const sandbox of await runtime.listSandboxes(podUid)) {
      all.push(...(await runtime.listContainers(sandbox.id)).filter((one) => one.name === name));
    }
    all.sort((one, other) => one.attempt - other.attempt);
    if (!previous) return all.at(-1);
    const { containerStatuses = [], initContainerStatuses = [] } = this.#workers.get(podUid)?.status ?? {};
    const status = [...containerStatuses, ...initContainerStatuses].find((one) => one.name === name);
    const ended = status?.lastState?.terminated?.containerID;
    return all.find((one) => ended?.endsWith(`//${one.id}`));
  }

  /** The addresses and the id of a pod's newest sandbox that runs. */
  async findSandbox(podUid: string): Promise<Sandbox | undefined> {
    const all = await this.#options.runtime.listSandboxes(this.localUid(podUid));
    return all.filter(({ state }) => state === 'ready').sort((one, other) => other.attempt - one.attempt)[0];
  }

  #takeNode({ type, object: node }: WatchEvent<V1Node>): void {
    // Somebody removed the node that we are: it registers again.
    if (type === 'DELETED') return this.#nodeAgent.refreshStatus();
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
    if (isMirrorPod(object)) return this.#mirrors.take({ type, object });
    const uid = object.metadata?.uid ?? '';
    let worker = this.#workers.get(uid);
    if (type === 'DELETED') return worker?.remove();
    if (worker === undefined) {
      worker = new PodWorker(object, this.#context, () => this.#workers.delete(uid));
      this.#workers.set(uid, worker);
    }
    worker.update(object);
  }

  /** A static pod's worker: what it tells goes to its mirror, whenever there is one. */
  #startStatic(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? '';
    const api: PodApi = {
      report: (reported, status) => {
        this.#mirrors.tell(reported, status);
        const known = { ...reported, status: { ...reported.status, ...status } };
        worker.update(known);
        return Promise.resolve(known);
      },
      finish: () => Promise.resolve(),
    };
    const worker = new PodWorker(pod, { ...this.#context, api }, () => {
      this.#workers.delete(uid);
      this.#staticPods?.gone(pod);
    });
    this.#workers.set(uid, worker);
    this.#mirrors.show(pod);
    worker.poke();
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

  /**
   * Ends and removes the sandboxes of pods that were deleted while we were not there, and what else such pods have here. One that cannot be
   * removed yet, since the runtime is still at what an earlier agent asked for, keeps neither the others nor the node: it is for the next time.
   */
  async removeStrangers(): Promise<void> {
    const { runtime, environment, log } = this.#options;
    const gone = new Set<string>();
    const left = new Set<string>();
    for (const { id, podUid } of await runtime.listSandboxes()) {
      if (this.hasPod(podUid)) continue;
      try {
        await runtime.stopSandbox(id);
        await runtime.removeSandbox(id);
        gone.add(podUid);
      } catch (error) {
        left.add(podUid);
        log('warn', 'the sandbox of a pod that is gone could not be removed, the next attempt is soon', {
          sandbox: id,
          error: String(error),
        });
      }
    }
    for (const uid of gone) if (!left.has(uid)) await environment?.release(uid);
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
