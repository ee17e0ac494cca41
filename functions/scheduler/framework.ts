import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';

/** Why a node does not fit a pod. */
export interface Misfit {
  /** In kube-scheduler's words: `Insufficient cpu`. */
  reasons: readonly string[];
  /** Evicting other pods would not help. */
  unresolvable: boolean;
}

/** Says whether a pod fits a node. Named as in kube-scheduler. */
export interface FilterPlugin {
  readonly name: string;
  filter(pod: PodInfo, node: NodeInfo): Misfit | undefined;
}

export const SCORE_MAX = 100;

/** Says how well a pod fits a node that passed the filters. */
export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /**
   * `static`: depends on the node's labels and taints alone; raw scores are normalised over the nodes that fit. `usage`: from 0 to
   * SCORE_MAX, depends on what runs on the node, and must never rise when a pod is added there.
   */
  readonly kind: 'static' | 'usage';
  score(pod: PodInfo, node: NodeInfo): number;
  /** With `static`: the normalised score is inverted, so that less is better. */
  readonly reverse?: boolean;
}
