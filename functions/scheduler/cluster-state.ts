import type { WatchEvent } from '../../lib/client/watch-stream.js';
import type { Replicas } from '../../lib/client/replicas.js';
import { nodes, pods } from '../../lib/client/resources.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { NodeInfo } from './node-info.js';
import { podInfo, type PodInfo } from './pod-info.js';

export const SCHEDULER_NAME = 'default-scheduler';

/** Waits for a node and is this scheduler's to place. */
export function isPending(pod: V1Pod): boolean {
  return (
    !pod.spec?.nodeName &&
    pod.metadata?.deletionTimestamp === undefined &&
    (pod.spec?.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME &&
    (pod.spec?.schedulingGates?.length ?? 0) === 0 &&
    !isTerminal(pod)
  );
}

function isTerminal(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Nodes and pods as the scheduler counts them, kept current by the replicas' events. */
export class ClusterState {
  readonly #replicas: Replicas;
  readonly #nodes = new Map<string, NodeInfo>();
  /** By uid: the node a live pod is bound to. */
  readonly #bound = new Map<string, string>();
  #list: NodeInfo[] | undefined;
  readonly #assumed = new Map<string, string>();
  readonly #unsubscribe: (() => void)[];
  /** By uid. */
  readonly pending = new Map<string, PodInfo>();
  /** Grows when something happened that may let a pod fit which did not. */
  openings = 0;

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
    this.#unsubscribe = [
      replicas.of(pods).onEvent((event) => this.#takePod(event)),
      replicas.of(nodes).onEvent((event) => this.#takeNode(event)),
    ];
  }

  /** Takes in every write acknowledged so far, and drops assumptions that did not come true. */
  async refresh(): Promise<void> {
    await Promise.all([this.#replicas.view(nodes), this.#replicas.view(pods)]);
    for (const uid of this.#assumed.keys()) this.forget(uid);
  }

  /** The nodes that exist. */
  nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()].filter((info) => info.node !== undefined);
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node === undefined ? undefined : info;
  }

  /** Counts a pod on a node before the API server has said so. */
  assume(pod: PodInfo, node: NodeInfo): void {
    this.#assumed.set(pod.uid, node.name);
    node.add(pod);
  }

  forget(uid: string): void {
    const name = this.#assumed.get(uid);
    if (name === undefined) return;
    this.#assumed.delete(uid);
    if (this.#bound.get(uid) !== name) this.#nodes.get(name)?.remove(uid);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #takePod({ type, object }: WatchEvent<V1Pod>): void {
    const uid = object.metadata?.uid ?? '';
    const gone = type === 'DELETED' || isTerminal(object);
    const nodeName = gone ? undefined : object.spec?.nodeName || undefined;
    const boundTo = this.#bound.get(uid);
    if (boundTo !== undefined && boundTo !== nodeName) {
      this.#bound.delete(uid);
      const info = this.#nodes.get(boundTo);
      info?.remove(uid);
      // The last pod of a node that was deleted before it.
      if (info?.node === undefined && info?.pods.size === 0) this.#nodes.delete(boundTo);
      this.openings++;
    }
    if (nodeName !== undefined) {
      this.forget(uid);
      this.#bound.set(uid, nodeName);
      this.#info(nodeName).add(podInfo(object));
    }
    if (type !== 'DELETED' && isPending(object)) this.pending.set(uid, podInfo(object));
    else this.pending.delete(uid);
  }

  #takeNode({ type, object }: WatchEvent<V1Node>): void {
    const name = object.metadata?.name ?? '';
    const info = this.#info(name);
    if (type === 'DELETED' || info.node === undefined) this.#list = undefined;
    if (type === 'DELETED') {
      info.setNode(undefined);
      if (info.pods.size === 0) this.#nodes.delete(name);
      return;
    }
    if (info.node === undefined || matters(info.node, object)) this.openings++;
    info.setNode(object);
  }

  #info(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) this.#nodes.set(name, (info = new NodeInfo(name)));
    return info;
  }
}

/** Whether a change of a node can change where pods fit: not its heartbeat. */
export function matters(old: V1Node, node: V1Node): boolean {
  return (
    JSON.stringify([old.spec, old.metadata?.labels, old.status?.allocatable]) !==
    JSON.stringify([node.spec, node.metadata?.labels, node.status?.allocatable])
  );
}
