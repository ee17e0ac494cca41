import type { NodeInfo } from './node-info.js';
import { misfit, type Plugins } from './node-ranking.js';
import type { PodInfo } from './pod-info.js';

/** Why no node fits a pod: how many nodes refuse it for which reason. */
export interface FitError {
  readonly nodeCount: number;
  /** Nodes where evicting pods might help. */
  readonly resolvable: readonly NodeInfo[];
  /** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`, as kube-scheduler says it. */
  readonly message: string;
}

export function diagnose(plugins: Plugins, pod: PodInfo, nodes: readonly NodeInfo[]): FitError {
  if (nodes.length === 0) return { nodeCount: 0, resolvable: [], message: 'no nodes available to schedule pods' };
  const counts = new Map<string, number>();
  const resolvable: NodeInfo[] = [];
  for (const node of nodes) {
    const found = misfit(plugins, pod, node);
    if (found === undefined) continue;
    for (const reason of found.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    if (!found.unresolvable) resolvable.push(node);
  }
  return { nodeCount: nodes.length, resolvable, message: availability(nodes.length, counts) };
}

/** `0/N nodes are available: COUNT REASON, COUNT REASON.` with the parts sorted. */
export function availability(nodeCount: number, reasons: ReadonlyMap<string, number>): string {
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodeCount} nodes are available: ${parts.join(', ')}.`;
}
