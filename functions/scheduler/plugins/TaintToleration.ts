import { findUntoleratedTaint, toleratesTaint } from '../../../lib/scheduling/taints.js';
import type { FilterPlugin, ScorePlugin } from '../framework.js';

/** Taints with effect NoSchedule and NoExecute keep pods off; the fewer PreferNoSchedule taints are not tolerated, the better. */
export const TaintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  filter(pod, { node }) {
    if (findUntoleratedTaint(node?.spec?.taints, pod.tolerations) === undefined) return undefined;
    return { reasons: ['node(s) had untolerated taint(s)'], unresolvable: true };
  },
  weight: 3,
  kind: 'static',
  reverse: true,
  score(pod, { node }) {
    let count = 0;
    for (const taint of node?.spec?.taints ?? []) {
      if (taint.effect === 'PreferNoSchedule' && !toleratesTaint(pod.tolerations, taint)) count++;
    }
    return count;
  },
};
