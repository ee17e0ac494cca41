import { SCORE_MAX, type FilterPlugin, type ScorePlugin } from '../framework.js';

/** What LeastAllocated weighs, equally, as in kube-scheduler's default configuration. */
const SCORED_RESOURCES = ['cpu', 'memory'] as const;

/** Requests must fit what is left of the node's allocatable resources, extended ones included; the more is left, the better. */
export const NodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  filter(pod, node) {
    let reasons: string[] | undefined;
    let unresolvable = false;
    if (node.pods.size + 1 > (node.allocatable.get('pods') ?? 0)) (reasons ??= []).push('Too many pods');
    for (const [name, wanted] of pod.requests) {
      if (wanted === 0) continue;
      const allocatable = node.allocatable.get(name) ?? 0;
      if (wanted <= allocatable - (node.requested.get(name) ?? 0)) continue;
      (reasons ??= []).push(`Insufficient ${name}`);
      if (wanted > allocatable) unresolvable = true;
    }
    return reasons === undefined ? undefined : { reasons, unresolvable };
  },
  weight: 1,
  kind: 'usage',
  score(pod, node) {
    let sum = 0;
    let weights = 0;
    for (const name of SCORED_RESOURCES) {
      const allocatable = node.allocatable.get(name) ?? 0;
      if (allocatable === 0) continue;
      weights++;
      const requested = (node.scored.get(name) ?? 0) + (pod.scored.get(name) ?? 0);
      if (requested < allocatable) sum += ((allocatable - requested) * SCORE_MAX) / allocatable;
    }
    return weights === 0 ? 0 : sum / weights;
  },
};
