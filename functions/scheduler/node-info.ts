import type { V1Node } from '../../lib/schema/generated/types.js';
import { addAmounts, amountsOf, type Amounts } from '../../lib/scheduling/pod-requests.js';
import type { PodInfo } from './pod-info.js';

/** A node with the pods on it, bound or assumed, and the sums over them. */
export class NodeInfo {
  readonly name: string;
  /** Undefined while only pods of it are known. */
  node: V1Node | undefined;
  allocatable: Amounts = new Map();
  readonly requested: Amounts = new Map();
  readonly scored: Amounts = new Map();
  readonly pods = new Map<string, PodInfo>();
  /** Grows with every change: what was computed from an older one is out of date. */
  generation = 0;

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: V1Node | undefined): void {
    this.node = node;
    this.allocatable = amountsOf(node?.status?.allocatable);
    this.generation++;
  }

  add(pod: PodInfo): void {
    if (this.pods.has(pod.uid)) this.remove(pod.uid);
    this.pods.set(pod.uid, pod);
    addAmounts(this.requested, pod.requests);
    addAmounts(this.scored, pod.scored);
    this.generation++;
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    addAmounts(this.requested, pod.requests, -1);
    addAmounts(this.scored, pod.scored, -1);
    this.generation++;
  }

  /** The same node without some of its pods: what preemption asks about. */
  without(uids: ReadonlySet<string>): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.setNode(this.node);
    for (const [uid, pod] of this.pods) if (!uids.has(uid)) copy.add(pod);
    return copy;
  }
}
