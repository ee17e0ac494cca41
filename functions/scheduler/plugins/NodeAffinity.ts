import { matchesRequiredNodeAffinity, preferredNodeAffinityWeight } from '../../../lib/scheduling/node-affinity.js';
import type { FilterPlugin, ScorePlugin } from '../framework.js';

/** spec.nodeSelector and node affinity: required terms filter, preferred ones score. */
export const NodeAffinity: FilterPlugin & ScorePlugin = {
  name: 'NodeAffinity',
  filter(pod, { node }) {
    if (node !== undefined && matchesRequiredNodeAffinity(pod.pod.spec ?? { containers: [] }, node)) return undefined;
    return { reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };
  },
  weight: 2,
  kind: 'static',
  score: (pod, { node }) => (node === undefined ? 0 : preferredNodeAffinityWeight(pod.affinity, node)),
};
